import { randomUUID } from 'node:crypto';
import type { OnApplicationShutdown } from '@nestjs/common';
import type { SettledUse } from '../../domain/limit.js';
import {
  countable,
  LimitStore,
  type Claim,
  type GrowingReservation,
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
import { UnsharedUse } from './unshared-use.js';

const RENEWAL_MS = 10_000;
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
export class RedisLimitStore extends LimitStore implements OnApplicationShutdown {
  readonly #replica = randomUUID();
  /** All that this replica has under way, wherever it was admitted. */
  readonly #own: MemoryLimitStore;
  readonly #unshared: UnsharedUse;
  readonly #renewal: NodeJS.Timeout;
  /** A script may have run, or not: what this replica holds has to be told anew, once nothing is on its way. */
  #isUnsure = false;
  #onTheWay = 0;

  constructor(
    private readonly server: RedisServer,
    private readonly before: SpentBefore,
  ) {
    super();
    this.#own = new MemoryLimitStore(before);
    this.#unshared = new UnsharedUse(this.#own);
    this.#renewal = setInterval(() => void this.#renew(), RENEWAL_MS).unref();
    server.commands.on('ready', () => this.#restore());
  }

  override reserve(claims: readonly Claim[], wanted: Wanted): Verdict | Promise<Verdict> {
    return this.server.isUp ? this.#reserve(claims, wanted) : this.#reserveAlone(claims, wanted);
  }

  override read(claims: readonly Claim[], wanted: Wanted): readonly Reading[] | Promise<readonly Reading[]> {
    if (!this.server.isUp) return this.#own.read(claims, wanted);
    return this.#ask(claims, wanted, false).then(
      ({ readings }) => readings,
      () => this.#own.read(claims, wanted),
    );
  }

  /** What a request held is given back, and what it used is counted. */
  settle(claims: readonly Claim[], wanted: Wanted, end: SharedEnd): void {
    const cost = countable(end.truth.costNanoUsd);
    const alone = () => this.#unshared.spent(claims, wanted, cost);
    if (!this.server.isUp) return alone();
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
    const budgets = bound.map(budgetArgument);
    return (await SCRIPTS.extend.run(this.server.commands, keys, [this.#replica, costNanoUsd, ...budgets])) === 1;
  }

  get isUp(): boolean {
    return this.server.isUp;
  }

  onApplicationShutdown(): void {
    clearInterval(this.#renewal);
  }

  async #reserve(claims: readonly Claim[], wanted: Wanted): Promise<Verdict> {
    this.#onTheWay += 1;
    try {
      const { second, isWithin, readings } = await this.#ask(claims, wanted, true);
      if (!isWithin) return { reservation: undefined, readings };
      const spent = readings.map(({ spentNanoUsd }) => spentNanoUsd);
      const own = this.#own.note(claims, wanted, spent);
      return { reservation: new SharedReservation(this, own, { claims, wanted, second }), readings };
    } catch {
      this.#isUnsure = true;
      return await this.#reserveAlone(claims, wanted);
    } finally {
      this.#onTheWay -= 1;
      if (this.#isUnsure && this.#onTheWay === 0 && this.server.isUp) this.#restore();
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
      const [outcome, second] = answer.map(Number) as [number, number];
      if (outcome !== 2) return { isWithin: outcome === 1, second, readings: readingsOf(answer.slice(2).map(Number)) };
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
    if (kept !== 1 || (this.#isUnsure && this.#onTheWay === 0)) this.#restore();
  }

  /** In one go with the next commands, which Redis gets after it: so nothing can come between. */
  #restore(): void {
    this.#isUnsure = this.#onTheWay > 0; // what is on its way is not among what is held yet
    for (const { keys, numbers } of this.#unshared.takeAll())
      SCRIPTS.restore.run(this.server.commands, [LEASES, ...keys], [this.#replica, LEASE_MS, ...numbers]).catch(() => {
        this.#isUnsure = true;
      });
  }
}

interface SharedEnd {
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

/** Held in Redis and, so that its absence can be borne, here. */
class SharedReservation implements GrowingReservation {
  #isSettled = false;
  #heldNanoUsd: number;

  constructor(
    private readonly store: RedisLimitStore,
    private readonly own: GrowingReservation,
    private readonly made: Made,
  ) {
    this.#heldNanoUsd = made.wanted.costNanoUsd;
  }

  settle(truth: SettledUse): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.own.settle(truth);
    const { claims, wanted, second } = this.made;
    this.store.settle(claims, wanted, { truth, second, heldNanoUsd: this.#heldNanoUsd });
  }

  async extend(costNanoUsd: number): Promise<boolean> {
    const { claims, wanted } = this.made;
    const more = countable(costNanoUsd);
    const granted = this.store.isUp
      ? await this.store.extend(claims, wanted, more).catch(() => this.own.extend(more))
      : await this.own.extend(more);
    if (granted) this.#heldNanoUsd += more;
    return granted;
  }
}
