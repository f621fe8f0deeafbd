import {
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  handleWhenResult,
  type CircuitBreakerPolicy,
  type FailureReason,
} from 'cockatiel';

export type BreakerState = 'closed' | 'open' | 'half-open';

/**
 * What a call says about its upstream: `begun` that it answers, `limited` that it lives but takes no more, `untold`
 * nothing.
 */
export type Sign = 'begun' | 'alive' | 'failed' | 'limited' | 'untold';

/** Takes what the call it was given to has to say: that its answer has begun, and how it ended. */
export type Sentence = (sign: Sign) => void;

const FAILURES_IN_A_ROW = 5;
const [FIRST_REST_MS, LONGEST_REST_MS] = [1_000, 60_000];

/** A probe that tells nothing must not close the breaker, so it counts among what opens it again. */
const opens = handleWhenResult((sign) => sign === 'failed' || sign === 'untold');

/** The form in which the library takes over a breaker that is open. */
const OPEN = {
  ownState: { value: CircuitState.Open, openedAt: 0, attemptNo: 1 },
  breakerState: FAILURES_IN_A_ROW,
};

/**
 * Keeps calls from what fails. The library counts and knows the states; the waits are ours, because it measures them by
 * the wall clock, which may be set back. Times are `performance.now()` in ms.
 */
export class Breaker {
  #policy = this.#newPolicy();
  #isFailing = false;
  #restMs = 0;
  #openUntil = 0;

  /** `changed` hears of every change that was found out here: until when it is open, or null. */
  constructor(private readonly changed: (openUntil: number | null) => void) {}

  /** An open one that is due for a probe counts as half open. */
  state(now: number): BreakerState {
    if (this.#policy.state === CircuitState.Closed) return 'closed';
    return now >= this.#openUntil ? 'half-open' : 'open';
  }

  /** Whether a call that begins now goes through it: as any other, or as the one probe. */
  lets(now: number): boolean {
    const { state } = this.#policy;
    return state === CircuitState.Closed || (state === CircuitState.Open && now >= this.#openUntil);
  }

  /** 0 while it is closed. */
  get openUntil(): number {
    return this.#openUntil;
  }

  /** A call begins, whatever the state: what is not let through is made beside the breaker, and may prove it wrong. */
  enter(now: number): Sentence {
    if (this.#policy.state === CircuitState.Closed) return this.#counted;
    return this.lets(now) ? this.#probe() : this.#beside;
  }

  /** What another replica found out. */
  hear(openUntil: number | null, now: number): void {
    const isClosed = this.#policy.state === CircuitState.Closed;
    if (openUntil === null) {
      if (!isClosed) this.#renew();
      return;
    }
    if (isClosed) this.#policy = this.#newPolicy(OPEN);
    this.#restMs = Math.max(this.#restMs, Math.min(openUntil - now, LONGEST_REST_MS));
    this.#openUntil = Math.max(this.#openUntil, openUntil);
  }

  /** A call that began while it was closed. The library is troubled only with what changes its count. */
  readonly #counted: Sentence = (sign) => {
    if (sign !== 'alive' && sign !== 'failed') return;
    const wasFailing = this.#isFailing;
    this.#isFailing = sign === 'failed';
    if (this.#policy.state !== CircuitState.Closed || (sign === 'alive' && !wasFailing)) return;
    void this.#policy.execute(() => sign);
  };

  readonly #beside: Sentence = (sign) => {
    if ((sign !== 'alive' && sign !== 'begun') || this.#policy.state === CircuitState.Closed) return;
    this.#renew();
    this.changed(null);
  };

  /** The first word counts: a stream that has begun is proof enough, and may go on for minutes. */
  #probe(): Sentence {
    let tell: Sentence = () => undefined;
    const told = new Promise<Sign>((resolve) => {
      tell = resolve;
    });
    void this.#policy.execute(() => told);
    return tell;
  }

  #newPolicy(initialState?: typeof OPEN): CircuitBreakerPolicy {
    const policy = circuitBreaker(opens, {
      breaker: new ConsecutiveBreaker(FAILURES_IN_A_ROW),
      halfOpenAfter: -Infinity, // at any time by its clock: `lets` says when
      initialState,
    });
    policy.onBreak((reason) => {
      if (policy === this.#policy) this.#opened(reason);
    });
    policy.onReset(() => {
      if (policy !== this.#policy) return;
      this.#forget();
      this.changed(null);
    });
    return policy;
  }

  #opened(reason: FailureReason<unknown> | { isolated: true }): void {
    const isUntold = 'value' in reason && reason.value === 'untold';
    const longer = isUntold ? this.#restMs : this.#restMs * 2;
    this.#restMs = Math.min(Math.max(longer, FIRST_REST_MS), LONGEST_REST_MS);
    // Clients that leave must not keep it open: after a probe of theirs the next one is soon.
    this.#openUntil = performance.now() + (isUntold ? FIRST_REST_MS : this.#restMs);
    this.changed(this.#openUntil);
  }

  /** The library has no way to close an open breaker, so another takes its place. */
  #renew(): void {
    this.#policy = this.#newPolicy();
    this.#forget();
  }

  #forget(): void {
    this.#restMs = 0;
    this.#openUntil = 0;
  }
}
