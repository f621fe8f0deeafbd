import type { ChatCompletion } from '../../domain/chat.js';
import type { TurnState } from '../../domain/turn-state.js';
import { isObject, parsedJson, type Json } from '../json.js';

/**
 * Whose thinking it is, in `reasoning_details` and among what is kept between turns: the same wherever Claude is served,
 * so that a turn of one host can be gone on with at another. What says nothing of whose it is, is nobody's: a signature
 * of another family would be refused. Other models of Bedrock have thinking of the same two kinds, under a format of theirs.
 */
export const CLAUDE_FORMAT = 'anthropic-claude-v1';

/** What a model thought, as it must come back: signed text, or text that only the provider can read. */
export type ThinkingBlock =
  | { readonly type: 'thinking'; readonly thinking: string; readonly signature: string }
  | { readonly type: 'redacted_thinking'; readonly data: string };

/** Where in its turn a block stood that was not its beginning: a block that moves may be refused (Anthropic reference §3). */
export interface Placed {
  readonly after?: {
    /** UTF-16 units of the turn's text before it. */
    readonly content: number;
    readonly tool_calls: number;
  };
}

export type PlacedThinking = ThinkingBlock & Placed;

export const placeAfter = (content: number, calls: number): Placed =>
  content === 0 && calls === 0 ? {} : { after: { content, tool_calls: calls } };

function placeIn({ after }: Json): Placed {
  if (!isObject(after)) return {};
  const { content, tool_calls: calls } = after;
  return isCount(content) && isCount(calls) ? placeAfter(content, calls) : {};
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** What must come back with the turn whose first call this is (Anthropic reference §3). */
export function turnStateOf(
  toolCallId: string | undefined,
  blocks: readonly PlacedThinking[],
  format = CLAUDE_FORMAT,
): readonly TurnState[] {
  if (toolCallId === undefined || blocks.length === 0) return [];
  return [{ toolCallId, format, value: JSON.stringify(blocks) }];
}

/** The same by the details that the answer shows, which are all of one format. */
export function turnStateOfDetails(toolCallId: string | undefined, details: unknown): readonly TurnState[] {
  const format = joined(details)[0]?.format;
  return turnStateOf(toolCallId, blocksInDetails(details, format), format);
}

/** The same of a whole answer. */
export function turnStatesIn({ choices }: ChatCompletion): readonly TurnState[] {
  return choices.flatMap(({ message }) =>
    turnStateOfDetails(message.tool_calls?.[0]?.id, message['reasoning_details']),
  );
}

/** Thinking in `reasoning_details`, whole or in the parts of a stream. Only what its provider has signed is of use. */
export function blocksInDetails(details: unknown, wanted = CLAUDE_FORMAT): readonly PlacedThinking[] {
  const blocks: PlacedThinking[] = [];
  for (const { type, format, text, signature, data, after } of joined(details)) {
    if (format !== wanted) continue;
    if (type === 'reasoning.text' && signature !== '')
      blocks.push({ type: 'thinking', thinking: text, signature, ...after });
    if (type === 'reasoning.encrypted' && data !== '') blocks.push({ type: 'redacted_thinking', data, ...after });
  }
  return blocks;
}

interface Detail {
  readonly type: unknown;
  readonly index: unknown;
  readonly format: string;
  readonly text: string;
  readonly signature: string;
  readonly data: string;
  readonly after: Placed;
}

/** Parts with one index are one detail. */
function joined(details: unknown): readonly Detail[] {
  const whole: Detail[] = [];
  for (const part of Array.isArray(details) ? details.filter(isObject) : []) {
    const { type, index } = part;
    const last = whole.at(-1);
    const continues = last !== undefined && typeof index === 'number' && last.index === index && last.type === type;
    const before = continues ? last : EMPTY;
    const detail = {
      type,
      index,
      format: before.format + string(part['format'] === before.format ? '' : part['format']),
      text: before.text + string(part['text']),
      signature: before.signature + string(part['signature']),
      data: before.data + string(part['data']),
      after: continues ? last.after : placeIn(part),
    };
    if (continues) whole[whole.length - 1] = detail;
    else whole.push(detail);
  }
  return whole;
}

const EMPTY = { format: '', text: '', signature: '', data: '' };

const string = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Blocks in Anthropic's own form: what was kept, or LiteLLM's `thinking_blocks`. */
export function blocksIn(value: unknown): readonly PlacedThinking[] {
  const blocks: PlacedThinking[] = [];
  for (const block of Array.isArray(value) ? value.filter(isObject) : []) {
    const { type, thinking, signature, data } = block;
    if (type === 'thinking' && typeof thinking === 'string' && typeof signature === 'string' && signature !== '')
      blocks.push({ type, thinking, signature, ...placeIn(block) });
    if (type === 'redacted_thinking' && typeof data === 'string' && data !== '')
      blocks.push({ type, data, ...placeIn(block) });
  }
  return blocks;
}

/** What was kept of a turn, where it is of this family. */
export function blocksKept(state: TurnState | undefined, format: string): readonly PlacedThinking[] {
  return state?.format === format ? blocksIn(parsedJson(state.value)) : [];
}
