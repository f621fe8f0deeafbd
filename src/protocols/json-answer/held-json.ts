import type { Delta, Usage } from '../../domain/chat.js';
import { UpstreamError } from '../../domain/errors.js';
import { isObject } from '../json.js';
import type { JsonDemand } from '../protocol.js';
import { NO_PIECES, type Piece, type Step } from '../stream-reducer.js';
import { checkJson } from './check-json.js';

/** The text of a stream that is held back until it can be told whether it is the JSON that was asked for. */
export interface HeldJson {
  readonly demand: JsonDemand;
  readonly choices: ReadonlyMap<number, HeldChoice>;
}

interface HeldChoice {
  readonly text: string;
  /** The log probabilities that came with the text, last first. */
  readonly logprobs: HeldLogprobs | undefined;
  /** It refuses, or calls tools: its text is no answer in JSON. */
  readonly unchecked: boolean;
}

interface HeldLogprobs {
  readonly value: unknown;
  readonly before: HeldLogprobs | undefined;
}

const NOTHING_HELD: HeldChoice = { text: '', logprobs: undefined, unchecked: false };
/** Longer than any model's longest answer. */
const MAX_HELD_LENGTH = 16 * 1024 * 1024;

export const holdJson = (demand: JsonDemand): HeldJson => ({ demand, choices: new Map() });

/**
 * What may go on of one piece: all but text at once, the text when its choice ends, in one piece before the end.
 * Throws UpstreamError where it is not the JSON that was asked for, with the usage as far as it is known.
 */
export function stepHeld(state: HeldJson, piece: Piece, usage?: Usage): Step<HeldJson> {
  const held = state.choices.get(piece.index) ?? NOTHING_HELD;
  const { content, ...others } = piece.delta;
  const isText = typeof content === 'string' && content !== '';
  const next = {
    ...holding(held, isText ? content : '', isText ? piece.logprobs : undefined),
    unchecked: held.unchecked || isOtherAnswer(piece.delta),
  };
  if (next.text.length > MAX_HELD_LENGTH)
    throw new UpstreamError('The answer of the provider is too large.', { code: 'invalid_upstream_answer' });
  const choices = new Map(state.choices).set(piece.index, next);
  const rest = isText ? without(piece, others) : piece;
  if (piece.finish === undefined)
    return { state: { ...state, choices }, pieces: rest === undefined ? NO_PIECES : [rest] };
  choices.delete(piece.index);
  const text = textOf(next, piece, { demand: state.demand, usage });
  return { state: { ...state, choices }, pieces: [...text, ...(rest === undefined ? [] : [rest])] };
}

/** Ropes and a list from its end: an answer of many thousand pieces is not copied for each of them. */
function holding({ text, logprobs, unchecked }: HeldChoice, more: string, told: unknown): HeldChoice {
  return {
    text: text + more,
    logprobs: told === undefined || told === null ? logprobs : { value: told, before: logprobs },
    unchecked,
  };
}

function isOtherAnswer({ refusal, tool_calls: calls, function_call: call }: Delta): boolean {
  return (typeof refusal === 'string' && refusal !== '') || (calls?.length ?? 0) > 0 || isObject(call);
}

/** The piece without its text; undefined where nothing is left of it. */
function without({ logprobs: _told, ...piece }: Piece, delta: Delta): Piece | undefined {
  return piece.finish === undefined && Object.keys(delta).length === 0 ? undefined : { ...piece, delta };
}

interface Check {
  readonly demand: JsonDemand;
  readonly usage: Usage | undefined;
}

function textOf(held: HeldChoice, { index, finish }: Piece, { demand, usage }: Check): readonly Piece[] {
  const content = finish === 'stop' && !held.unchecked ? checkJson(held.text, demand, usage) : held.text;
  if (content === '') return NO_PIECES;
  const logprobs = joined(held.logprobs);
  return [{ index, delta: { content }, ...(logprobs !== undefined && { logprobs }) }];
}

/** One object whose lists are those of all. */
function joined(last: HeldLogprobs | undefined): unknown {
  if (last === undefined) return undefined;
  const lists = new Map<string, unknown[][]>();
  for (let each: HeldLogprobs | undefined = last; each !== undefined; each = each.before) {
    if (!isObject(each.value)) continue;
    for (const [name, list] of Object.entries(each.value)) {
      if (!Array.isArray(list)) continue;
      const known = lists.get(name);
      if (known === undefined) lists.set(name, [list]);
      else known.push(list);
    }
  }
  return Object.fromEntries([...lists].map(([name, parts]) => [name, parts.toReversed().flat()]));
}
