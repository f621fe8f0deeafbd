import type { Experience } from '../../availability/admission/adaptive-limit.js';
import type { Place } from '../../availability/admission/gate.js';
import type { Credential } from '../../availability/credential-pool.js';
import type { CallEnd, Passage } from '../../availability/passage.js';
import type { UpstreamState } from '../../availability/upstream-state.js';
import { GatewayError, UnfitAnswerError, UpstreamError, UpstreamTimeoutError } from '../../domain/errors.js';
import type { UpstreamAttempt } from '../../domain/deployment.js';
import { isLimit, refusedWith, verdictOn } from './verdict.js';

/** One call's visit to an upstream: the place it takes there, and what its end tells of upstream and credential. */
export class Visit {
  readonly #passage: Passage;

  constructor(
    private readonly upstream: UpstreamState,
    readonly credential: Credential,
    private readonly place: Place,
  ) {
    this.#passage = upstream.begin(credential);
  }

  completed(attempt: UpstreamAttempt, isStream: boolean): void {
    this.#passage.end({ kind: 'answered' });
    this.place.leave(experienceOf(attempt, isStream, false));
  }

  failed(error: unknown, attempt: UpstreamAttempt, isStream: boolean): void {
    const end = endOf(error, attempt);
    this.#passage.end(end);
    const overloaded = end.kind === 'limited' || (end.kind === 'failed' && isOverload(error));
    this.place.leave(experienceOf(attempt, isStream, overloaded));
  }

  /** The client left, or another was faster. */
  abandoned(): void {
    this.#passage.end({ kind: 'untold' });
    this.place.leave();
  }

  /** The first token of a stream, or a whole answer. */
  begun({ startedAt, answeredAt = performance.now() }: UpstreamAttempt, isStream: boolean): void {
    this.#passage.begun();
    (isStream ? this.upstream.firstToken : this.upstream.wholeAnswer).add(answeredAt - startedAt);
  }
}

/** With less than this share of the time that the provider is given, a call says nothing of it. */
const FAIR_SHARE = 0.9;

function endOf(error: unknown, attempt: UpstreamAttempt): CallEnd {
  if (!(error instanceof GatewayError) || isOwnEnd(error, attempt)) return UNTOLD;
  // What was asked for may be at fault: it must not close the provider to all others.
  if (error instanceof UnfitAnswerError) return { kind: 'answered' };
  switch (verdictOn(error)) {
    case 'credential':
      return { kind: 'refused', status: refusedWith(error) };
    case 'again':
    case 'elsewhere':
      return isLimit(error) ? { kind: 'limited', waitMs: error.retryAfterMs } : { kind: 'failed' };
    case 'contextWindow':
    case 'contentPolicy':
    case 'final':
      return error instanceof UpstreamError ? { kind: 'answered' } : UNTOLD;
    case 'skip':
      return UNTOLD;
  }
}

/** An answer that is long, a client in a hurry, or what another call left of the time: that is no fault of the provider. */
function isOwnEnd(error: GatewayError, { answeredAt, startedAt, deployment }: UpstreamAttempt): boolean {
  if (!(error instanceof UpstreamTimeoutError) || error.clock !== 'total') return false;
  return answeredAt !== undefined || performance.now() - startedAt < deployment.timeouts.total * FAIR_SHARE;
}

const UNTOLD: CallEnd = { kind: 'untold' };

const isOverload = (error: unknown): boolean =>
  error instanceof UpstreamTimeoutError || (error instanceof UpstreamError && error.status === 503);

function experienceOf(
  { startedAt, answeredAt }: UpstreamAttempt,
  isStream: boolean,
  overloaded: boolean,
): Experience | undefined {
  if (answeredAt === undefined && !overloaded) return undefined;
  return { kind: isStream ? 'stream' : 'whole', ms: (answeredAt ?? performance.now()) - startedAt, overloaded };
}
