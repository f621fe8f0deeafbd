import type { RequestContext } from '../../domain/request-context.js';

/** By when a request must be over, all its attempts together. `performance.now()` milliseconds. */
export interface Deadline {
  /** By when the answer must have begun: a stream's first token, or the whole of a plain answer. */
  readonly answerBy: number;
  readonly endBy: number;
}

/**
 * SDKs give up by themselves, and then try again. An error that arrives just before that says what happened, and that
 * the gateway has made its own attempts.
 */
const MARGIN_SHARE = 0.05;
const LONGEST_MARGIN_MS = 500;

/**
 * The earliest of the route's total, the client's `x-parley-timeout-ms`, and the SDK's own time-out. The last holds to
 * the first token only: SDKs time the wait for an answer's headers, or for its next bytes, and no stream as a whole.
 */
export function deadlineOf({ startedAt, wishes }: RequestContext, totalMs: number): Deadline {
  const { timeoutMs = Infinity, patienceMs = Infinity } = wishes;
  const patience = patienceMs - Math.min(patienceMs * MARGIN_SHARE, LONGEST_MARGIN_MS);
  return {
    answerBy: startedAt + Math.min(totalMs, timeoutMs, patience),
    endBy: startedAt + Math.min(totalMs, timeoutMs),
  };
}
