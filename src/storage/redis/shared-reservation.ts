import type { SettledUse } from '../../domain/limit.js';
import { countable, type Claim, type GrowingReservation, type Wanted } from '../../limits/limit-store.js';

/** How it ended. */
export interface SharedEnd {
  readonly truth: SettledUse;
  readonly heldNanoUsd: number;
  /** Of the window's entry. */
  readonly second: number;
}

interface Made {
  readonly claims: readonly Claim[];
  readonly wanted: Wanted;
  readonly second: number;
}

/** Where it was made. */
export interface SharedCounters {
  readonly isUp: boolean;
  settle(claims: readonly Claim[], wanted: Wanted, end: SharedEnd): void;
  /** Rejects where Redis does not answer. */
  extend(claims: readonly Claim[], wanted: Wanted, costNanoUsd: number): Promise<boolean>;
}

/** Held in Redis and, so that its absence can be borne, here. */
export class SharedReservation implements GrowingReservation {
  #isSettled = false;
  #heldNanoUsd: number;
  /** Does not reject. */
  #extending: Promise<boolean> | undefined;

  constructor(
    private readonly store: SharedCounters,
    private readonly own: GrowingReservation,
    private readonly made: Made,
  ) {
    this.#heldNanoUsd = made.wanted.costNanoUsd;
  }

  settle(truth: SettledUse): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    const { claims, wanted, second } = this.made;
    const settle = (): void => {
      this.own.settle(truth);
      this.store.settle(claims, wanted, { truth, second, heldNanoUsd: this.#heldNanoUsd });
    };
    // What is granted meanwhile has to be given back too.
    if (this.#extending === undefined) settle();
    else void this.#extending.then(settle);
  }

  extend(costNanoUsd: number): false | Promise<boolean> {
    if (this.#isSettled) return false;
    const more = countable(costNanoUsd);
    this.#extending = this.#extend(more).finally(() => (this.#extending = undefined));
    return this.#extending;
  }

  async #extend(more: number): Promise<boolean> {
    const { claims, wanted } = this.made;
    const shared = this.store.isUp ? await this.store.extend(claims, wanted, more).catch(() => undefined) : undefined;
    if (shared === false) return false;
    const alone = await this.own.extend(more);
    const isGranted = shared ?? alone;
    if (isGranted) this.#heldNanoUsd += more;
    return isGranted;
  }
}
