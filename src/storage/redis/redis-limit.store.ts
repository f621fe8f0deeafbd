import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { OnApplicationShutdown } from '@nestjs/common';
import {
  countable,
  LimitStore,
  type Claim,
  type Reading,
  type Verdict,
  type Wanted,
} from '../../limits/limit-store.js';
import { MemoryLimitStore } from '../../limits/memory-limit.store.js';
import type { SpentBefore } from '../../limits/spent-before.js';
import {
  budgetArgument,
  keysOf,
  LEASES,
  LEASE_MS,
  periodOf,
  readingsOf,
  spentKey,
  termArguments,
} from './limit-keys.js';
import { EXTEND, RENEW, RESERVE, RESTORE, SETTLE } from './limit-scripts.js';
import { RedisScript } from './redis-script.js';
import type { RedisServer } from './redis-server.js';
import { SharedReservation, type SharedCounters, type SharedEnd } from './shared-reservation.js';
import { UnsharedUse } from './unshared-use.js';

const RENEWAL_MS = 10_000;
/** Whatever goes wrong, all that is held is told no more often. */
const RESTORE_MS = 1_000;
/** Between two questions whether it answers in time again. */
const PAUSE_MS = 250;
/** A budget that Redis knows nothing of is told to it once; that it is forgotten in that moment happens hardly ever twice. */
const MOST_TRIES = 3;

const SCRIPTS = {
  reserve: new RedisScript(RESERVE),
  settle: new RedisScript(SETTLE),
  extend: new RedisScript(EXTEND),
  restore: new RedisScript(RESTORE),
  renew: new RedisScript(RENEW),
};

/**
 * Counts in Redis, for all replicas together. While it is away each replica counts on by itself from what it last knew;
 * what it has used meanwhile is added when Redis is back. For one server, or sentinels: scripts touch several keys.
 */
export class RedisLimitStore extends LimitStore implements SharedCounters, OnApplicationShutdown {
  readonly #replica = randomUUID();
  /** All that this replica has under way, wherever it was admitted. */
  readonly #own: MemoryLimitStore;
  readonly #unshared: UnsharedUse;
  readonly #renewal: NodeJS.Timeout;
  /** A script may have run, or not: what this replica holds has to be told anew, once nothing is on its way. */
  #isUnsure = false;
  #onTheWay = 0;
  #restoredAt = -Infinity;
  /** It answers, or has until now, and too late: no further request waits for it. */
  #isLate = false;

  constructor(
    private readonly server: RedisServer,
    private readonly before: SpentBefore,
  ) {
    super();
    this.#own = new MemoryLimitStore(before);
    this.#unshared = new UnsharedUse(this.#own);
    this.#renewal = setInterval(() => void this.#renew(), RENEWAL_MS).unref();
    server.commands.on('ready', () => this.#restore());
    if (server.isUp) this.#restore();
  }

  override reserve(claims: readonly Claim[], wanted: Wanted): Verdict | Promise<Verdict> {
    return this.isUp ? this.#reserve(claims, wanted) : this.#reserveAlone(claims, wanted);
  }

  override read(claims: readonly Claim[], wanted: Wanted): readonly Reading[] | Promise<readonly Reading[]> {
    if (!this.isUp) return this.#own.read(claims, wanted);
    return this.#ask(claims, wanted, false).then(
      ({ readings }) => readings,
      () => this.#own.read(claims, wanted),
    );
  }

  /** What a request held is given back, and what it used is counted. */
  settle(claims: readonly Claim[], wanted: Wanted, end: SharedEnd): void {
    const cost = countable(end.truth.costNanoUsd);
    const alone = () => this.#unshared.spent(claims, wanted, cost);
    if (!this.isUp) return alone();
    const keys = claims.flatMap((claim) => keysOf(claim, wanted));
    const flags = claims.map(({ terms }) => (terms.budget === null ? 0 : 1));
    const more = countable(end.truth.tokens) - wanted.tokens;
    SCRIPTS.settle
      .run(this.server.commands, keys, [this.#replica, end.second, more, end.heldNanoUsd, cost, ...flags])
      .catch(() => {
        alone();
        this.#isUnsure = true;
      });
  }

  async extend(claims: readonly Claim[], wanted: Wanted, costNanoUsd: number): Promise<boolean> {
    const bound = claims.filter(({ terms }) => terms.budget !== null);
    const keys = [LEASES, ...bound.flatMap((claim) => keysOf(claim, wanted).slice(1))];
    const numbers = [costNanoUsd, ...bound.map(budgetArgument)];
    try {
      return (await SCRIPTS.extend.run(this.server.commands, keys, [this.#replica, ...numbers])) === 1;
    } catch (error) {
      this.#isUnsure = true;
      throw error;
    }
  }

  get isUp(): boolean {
    return this.server.isUp && !this.#isLate;
  }

  onApplicationShutdown(): void {
    clearInterval(this.#renewal);
  }

  async #reserve(claims: readonly Claim[], wanted: Wanted): Promise<Verdict> {
    this.#onTheWay += 1;
    try {
      const { second, isWithin, isLeased, readings } = await this.#ask(claims, wanted, true);
      if (!isLeased) this.#isUnsure = true; // what was held before may be forgotten
      if (!isWithin) return { reservation: undefined, readings };
      const spent = readings.map(({ spentNanoUsd }) => spentNanoUsd);
      const own = this.#own.note(claims, wanted, spent);
      return { reservation: new SharedReservation(this, own, { claims, wanted, second }), readings };
    } catch (error) {
      this.#isUnsure = true;
      if (!isRefusal(error)) void this.#awaitAnswer();
      return await this.#reserveAlone(claims, wanted);
    } finally {
      this.#onTheWay -= 1;
      this.#makeSure();
    }
  }

  /** From what is known here. */
  #reserveAlone(claims: readonly Claim[], wanted: Wanted): Verdict | Promise<Verdict> {
    const noted = ({ reservation: own, readings }: Verdict): Verdict => {
      if (own === undefined) return { reservation: undefined, readings };
      this.#unshared.admitted(claims, wanted);
      return { reservation: new SharedReservation(this, own, { claims, wanted, second: 0 }), readings };
    };
    const verdict = this.#own.reserve(claims, wanted);
    return verdict instanceof Promise ? verdict.then(noted) : noted(verdict);
  }

  /** Rejects where Redis does not answer. */
  async #ask(claims: readonly Claim[], wanted: Wanted, isReserved: boolean) {
    const keys = [LEASES, ...claims.flatMap((claim) => keysOf(claim, wanted))];
    const head = [this.#replica, LEASE_MS, isReserved ? 1 : 0, wanted.tokens, wanted.costNanoUsd];
    const numbers = [...head, ...claims.flatMap(termArguments)];
    for (let attempt = 0; attempt < MOST_TRIES; attempt += 1) {
      const answer = (await SCRIPTS.reserve.run(this.server.commands, keys, numbers)) as readonly unknown[];
      const [outcome, second, isLeased, ...readings] = answer.map(Number) as [number, number, number, ...number[]];
      if (outcome !== 2)
        return { isWithin: outcome === 1, second, isLeased: isLeased === 1, readings: readingsOf(readings) };
      await Promise.all(claims.map((claim) => this.#tellSpent(claim, wanted)));
    }
    throw new Error('Redis forgets budgets as soon as it is told of them.');
  }

  /** The first replica to tell is believed; where its ledger is away, it adds later what was spent before. */
  async #tellSpent(claim: Claim, wanted: Wanted): Promise<void> {
    if (claim.terms.budget === null) return;
    const { commands } = this.server;
    const key = spentKey(claim, wanted);
    if ((await commands.exists(key)) === 1) return;
    const { start, keptMs } = periodOf(claim.terms.budget, wanted);
    let told: number | undefined;
    let isSeeder = false;
    await this.before.of(claim, { from: start, to: wanted.at }, (nanoUsd) => {
      if (isSeeder) commands.incrby(key, nanoUsd).catch(() => undefined); // of an outage, its log line tells
      told = nanoUsd;
    });
    isSeeder = (await commands.set(key, String(told ?? 0), 'PX', keptMs, 'NX')) === 'OK' && told === undefined;
  }

  async #renew(): Promise<void> {
    if (!this.server.isUp) return;
    const kept = await SCRIPTS.renew.run(this.server.commands, [LEASES], [this.#replica, LEASE_MS]).catch(() => 1);
    if (kept !== 1) this.#isUnsure = true;
    this.#makeSure();
  }

  /** Until then it is as if Redis were away. */
  async #awaitAnswer(): Promise<void> {
    if (this.#isLate) return;
    this.#isLate = true;
    const isTooLate = () =>
      this.server.check().then(
        () => false,
        () => true,
      );
    while (this.server.isUp && (await isTooLate())) await pause(PAUSE_MS, undefined, { ref: false });
    this.#isLate = false;
    this.#isUnsure = true;
    this.#makeSure();
  }

  #makeSure(): void {
    const isDue = performance.now() - this.#restoredAt >= RESTORE_MS;
    if (!this.#isUnsure || !isDue || this.#onTheWay > 0 || !this.server.isUp) return;
    this.#restoredAt = performance.now();
    this.#restore();
  }

  /** In one go with the next commands, which Redis gets after it: so nothing can come between. */
  #restore(): void {
    this.#isUnsure = this.#onTheWay > 0; // what is on its way is not among what is held yet
    const { commands } = this.server;
    for (const script of Object.values(SCRIPTS)) script.load(commands).catch(() => undefined);
    SCRIPTS.renew.run(commands, [LEASES], [this.#replica, LEASE_MS]).catch(() => undefined); // it is tried again
    for (const { keys, numbers, takeBack } of this.#unshared.takeAll())
      SCRIPTS.restore
        .run(commands, [LEASES, ...keys], [this.#replica, LEASE_MS, ...numbers])
        .catch((error: unknown) => {
          this.#isUnsure = true;
          if (isRefusal(error)) takeBack();
        });
  }
}

/** Redis has answered, and done nothing. */
const isRefusal = (error: unknown): boolean => error instanceof Error && error.name === 'ReplyError';
