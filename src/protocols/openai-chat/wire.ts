import { UpstreamError } from '../../domain/errors.js';
import { isObject } from '../json.js';

/** What servers of the OpenAI family send, as far as we read it: anything may be missing, null or of another type. */
export interface WireAnswer {
  readonly id?: unknown;
  readonly object?: unknown;
  readonly created?: unknown;
  readonly model?: unknown;
  readonly choices?: unknown;
  readonly usage?: unknown;
  readonly error?: unknown;
  /** MiniMax reports failures here, in a 200. */
  readonly base_resp?: { readonly status_code?: number; readonly status_msg?: string } | null;
  /** Groq puts usage and stream failures here. */
  readonly x_groq?: { readonly usage?: unknown; readonly error?: unknown } | null;
  readonly [field: string]: unknown;
}

export interface WireChoice {
  readonly index?: unknown;
  readonly message?: WireMessage | null;
  readonly delta?: WireMessage | null;
  readonly finish_reason?: unknown;
  readonly logprobs?: unknown;
  readonly error?: unknown;
  /** Moonshot puts usage here. */
  readonly usage?: unknown;
  readonly [field: string]: unknown;
}

export interface WireMessage {
  readonly role?: unknown;
  readonly content?: unknown;
  readonly refusal?: unknown;
  readonly reasoning?: unknown;
  readonly reasoning_content?: unknown;
  readonly tool_calls?: readonly WireToolCall[] | null;
  readonly [field: string]: unknown;
}

export interface WireToolCall {
  readonly index?: number | null;
  readonly id?: string | null;
  readonly type?: string | null;
  readonly function?: { readonly name?: string | null; readonly arguments?: unknown } | null;
  readonly custom?: { readonly name?: string | null; readonly input?: string | null } | null;
  readonly [field: string]: unknown;
}

/** The object of an answer or an event; some servers report a failure as a list of one. */
export function answerIn(value: unknown): WireAnswer | undefined {
  const first: unknown = Array.isArray(value) ? value[0] : undefined;
  return isObject(value) ? value : isObject(first) && first['error'] != null ? first : undefined;
}

/** What stands in a list, if there is one. Throws UpstreamError where a provider put in anything but objects. */
export function objectsIn<Item extends object>(list: readonly Item[] | null | undefined): readonly Item[] {
  const items: readonly unknown[] | null | undefined = list;
  if (items === undefined || items === null) return [];
  if (!Array.isArray(items) || !items.every(isObject))
    throw new UpstreamError('The provider sent something that is not a completion.', {
      code: 'invalid_upstream_answer',
    });
  return list ?? [];
}
