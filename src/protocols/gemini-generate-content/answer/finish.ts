import type { FinishReason } from '../../../domain/chat.js';
import { UpstreamError } from '../../../domain/errors.js';

/** How an answer stands when its provider says that it has ended. */
export interface Ending {
  /** Google's own word. */
  readonly native: string;
  readonly message: string | undefined;
  readonly calledTools: boolean;
  /** There is text, a call, or a picture. */
  readonly saidSomething: boolean;
}

const LENGTH: ReadonlySet<string> = new Set(['MAX_TOKENS', 'CONTINUATION']);
const FILTERED: ReadonlySet<string> = new Set([
  ...['SAFETY', 'RECITATION', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'SPII', 'LANGUAGE'],
  ...['IMAGE_SAFETY', 'IMAGE_PROHIBITED_CONTENT', 'IMAGE_RECITATION', 'MODEL_ARMOR', 'JAILBREAK'],
]);
const MALFORMED: ReadonlySet<string> = new Set([
  ...['MALFORMED_FUNCTION_CALL', 'UNEXPECTED_TOOL_CALL', 'TOO_MANY_TOOL_CALLS', 'MALFORMED_RESPONSE'],
]);
const POLICY = /safety|polic|prohibit|filter|blocked/i;

/**
 * The reason a client may see (Gemini reference §3.2). Throws UpstreamError for an answer that came to nothing: an
 * empty success would look like the model's own choice.
 */
export function finishReason({ native, message, calledTools, saidSomething }: Ending): FinishReason {
  if (LENGTH.has(native)) return 'length';
  if (FILTERED.has(native)) return 'content_filter';
  // Google says STOP of calls too.
  const stop = calledTools ? 'tool_calls' : 'stop';
  if (native === 'STOP' || saidSomething) return stop;
  if (MALFORMED.has(native)) throw failed(native, message, 'upstream_malformed_response');
  if (message !== undefined && POLICY.test(message)) return 'content_filter';
  throw failed(native, message, 'empty_response');
}

function failed(native: string, message: string | undefined, code: string): UpstreamError {
  const words = message === undefined ? '' : ` ${message.slice(0, 500)}`;
  return new UpstreamError(`The provider gave up on the answer (${native}).${words}`, { code });
}

/** A reason that stands for none. */
export const isSaid = (reason: unknown): reason is string =>
  typeof reason === 'string' && reason !== '' && !reason.endsWith('_UNSPECIFIED');
