import type { SettledUse } from '../domain/limit.js';
import {
  budgetNanoUsd,
  claimName,
  countable,
  exceeded,
  LimitStore,
  type Claim,
  type GrowingReservation,
  type Reading,
  type Verdict,
  type Wanted,
} from './limit-store.js';
import { Meter, type Account } from './meter.js';
import type { WindowEntry } from './sliding-window.js';
import type { SpentBefore } from './spent-before.js';

/** Fewer meters than this are not worth looking for those that are idle. */
const FEWEST_SWEPT = 1_000;

/** Counts in this process alone, without a promise: nothing can come between a look and a reservation. */
export class MemoryLimitStore extends LimitStore {
  readonly #meters = new Map<string, Meter>();
  #sweepAt = FEWEST_SWEPT;

  /** `clock`: milliseconds of a clock that never goes back. */
  constructor(
    private readonly before: Pick<SpentBefore, 'of'>,
    private readonly clock: () => number = () => performance.now(),
  ) {
    super();
  }

  override reserve(claims: readonly Claim[], wanted: Wanted): Verdict | Promise<Verdict> {
    const opening = this.#opening(claims, wanted);
    if (opening !== undefined) return opening.then(() => this.#reserve(claims, wanted));
    return this.#reserve(claims, wanted);
  }

  override read(claims: readonly Claim[], wanted: Wanted): readonly Reading[] | Promise<readonly Reading[]> {
    const opening = this.#opening(claims, wanted);
    if (opening !== undefined) return opening.then(() => this.#read(claims, wanted));
    return this.#read(claims, wanted);
  }

  /** Counts what was admitted elsewhere. `spent`: of each claim's budget, as it is known there. */
  note(claims: readonly Claim[], wanted: Wanted, spent: readonly number[]): GrowingReservation {
    claims.forEach((claim, at) => {
      const account = this.meter(claim).accountFor(claim, wanted, () => undefined);
      if (account === undefined) return;
      account.spent = spent[at] ?? account.spent;
      account.isMirror = true;
    });
    return this.#hold(claims, wanted);
  }

  meter(claim: Claim): Meter {
    const name = claimName(claim);
    let meter = this.#meters.get(name);
    if (meter === undefined) {
      if (this.#meters.size >= this.#sweepAt) this.#sweep();
      meter = new Meter();
      this.#meters.set(name, meter);
    }
    return meter;
  }

  /** Those that have requests under way, each with the latest of them. */
  *underWay(): Iterable<{ readonly claim: Claim; readonly wanted: Wanted }> {
    for (const { inFlight, holder } of this.#meters.values()) if (inFlight > 0 && holder !== undefined) yield holder;
  }

  /** Of keys, teams and models that are in use, or were a moment ago. */
  get size(): number {
    return this.#meters.size;
  }

  #reserve(claims: readonly Claim[], wanted: Wanted): Verdict {
    const readings = this.#read(claims, wanted);
    const isRefused = claims.some((claim, at) => {
      const reading = readings[at];
      return reading !== undefined && exceeded(claim, reading, wanted).length > 0;
    });
    return { reservation: isRefused ? undefined : this.#hold(claims, wanted), readings };
  }

  #read(claims: readonly Claim[], wanted: Wanted): readonly Reading[] {
    const now = this.clock();
    return claims.map((claim) => this.meter(claim).read(claim, wanted, now));
  }

  #hold(claims: readonly Claim[], wanted: Wanted): GrowingReservation {
    const now = this.clock();
    const shares = claims.map((claim): Share => {
      const meter = this.meter(claim);
      const account = claim.terms.budget === null ? undefined : meter.account;
      meter.inFlight += 1;
      meter.holder = { claim, wanted };
      if (account !== undefined) account.held += wanted.costNanoUsd;
      return { meter, account, budget: budgetNanoUsd(claim.terms), entry: meter.window.add(wanted.tokens, now) };
    });
    return new HeldShares(shares, wanted);
  }

  /** Undefined: all that was spent before is known, as it is but for the first request of each budget. */
  #opening(claims: readonly Claim[], wanted: Wanted): Promise<unknown> | undefined {
    let opening: Promise<void>[] | undefined;
    for (const claim of claims) {
      const account = this.meter(claim).accountFor(claim, wanted, (opened) => this.#open(claim, opened));
      if (account?.opening !== undefined) (opening ??= []).push(account.opening);
    }
    return opening && Promise.all(opening);
  }

  #open(claim: Claim, account: Account): void {
    const stretch = { from: account.start, to: account.since };
    account.opening = this.before
      .of(claim, stretch, (nanoUsd) => (account.spent += nanoUsd))
      .then(() => (account.opening = undefined));
  }

  /** The next one is due when there are twice as many as are left: that costs each of them next to nothing. */
  #sweep(): void {
    const now = this.clock();
    for (const [name, meter] of this.#meters) if (meter.isIdle(now)) this.#meters.delete(name);
    this.#sweepAt = Math.max(FEWEST_SWEPT, 2 * this.#meters.size);
  }
}

/** What a request holds of one claim. */
interface Share {
  readonly meter: Meter;
  readonly account: Account | undefined;
  /** Nano-dollars. */
  readonly budget: number;
  readonly entry: WindowEntry;
}

class HeldShares implements GrowingReservation {
  #isSettled = false;
  #held: number;

  constructor(
    private readonly shares: readonly Share[],
    private readonly wanted: Wanted,
  ) {
    this.#held = wanted.costNanoUsd;
  }

  settle({ tokens, costNanoUsd }: SettledUse): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    const cost = countable(costNanoUsd);
    for (const { meter, account, entry } of this.shares) {
      meter.inFlight -= 1;
      meter.window.correct(entry, countable(tokens) - this.wanted.tokens);
      if (account === undefined) continue;
      account.held -= this.#held;
      account.spent += cost;
    }
  }

  extend(costNanoUsd: number): boolean {
    const more = countable(costNanoUsd);
    const isShort = ({ account, budget }: Share): boolean =>
      account !== undefined && account.spent + account.held + more > budget;
    if (this.#isSettled || this.shares.some(isShort)) return false;
    this.#held += more;
    for (const { account } of this.shares) if (account !== undefined) account.held += more;
    return true;
  }
}
