import type { ChunkChoice, Delta, ToolCallDelta } from '../../domain/chat.js';
import { reportedFailure } from './failure.js';
import { finishReason } from './finish-reason.js';
import { rightLogprobs } from './logprobs.js';
import { reasoningInDetails, said } from './message.js';
import { endThinking, stepThinking, THINK_START, type Split, type ThinkState } from './think-tags.js';
import { stepLists, type Lists } from './stream-lists.js';
import { stepToolCalls, type ToolState } from './stream-tools.js';
import { type Json } from '../json.js';
import { objectsIn, type WireChoice, type WireMessage } from './wire.js';

/** One choice of a stream between two chunks. */
export interface ChoiceState {
  /** Its first chunk, the one with the role, has been seen. */
  readonly opened: boolean;
  readonly finished: boolean;
  readonly tools: readonly ToolState[];
  readonly think: ThinkState;
  readonly lists: Lists;
  /** The end of a choice with tool calls: some servers send a last piece of arguments after it. */
  readonly heldEnd: ChunkChoice | undefined;
}

export const FRESH_CHOICE: ChoiceState = {
  opened: false,
  finished: false,
  tools: [],
  think: THINK_START,
  lists: {},
  heldEnd: undefined,
};

export interface ChoiceStep {
  readonly state: ChoiceState;
  /** What to send of it, each in a chunk of its own: mostly one, two where the provider joined output and end. */
  readonly choices: readonly ChunkChoice[];
}

export interface Place {
  readonly index: number;
  /** The stream's id, for tool calls that have none. */
  readonly id: string;
  readonly thinkTags: boolean;
}

/** The text may still turn out to be reasoning in tags. */
export const mayThink = ({ think }: ChoiceState): boolean => think.phase !== 'text';

const TEXTS: readonly string[] = ['content', 'reasoning_content'];

/** Text and nothing else, in a choice that is under way. */
export function isPlainDelta({ opened, finished }: ChoiceState, choice: WireChoice): boolean {
  if (!opened || finished || choice.finish_reason !== null || choice.error != null || choice.message != null)
    return false;
  const { delta } = choice;
  if (delta == null || rightLogprobs(choice.logprobs) !== choice.logprobs) return false;
  const [field = '', another] = Object.keys(delta);
  return another === undefined && TEXTS.includes(field) && typeof delta[field] === 'string';
}

/** One chunk's part of one choice, put right. */
export function stepChoice(state: ChoiceState, wire: WireChoice, place: Place): ChoiceStep {
  const failure = reportedFailure(wire);
  if (failure !== undefined) throw failure;
  if (state.finished) return stepAfterEnd(state, wire, place);
  const ending = typeof wire.finish_reason === 'string' && wire.finish_reason !== '' ? wire.finish_reason : undefined;
  const step = stepDelta(state, wire.delta ?? {}, { ...place, ending: ending !== undefined });
  const hasOutput = Object.keys(step.delta).length > 0;
  if (ending === undefined) {
    if (!hasOutput && state.opened) return { state: step.state, choices: [] }; // nothing was said
    return {
      state: step.state,
      choices: [rightChoice(wire, place.index, { delta: step.delta, reason: null, native: undefined })],
    };
  }
  const { tools } = step.state;
  const reason = finishReason(ending, tools.length > 0);
  const native = ending === reason ? undefined : ending;
  const rest = hasOutput && wire.logprobs !== undefined ? { ...wire, logprobs: null } : wire; // told with the output
  const end = rightChoice(rest, place.index, { delta: {}, reason, native });
  const output = hasOutput ? [partOf(wire, place.index, step.delta)] : [];
  const finished = { ...step.state, finished: true };
  if (tools.length > 0) return { state: { ...finished, heldEnd: end }, choices: output };
  return { state: finished, choices: [...output, end] };
}

/** Late filter verdicts, repeated ends and summaries of the answer are not output; late arguments are. */
function stepAfterEnd(state: ChoiceState, wire: WireChoice, { index, id }: Place): ChoiceStep {
  const late = state.heldEnd === undefined ? [] : objectsIn(wire.delta?.tool_calls);
  const { state: tools, deltas } = stepToolCalls(state.tools, late, `${id}:${index}`);
  if (deltas.length === 0) return { state, choices: [] };
  return { state: { ...state, tools }, choices: [partOf(wire, index, { tool_calls: deltas })] };
}

/** What a choice still owes when the stream is over: the empty object for calls without arguments, and its end. */
export function closeChoice({ heldEnd, tools }: ChoiceState): readonly ChunkChoice[] {
  if (heldEnd === undefined) return [];
  const empty = tools.flatMap(({ announced, hasArguments }, index) =>
    announced && !hasArguments ? [{ index, function: { arguments: '{}' } }] : [],
  );
  return empty.length === 0 ? [heldEnd] : [partOf({}, heldEnd.index, { tool_calls: empty }), heldEnd];
}

interface Right {
  readonly delta: Delta;
  readonly reason: ChunkChoice['finish_reason'];
  readonly native: string | undefined;
}

/** The wire's own choice where it says just this, else a corrected copy. */
function rightChoice(wire: WireChoice, index: number, { delta, reason, native }: Right): ChunkChoice {
  const logprobs = rightLogprobs(wire.logprobs);
  const sameDelta = delta === (wire.delta as unknown) || (wire.delta != null && isEmpty(delta) && isEmpty(wire.delta));
  if (
    sameDelta &&
    wire.index === index &&
    wire.finish_reason === reason &&
    wire.logprobs === logprobs &&
    wire.message === undefined &&
    wire.usage === undefined
  )
    return wire as unknown as ChunkChoice;
  const { index: _i, delta: _d, message: _m, finish_reason: _f, usage: _u, ...rest } = wire;
  return {
    index,
    delta,
    finish_reason: reason,
    ...(native !== undefined && { native_finish_reason: native }),
    ...rest,
    ...(logprobs !== undefined && { logprobs }),
  };
}

/** The output of a chunk that also ends its choice. */
function partOf({ logprobs }: WireChoice, index: number, delta: Delta): ChunkChoice {
  return { index, delta, finish_reason: null, ...(logprobs !== undefined && { logprobs: rightLogprobs(logprobs) }) };
}

const isEmpty = (value: object): boolean => Object.keys(value).length === 0;

interface DeltaStep {
  readonly state: ChoiceState;
  /** The wire's own delta where it is right. */
  readonly delta: Delta;
}

function stepDelta(state: ChoiceState, wire: WireMessage, place: Place & { readonly ending: boolean }): DeltaStep {
  const spoken = stepText(state, wire, place);
  const tools = stepToolCalls(state.tools, objectsIn(wire.tool_calls), `${place.id}:${place.index}`);
  const { lists, fields } = stepLists(state.lists, extensionsOf(wire));
  const next: ChoiceState = { ...state, opened: true, tools: tools.state, think: spoken.think, lists };
  const delta = rightDelta(wire.refusal, { first: !state.opened, spoken, calls: tools.deltas, fields });
  const same = tools.unchanged(wire.tool_calls) && sameFields(delta, wire);
  return { state: next, delta: same ? (wire as unknown as Delta) : delta };
}

interface SaidNow {
  /** It is the first delta of its choice: the one with the role. */
  readonly first: boolean;
  readonly spoken: Spoken;
  readonly calls: readonly ToolCallDelta[];
  /** What the contract does not know. */
  readonly fields: Json;
}

function extensionsOf(wire: WireMessage): Json {
  const { role: _r, content: _c, refusal: _f, reasoning: _n, reasoning_content: _rc, tool_calls: _t, ...rest } = wire;
  return Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null));
}

/** A delta with what was said and no more: later ones have neither a role nor fields that say nothing. */
function rightDelta(refusal: unknown, { first, spoken, calls, fields }: SaidNow): Json {
  const content = contentOf(spoken, first, calls.length > 0);
  const reasoning = spoken.reasoning === '' ? undefined : spoken.reasoning;
  return {
    ...(first && { role: 'assistant' }),
    ...(content !== undefined && { content }),
    ...(refusal !== undefined && (first || refusal !== null) && { refusal }),
    ...(reasoning !== undefined && { reasoning_content: reasoning }),
    ...(calls.length > 0 && { tool_calls: calls }),
    ...fields,
  };
}

/** An empty text is said once, in the first delta, where nothing else is. */
function contentOf({ content, reasoning }: Spoken, first: boolean, calls: boolean): string | null | undefined {
  if (!first) return content === '' || content === null ? undefined : content;
  return content === undefined && reasoning === undefined && !calls ? '' : content;
}

/** Equal field by field; lists of calls were compared before. */
function sameFields(delta: Readonly<Record<string, unknown>>, wire: WireMessage): boolean {
  const fields = Object.keys(wire);
  return (
    fields.length === Object.keys(delta).length &&
    fields.every((field) => field === 'tool_calls' || delta[field] === wire[field])
  );
}

interface Spoken {
  readonly content: string | null | undefined;
  readonly reasoning: string | undefined;
  readonly think: ThinkState;
}

function stepText(
  { think }: ChoiceState,
  wire: WireMessage,
  { thinkTags, ending }: { thinkTags: boolean; ending: boolean },
): Spoken {
  const { content, reasoning: told } = said(wire);
  const reasoning = told ?? reasoningInDetails(wire['reasoning_details']);
  if (!thinkTags) return { content, reasoning, think };
  const step = stepThinking(think, content ?? '');
  const held: Split = ending ? endThinking(step.state) : { thinking: '', text: '' };
  const thinking = (reasoning ?? '') + step.thinking + held.thinking;
  const text = step.text + held.text;
  return {
    content: text === '' && content !== '' ? (content === null ? null : undefined) : text,
    reasoning: thinking === '' ? undefined : thinking,
    think: ending ? THINK_START : step.state,
  };
}
