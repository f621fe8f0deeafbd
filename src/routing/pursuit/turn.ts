import type { Experience, Place } from '../../availability/admission/gate.js';
import type { CallEnd, Credential, Passage, UpstreamState } from '../../availability/upstream-state.js';
import { GatewayError, UpstreamError, UpstreamTimeoutError } from '../../domain/errors.js';
import type { UpstreamAttempt } from '../../domain/deployment.js';
import type { Deadline } from './deadline.js';
import { refusedWith, verdictOn } from './verdict.js';

/** One call's turn at an upstream: the place it takes there, and what its end tells of upstream and credential. */
export class Turn {
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

  failed(error: unknown, { attempt, isStream, deadline }: Failed): void {
    const end = endOf(error, attempt, deadline);
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

interface Failed {
  readonly attempt: UpstreamAttempt;
  readonly isStream: boolean;
  readonly deadline: Deadline;
}

function endOf(error: unknown, attempt: UpstreamAttempt, deadline: Deadline): CallEnd {
  if (!(error instanceof GatewayError) || isOwnEnd(error, attempt, deadline)) return UNTOLD;
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

/** An answer that is long, or a client in a hurry, is no fault of the provider. */
const isOwnEnd = (error: GatewayError, { answeredAt }: UpstreamAttempt, { isClients }: Deadline): boolean =>
  error instanceof UpstreamTimeoutError && error.clock === 'total' && (isClients || answeredAt !== undefined);

const UNTOLD: CallEnd = { kind: 'untold' };
const isLimit = (error: unknown): error is UpstreamError => error instanceof UpstreamError && error.status === 429;

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
