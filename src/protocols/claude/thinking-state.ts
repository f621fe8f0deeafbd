import type { ChatCompletion } from '../../domain/chat.js';
import type { TurnState } from '../../domain/turn-state.js';
import { isObject, parsedJson, type Json } from '../json.js';

/** Whose thinking it is, in `reasoning_details` and among what is kept between turns. */
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
export function turnStateOf(toolCallId: string | undefined, blocks: readonly PlacedThinking[]): readonly TurnState[] {
  if (toolCallId === undefined || blocks.length === 0) return [];
  return [{ toolCallId, format: CLAUDE_FORMAT, value: JSON.stringify(blocks) }];
}

/** The same of a whole answer. */
export function turnStatesIn({ choices }: ChatCompletion): readonly TurnState[] {
  return choices.flatMap(({ message }) =>
    turnStateOf(message.tool_calls?.[0]?.id, blocksInDetails(message['reasoning_details'])),
  );
}

/** Thinking in `reasoning_details`, whole or in the parts of a stream. Only what Anthropic has signed is of use. */
export function blocksInDetails(details: unknown): readonly PlacedThinking[] {
  const blocks: PlacedThinking[] = [];
  for (const { type, format, text, signature, data, after } of joined(details)) {
    if (format !== CLAUDE_FORMAT) continue;
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
    const continues = last !== undefined && index !== undefined && last.index === index && last.type === type;
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
export function blocksKept(state: TurnState | undefined): readonly PlacedThinking[] {
  return state?.format === CLAUDE_FORMAT ? blocksIn(parsedJson(state.value)) : [];
}
