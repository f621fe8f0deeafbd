import type { ChatCompletion } from '../../domain/chat.js';
import type { TurnState } from '../../domain/turn-state.js';
import { isObject, parsedJson } from '../json.js';

/** Whose thinking it is, in `reasoning_details` and among what is kept between turns. */
export const CLAUDE_FORMAT = 'anthropic-claude-v1';

/** What a model thought, as it must come back: signed text, or text that only the provider can read. */
export type ThinkingBlock =
  | { readonly type: 'thinking'; readonly thinking: string; readonly signature: string }
  | { readonly type: 'redacted_thinking'; readonly data: string };

/** What must come back with the turn whose first call this is (Anthropic reference §3). */
export function turnStateOf(toolCallId: string | undefined, blocks: readonly ThinkingBlock[]): readonly TurnState[] {
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
export function blocksInDetails(details: unknown): readonly ThinkingBlock[] {
  const blocks: ThinkingBlock[] = [];
  for (const { type, format, text, signature, data } of joined(details)) {
    if (format !== CLAUDE_FORMAT) continue;
    if (type === 'reasoning.text' && signature !== '') blocks.push({ type: 'thinking', thinking: text, signature });
    if (type === 'reasoning.encrypted' && data !== '') blocks.push({ type: 'redacted_thinking', data });
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
    };
    if (continues) whole[whole.length - 1] = detail;
    else whole.push(detail);
  }
  return whole;
}

const EMPTY = { format: '', text: '', signature: '', data: '' };

const string = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Blocks in Anthropic's own form: what was kept, or LiteLLM's `thinking_blocks`. */
export function blocksIn(value: unknown): readonly ThinkingBlock[] {
  const blocks: ThinkingBlock[] = [];
  for (const block of Array.isArray(value) ? value.filter(isObject) : []) {
    const { type, thinking, signature, data } = block;
    if (type === 'thinking' && typeof thinking === 'string' && typeof signature === 'string' && signature !== '')
      blocks.push({ type, thinking, signature });
    if (type === 'redacted_thinking' && typeof data === 'string' && data !== '') blocks.push({ type, data });
  }
  return blocks;
}

/** What was kept of a turn, where it is of this family. */
export function blocksKept(state: TurnState | undefined): readonly ThinkingBlock[] {
  return state?.format === CLAUDE_FORMAT ? blocksIn(parsedJson(state.value)) : [];
}
