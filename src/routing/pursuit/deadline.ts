import type { RequestContext } from '../../domain/request-context.js';

/** By when a request must be over, all its attempts together. `performance.now()` milliseconds. */
export interface Deadline {
  /** Later than this no attempt begins, nor a wait for one. */
  readonly startBy: number;
  /** By when the answer must have begun: a stream's first token, or the whole of a plain answer. */
  readonly answerBy: number;
  readonly endBy: number;
}

/**
 * SDKs raise a time-out error of their own as they leave, which is what their users catch; and some tell whole seconds
 * only, with the rest cut off. So theirs is given time to come first.
 */
const GRACE_MS = 1_000;

/**
 * The earliest of the route's total, the client's `x-parley-timeout-ms`, and the SDK's own time-out. The last holds to
 * the first token only: SDKs time the wait for an answer's headers, or for its next bytes, and no stream as a whole.
 */
export function deadlineOf({ startedAt, wishes }: RequestContext, totalMs: number): Deadline {
  const { timeoutMs = Infinity, patienceMs = Infinity } = wishes;
  const endMs = Math.min(totalMs, timeoutMs);
  return {
    startBy: startedAt + Math.min(endMs, patienceMs),
    answerBy: startedAt + Math.min(endMs, patienceMs + GRACE_MS),
    endBy: startedAt + endMs,
  };
}
