import type { FinishReason } from '../../domain/chat.js';
import { UpstreamError } from '../../domain/errors.js';

/** The words of Converse (Bedrock reference §3). The list grows: what it does not hold is a plain end. */
const REASONS: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  tool_use: 'tool_calls',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  content_filtered: 'content_filter',
  guardrail_intervened: 'content_filter',
  refusal: 'content_filter',
};

/** What the answer holds, by which its end is judged. */
export interface Said {
  /** There is anything at all in it. */
  readonly anything: boolean;
  /** The client is told of tool calls. */
  readonly toolCalls: boolean;
}

/** The reason a client may see. Throws UpstreamError where the model failed before it had said anything. */
export function finishReason(native: string, { anything, toolCalls }: Said): FinishReason {
  if (native.startsWith('malformed_') && !anything)
    throw new UpstreamError(`The model gave up on the answer (${native}).`, { code: 'upstream_error' });
  const known = Object.hasOwn(REASONS, native) ? REASONS[native] : undefined;
  if (known === 'length' || known === 'content_filter') return known;
  return toolCalls ? 'tool_calls' : 'stop';
}
