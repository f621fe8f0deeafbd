import type { Step } from '../plan/plan.js';
import { backoffMs } from './backoff.js';
import type { Verdict } from './verdict.js';

/** What is left to try at one step. */
interface Tries {
  readonly step: Step;
  left: number;
  failures: number;
  /** `performance.now()` milliseconds. */
  readyAt: number;
  /** Ids of the credentials that were refused to this request. */
  readonly refused: Set<string>;
}

/** The step to take, and when: at once where `at` is past. */
export interface Next {
  readonly step: Step;
  readonly at: number;
}

/** How an attempt failed. */
export interface Failure {
  readonly verdict: Verdict;
  /** What the provider asks to wait. */
  readonly waitMs: number | undefined;
  /** It has had enough calls by this credential. */
  readonly isLimit: boolean;
  /** By which it was made; '': by none, as it was not made. */
  readonly credentialId: string;
  readonly now: number;
}

/** Which steps of a plan may still be tried, how often, and when. It makes no calls and reads no clock. */
export class Remaining {
  #tries: readonly Tries[];
  /** The deployment that failed last and may do better in a moment: it is tried again before any other. */
  #staying: Tries | undefined;

  /** `most`: attempts this request may make, whatever its steps allow. */
  constructor(
    steps: readonly Step[],
    private most: number,
  ) {
    this.#tries = steps.map(fresh);
  }

  /** Attempts that could still be made. */
  get count(): number {
    return Math.min(
      this.most,
      this.#tries.reduce((sum, { left }) => sum + left, 0),
    );
  }

  /**
   * That a deployment rests or its breaker is open makes others go before it; where none of those is ready by `latest`,
   * it is called.
   */
  next(now: number, latest: number): Next | undefined {
    const isOpen = ({ left, readyAt }: Tries) => left > 0 && Math.max(readyAt, now) < latest;
    const open = this.most > 0 ? this.#tries.filter(isOpen) : [];
    const callable = open.filter(({ step }) => step.upstream.isCallable(now));
    const choice = callable.length > 0 ? callable : open;
    if (this.#staying !== undefined && choice.includes(this.#staying)) return asNext(this.#staying);
    const first = choice.find(({ readyAt }) => readyAt <= now) ?? earliest(choice);
    return first && asNext(first);
  }

  /** Another step that could be called at once, beside the one that is running. */
  beside(step: Step, now: number): Step | undefined {
    if (this.most < 1) return undefined;
    const free = (tries: Tries) =>
      tries.step.upstream !== step.upstream &&
      tries.left > 0 &&
      tries.readyAt <= now &&
      tries.step.upstream.isCallable(now) &&
      !tries.step.upstream.gate.isFull;
    return this.#tries.find(free)?.step;
  }

  has(step: Step): boolean {
    return this.#tries.some((each) => each.step === step);
  }

  refusedAt(step: Step): ReadonlySet<string> {
    return this.#of(step).refused;
  }

  /** An attempt is made. */
  spend(step: Step): void {
    this.#of(step).left -= 1;
    this.most -= 1;
  }

  /** What a failed attempt means for those to come. */
  failed(step: Step, { verdict, waitMs = 0, isLimit, credentialId, now }: Failure): void {
    const tries = this.#of(step);
    this.#staying = undefined;
    switch (verdict) {
      case 'again':
      case 'elsewhere': {
        tries.failures += 1;
        // A limit is the credential's own: where the pool has another, that one need not wait.
        const hasAnother = isLimit && waitMs > 0 && step.upstream.isCallable(now);
        if (!hasAnother) tries.readyAt = now + Math.max(waitMs, backoffMs(tries.failures));
        if (hasAnother || verdict === 'again') this.#staying = tries;
        return;
      }
      case 'credential':
        return this.#refuse(tries, credentialId);
      case 'skip':
      case 'contextWindow':
      case 'contentPolicy':
      case 'final':
        tries.left = 0;
        return;
    }
  }

  /** Nothing more is to be had from the steps so far, though one of them may still be running: `has` tells. */
  replace(steps: readonly Step[]): void {
    this.#tries = steps.map(fresh);
    this.#staying = undefined;
  }

  /** The next credential of the pool costs no try; where there is none, the step is done. */
  #refuse(tries: Tries, credentialId: string): void {
    tries.refused.add(credentialId);
    const hasAnother = tries.step.upstream.choose(tries.refused) !== undefined;
    tries.left = hasAnother ? tries.left + 1 : 0;
    if (hasAnother) this.#staying = tries;
  }

  #of(step: Step): Tries {
    const tries = this.#tries.find((each) => each.step === step);
    if (tries === undefined) throw new Error(`The plan has no step for ${step.deployment.provider}.`);
    return tries;
  }
}

const fresh = (step: Step): Tries => ({
  step,
  left: 1 + step.route.retries,
  failures: 0,
  readyAt: -Infinity,
  refused: new Set(),
});

const asNext = ({ step, readyAt }: Tries): Next => ({ step, at: readyAt });

function earliest(tries: readonly Tries[]): Tries | undefined {
  const [first, ...others] = tries;
  return first && others.reduce((soonest, each) => (each.readyAt < soonest.readyAt ? each : soonest), first);
}
