import type { Claim, Wanted } from '../../limits/limit-store.js';
import type { MemoryLimitStore } from '../../limits/memory-limit.store.js';
import { SlidingWindow } from '../../limits/sliding-window.js';
import { keysOf, spentKey } from './limit-keys.js';

/** What one claim has used that Redis does not know of. */
interface Use {
  readonly claim: Claim;
  readonly wanted: Wanted;
  readonly window: SlidingWindow;
  spentNanoUsd: number;
}

/** What Redis is told of one claim. */
export interface Telling {
  readonly keys: readonly string[];
  readonly numbers: readonly number[];
  /** It was not told after all. */
  readonly takeBack: () => void;
}

/** A gateway has fewer keys in use; of those beyond, what was used while Redis was away is not added to it. */
const MOST_CLAIMS = 100_000;

/** Keeps what was used while Redis was away, and which claims this replica has had anything to do with. */
export class UnsharedUse {
  /** By the key of what was spent: one for each period of each claim. */
  readonly #uses = new Map<string, Use>();

  constructor(private readonly own: MemoryLimitStore) {}

  admitted(claims: readonly Claim[], wanted: Wanted): void {
    const now = performance.now();
    for (const claim of claims) this.#use(claim, wanted)?.window.add(wanted.tokens, now);
  }

  spent(claims: readonly Claim[], wanted: Wanted, costNanoUsd: number): void {
    for (const claim of claims) {
      const use = this.#use(claim, wanted);
      if (use !== undefined && claim.terms.budget !== null) use.spentNanoUsd += costNanoUsd;
    }
  }

  /** All of it, once; and what is held of each claim, which Redis may have forgotten. */
  *takeAll(): Iterable<Telling> {
    const now = performance.now();
    const taken = [...this.#uses.values()];
    this.#uses.clear();
    const names = new Set(taken.map(({ claim, wanted }) => spentKey(claim, wanted)));
    for (const use of taken) {
      const { claim, wanted, window, spentNanoUsd } = use;
      const used = [window.used('requests', now), window.used('tokens', now)];
      const numbers = [...used, ...this.#held(claim), spentNanoUsd];
      yield { keys: keysOf(claim, wanted), numbers, takeBack: () => this.#takeBack(use) };
    }
    for (const { claim, wanted } of this.own.underWay())
      if (!names.has(spentKey(claim, wanted)))
        yield { keys: keysOf(claim, wanted), numbers: [0, 0, ...this.#held(claim), 0], takeBack: () => undefined };
  }

  /** Of a window that has begun anew the old one is not missed for long. */
  #takeBack(use: Use): void {
    const name = spentKey(use.claim, use.wanted);
    const newer = this.#uses.get(name);
    if (newer === undefined) this.#uses.set(name, use);
    else newer.spentNanoUsd += use.spentNanoUsd;
  }

  #held(claim: Claim): readonly [number, number] {
    const { inFlight, account } = this.own.meter(claim);
    return [inFlight, account?.held ?? 0];
  }

  #use(claim: Claim, wanted: Wanted): Use | undefined {
    const name = spentKey(claim, wanted);
    let use = this.#uses.get(name);
    if (use === undefined && this.#uses.size < MOST_CLAIMS) {
      use = { claim, wanted, window: new SlidingWindow(), spentNanoUsd: 0 };
      this.#uses.set(name, use);
    }
    return use;
  }
}
