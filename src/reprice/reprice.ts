import { setTimeout as pause } from 'node:timers/promises';
import type { PriceBook } from '../catalog/price-book.js';
import { costNanoUsd } from '../domain/price.js';
import type { AttemptRecord, UsageRecord } from '../domain/usage.js';
import { differs, type Cost, type Place, type Repriced, type Repricing } from '../storage/sql/repricing.js';

/** Which requests are priced anew. Times are epoch milliseconds, `to` exclusive. */
export interface Period {
  readonly from: number;
  readonly to: number;
}

/** What it came to, in integer nano-dollars. */
export interface Repricings {
  readonly requests: number;
  readonly changedRequests: number;
  readonly changedAttempts: number;
  readonly before: bigint;
  readonly after: bigint;
  /** Requests that still have no cost, by what of them has no price: `openai/gpt-x`. */
  readonly unpriced: ReadonlyMap<string, number>;
}

/** One transaction's; the pause behind it lets the gateway write. */
const REQUESTS_AT_ONCE = 200;
const PAUSE_MS = 5;
/** More names than anybody would read. */
const MOST_NAMES = 100;

/** Prices all usage of a period by the lists of today, as they held at the time. Doing it twice changes nothing more. */
export async function reprice(
  ledger: Repricing,
  prices: PriceBook,
  { from, to, write }: Period & { readonly write: boolean },
): Promise<Repricings> {
  const tally = new Tally();
  let after: Place | undefined;
  do {
    const { repriced, last } = await ledger.pass(
      { from, to, after, limit: REQUESTS_AT_ONCE },
      (record) => pricedAnew(record, prices),
      write,
    );
    for (const each of repriced) tally.add(each);
    after = last;
    if (after !== undefined) await pause(PAUSE_MS);
  } while (after !== undefined);
  return tally.result;
}

/** The request is the sum of its attempts, and where one has no cost, it has none. */
function pricedAnew(record: UsageRecord, prices: PriceBook): Repriced {
  const attempts = record.attempts.map((attempt) => costOf(attempt, record.createdAt, prices));
  let sum: number | null = 0;
  for (const { costNanoUsd: cost } of attempts) sum = sum === null || cost === null ? null : sum + cost;
  return {
    record,
    attempts,
    costNanoUsd: sum === null ? null : Math.min(sum, Number.MAX_SAFE_INTEGER),
    priceVersion: attempts.findLast(({ priceVersion }) => priceVersion !== null)?.priceVersion ?? null,
  };
}

/** What used nothing that is known of, and what an older version wrote without saying as what, stays as it is. */
function costOf(attempt: AttemptRecord, at: number, prices: PriceBook): Cost {
  const { usage, pricedAs, provider, model, serviceTier } = attempt;
  const slash = pricedAs.indexOf('/');
  if (usage === null || slash === -1) return attempt;
  const sold = { provider, model, baseModel: pricedAs.slice(slash + 1), endpoint: { type: pricedAs.slice(0, slash) } };
  const listed = prices.find(sold, { at, serviceTier: serviceTier ?? undefined });
  if (listed === undefined) return { costNanoUsd: null, priceVersion: null };
  return { costNanoUsd: costNanoUsd(usage, listed.price), priceVersion: listed.version };
}

class Tally {
  #requests = 0;
  #changedRequests = 0;
  #changedAttempts = 0;
  #before = 0n;
  #after = 0n;
  readonly #unpriced = new Map<string, number>();

  add({ record, attempts, ...now }: Repriced): void {
    this.#requests += 1;
    if (differs(record, now)) this.#changedRequests += 1;
    for (const [at, cost] of attempts.entries()) {
      const before = record.attempts[at];
      if (before !== undefined && differs(before, cost)) this.#changedAttempts += 1;
    }
    this.#before += BigInt(record.costNanoUsd ?? 0);
    this.#after += BigInt(now.costNanoUsd ?? 0);
    if (now.costNanoUsd === null) this.#note(record, attempts);
  }

  #note(record: UsageRecord, attempts: readonly Cost[]): void {
    const which = record.attempts.find((_, at) => attempts[at]?.costNanoUsd === null);
    const name = which === undefined ? record.model : `${which.provider}/${which.model}`;
    const known = this.#unpriced.has(name) || this.#unpriced.size < MOST_NAMES ? name : 'others';
    this.#unpriced.set(known, (this.#unpriced.get(known) ?? 0) + 1);
  }

  get result(): Repricings {
    return {
      requests: this.#requests,
      changedRequests: this.#changedRequests,
      changedAttempts: this.#changedAttempts,
      before: this.#before,
      after: this.#after,
      unpriced: this.#unpriced,
    };
  }
}
