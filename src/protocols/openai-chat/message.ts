import { MAX_TOOL_CALL_ID, shortToolCallId } from '../../domain/ids.js';
import { isObject } from '../json.js';
import { type WireMessage } from './wire.js';

/** What a message or a delta says, in the contract's words, whatever field the provider put it in. */
export interface Said {
  /** undefined: the field was not there. */
  readonly content: string | null | undefined;
  readonly reasoning: string | undefined;
}

/** Reads text and reasoning. Mistral sends a list of parts, some of them thinking. */
export function said({ content, reasoning_content: official, reasoning: other }: WireMessage): Said {
  const reasoning = textOf(official) ?? textOf(other);
  if (!Array.isArray(content)) return { content: content === null ? null : textOf(content), reasoning };
  const parts = content.filter(isObject);
  const thinking = parts.filter(({ type }) => type === 'thinking').map((part) => partText(part['thinking']));
  const text = parts.filter(({ type }) => type !== 'thinking').map((part) => partText(part['text']));
  return {
    content: text.join(''),
    reasoning: thinking.length > 0 ? (reasoning ?? '') + thinking.join('') : reasoning,
  };
}

/**
 * Text in `reasoning_details` (OpenRouter) where a message has no reasoning of its own.
 * The details themselves stay: they are what the provider wants back on the next turn.
 */
export function reasoningInDetails(details: unknown): string | undefined {
  if (!Array.isArray(details)) return undefined;
  const text = details
    .filter(isObject)
    .map((detail) => textOf(detail['text']) ?? textOf(detail['summary']) ?? '')
    .join('');
  return text === '' ? undefined : text;
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

function partText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return '';
  return value.map((part) => (isObject(part) ? partText(part['text']) : '')).join('');
}

/** Arguments are a string, in a stream and out of it; some servers send the object. */
export function argumentText(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : JSON.stringify(value);
}

/** A call's id as clients can use it: present, and no longer than the contract allows. */
export function toolCallId(id: unknown, fallback: string): string {
  if (typeof id !== 'string' || id === '') return shortToolCallId(fallback);
  return id.length > MAX_TOOL_CALL_ID ? shortToolCallId(id) : id;
}
