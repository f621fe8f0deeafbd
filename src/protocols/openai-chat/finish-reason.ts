import { FINISH_REASONS, type FinishReason } from '../../domain/chat.js';
import { UpstreamError } from '../../domain/errors.js';

/** Words other servers use. What stands in neither list is unknown and becomes `stop`. */
const SYNONYMS: Readonly<Record<string, FinishReason>> = {
  eos: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  COMPLETE: 'stop',
  STOP_SEQUENCE: 'stop',
  STOP: 'stop',
  max_tokens: 'length',
  model_length: 'length',
  MAX_TOKENS: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  TOOL_CALL: 'tool_calls',
  sensitive: 'content_filter',
  safety: 'content_filter',
  SAFETY: 'content_filter',
};

/** Not the end of an answer but of an attempt. */
const FAILURES: Readonly<Record<string, number>> = {
  error: 502,
  ERROR: 502,
  network_error: 502,
  abort: 502,
  insufficient_system_resource: 503,
};

const CLOSED: ReadonlySet<string> = new Set(FINISH_REASONS);

/** The reason a client may see. Throws UpstreamError where the provider's word means that it failed. */
export function finishReason(native: string, calledTools: boolean): FinishReason {
  const failed = Object.hasOwn(FAILURES, native) ? FAILURES[native] : undefined;
  if (failed !== undefined)
    throw new UpstreamError(`The provider gave up on the answer (${native}).`, { status: failed });
  const known = CLOSED.has(native)
    ? (native as FinishReason)
    : Object.hasOwn(SYNONYMS, native)
      ? SYNONYMS[native]
      : undefined;
  // Agent loops in many clients go by this word, so calls are announced even where the provider said `stop`.
  return calledTools && (known ?? 'stop') === 'stop' ? 'tool_calls' : (known ?? 'stop');
}
