import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import type { LimitTerms } from '../src/domain/limit.js';
import { Secret } from '../src/domain/secret.js';
import { exceeded, type Claim, type GrowingReservation, type LimitStore } from '../src/limits/limit-store.js';
import { MemoryLimitStore } from '../src/limits/memory-limit.store.js';
import type { SpentBefore } from '../src/limits/spent-before.js';
import { RedisLimitStore } from '../src/storage/redis/redis-limit.store.js';
import { RedisServer } from '../src/storage/redis/redis-server.js';
import { startGateway, type Gateway } from './support/gateway.js';
import { answerWith, completion, startUpstream } from './support/upstream.js';
import { Way } from './support/way.js';

const REAL = process.env['PARLEY_TEST_REDIS_URL'];
const title =
  REAL === undefined ? 'limits in Redis: skipped, because PARLEY_TEST_REDIS_URL names no server' : 'limits in Redis';
const url = REAL ?? 'redis://127.0.0.1:1';

const ledgerWith = (spent: number): SpentBefore =>
  ({ of: (_: unknown, __: unknown, tell: (sum: number) => void) => Promise.resolve(tell(spent)) }) as SpentBefore;
const NONE: LimitTerms = { rpm: null, tpm: null, concurrency: null, budget: null };
const AT = Date.now();
const dollars = (nano: number) => ({ usd: nano / 1e9, per: 'total' as const });

const opened: (() => void)[] = [];
async function replica(at = url, spent = 0): Promise<RedisLimitStore> {
  const server = await RedisServer.open(new Secret(at));
  const store = new RedisLimitStore(server, ledgerWith(spent));
  opened.push(() => {
    store.onApplicationShutdown();
    server.onApplicationShutdown();
  });
  await until(() => server.isUp);
  return store;
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 10_000; performance.now() < end; await sleep(10)) if (await holds()) return;
  throw new Error('It has not come true.');
}

/** Of a key nobody else has. */
const claimOn = (terms: Partial<LimitTerms>): Claim => {
  const id = randomUUID();
  return { scope: 'key', id, name: id, terms: { ...NONE, ...terms } };
};
const cost = (costNanoUsd: number, tokens = 0) => ({ costNanoUsd, tokens, at: AT });

async function admitted(store: LimitStore, claim: Claim, wanted = cost(0)): Promise<GrowingReservation | undefined> {
  return (await store.reserve([claim], wanted)).reservation;
}

(REAL === undefined ? describe.skip : describe)(title, () => {
  beforeEach(() => {
    for (const level of ['log', 'error'] as const)
      jest.spyOn(Logger.prototype, level).mockImplementation(() => undefined);
  });
  afterEach(() => {
    jest.restoreAllMocks();
    for (const close of opened.splice(0)) close();
  });

  it('count as they do in memory', async () => {
    const [shared, other] = [await replica(), await replica()];
    const bound = (max: number) => fc.option(fc.integer({ min: 1, max }));
    const terms = fc.record({
      rpm: bound(6),
      tpm: bound(300),
      concurrency: bound(4),
      budget: fc.option(fc.integer({ min: 0, max: 800 }).map(dollars)),
    });
    const amount = fc.integer({ min: 0, max: 120 });
    const steps = fc.array(
      fc.record({ ask: fc.boolean(), extend: fc.boolean(), which: fc.nat(9), tokens: amount, costNanoUsd: amount }),
      { maxLength: 20 },
    );
    await fc.assert(
      fc.asyncProperty(terms, terms, steps, async (one, two, list) => {
        const memory = new MemoryLimitStore(ledgerWith(0));
        const claims = [claimOn(one), claimOn(two)];
        const open: GrowingReservation[][] = [];
        for (const [index, { ask, extend, which, tokens, costNanoUsd }] of list.entries()) {
          const wanted = { tokens, costNanoUsd, at: AT };
          const store = index % 2 === 0 ? shared : other;
          if (ask) {
            const [far, near] = [await store.reserve(claims, wanted), await memory.reserve(claims, wanted)];
            const plain = ({ readings }: typeof far) =>
              readings.map((reading, at) => {
                const { requests, tokens: used, inFlight } = reading;
                const money = claims[at]?.terms.budget === null ? [] : [reading.spentNanoUsd, reading.heldNanoUsd];
                return [requests, used, inFlight, ...money, exceeded(claims[at]!, reading, wanted)];
              });
            expect(plain(far)).toEqual(plain(near));
            if (far.reservation !== undefined && near.reservation !== undefined)
              open.push([far.reservation, near.reservation]);
            else expect([far.reservation, near.reservation]).toEqual([undefined, undefined]);
          } else if (open.length > 0) {
            const at = which % open.length;
            const [far, near] = open[at] as [GrowingReservation, GrowingReservation];
            if (extend) expect(await far.extend(costNanoUsd)).toBe(await near.extend(costNanoUsd));
            else {
              for (const each of [far, near]) each.settle({ tokens, costNanoUsd });
              open.splice(at, 1);
              await store.read(claims, wanted); // what was settled by one replica is heard before the other asks
              await (store === shared ? other : shared).read(claims, wanted);
            }
          }
        }
        for (const pair of open) for (const each of pair) each.settle({ tokens: 0, costNanoUsd: 0 });
        await shared.read(claims, cost(0));
        for (const reading of await other.read(claims, cost(0)))
          expect([reading.inFlight, reading.heldNanoUsd]).toEqual([0, 0]);
      }),
      { numRuns: 60 },
    );
  });

  it('let exactly 50 of 500 requests pass over two gateways, at 50 a minute', async () => {
    const upstream = await startUpstream();
    upstream.play(answerWith(completion('hello')));
    const key = `sk-parley-${randomUUID().replaceAll('-', '').padEnd(43, 'x')}`;
    const config = {
      providers: { openai: { baseUrl: `${upstream.url}/v1`, apiKey: 'sk-up' } },
      redis: { url },
      keys: [{ name: `shared-${randomUUID()}`, key, rpm: 50, budget: { usd: 1, per: 'total' } }],
    };
    const gateways = await Promise.all([startGateway({ config }), startGateway({ config })]);
    const ask = (gateway: Gateway) =>
      gateway.chat({ model: 'openai/gpt-4o', max_tokens: 5 }, { authorization: `Bearer ${key}` });
    const responses = await Promise.all(Array.from({ length: 500 }, (_, n) => ask(gateways[n % 2]!)));
    const count = (status: number) => responses.filter((response) => response.status === status).length;
    expect([count(200), count(429)]).toEqual([50, 450]);
    expect(upstream.requests).toHaveLength(50);
    for (const each of [...gateways, upstream]) await each.close();
  });

  it('begin with what the ledger says was spent, told once', async () => {
    const [one, two] = [await replica(url, 700), await replica(url, 700)];
    const claim = claimOn({ budget: dollars(1_000) });
    const all = await Promise.all(
      Array.from({ length: 10 }, (_, n) => admitted(n % 2 === 0 ? one : two, claim, cost(100))),
    );
    const held = all.filter((each) => each !== undefined);
    expect(held).toHaveLength(3);
    for (const each of held) each.settle({ tokens: 0, costNanoUsd: 50 });
    await one.read([claim], cost(0));
    const [reading] = await two.read([claim], cost(0));
    expect(reading).toMatchObject({ spentNanoUsd: 850, heldNanoUsd: 0, inFlight: 0 });
  });

  it('forget what a replica held that is gone', async () => {
    const [store, redis] = [await replica(), new Redis(url)];
    const claim = claimOn({ concurrency: 1, budget: dollars(100) });
    const held = `parley:limit:key:${claim.id}:held`;
    await redis.hset(held, 'n|gone', 5, 'c|gone', 1_000);
    expect(await admitted(store, claim, cost(100))).toBeDefined();
    expect(await redis.hkeys(held)).not.toContain('n|gone');
    redis.disconnect();
  });

  it('go on by themselves while Redis is away, and tell it afterwards what they used', async () => {
    const way = await new Way(new URL(url)).open();
    const [store, other] = [await replica(way.url), await replica()];
    const claim = claimOn({ rpm: 5, concurrency: 3, budget: dollars(1_000) });
    const before = await admitted(store, claim, cost(100));
    const kept = await admitted(store, claim, cost(100));
    way.close();
    await until(() => !store.isUp);
    before?.settle({ tokens: 0, costNanoUsd: 300 });
    const meanwhile = await admitted(store, claim, cost(100));
    meanwhile?.settle({ tokens: 0, costNanoUsd: 250 });
    expect(await admitted(store, claim, cost(400))).toBeUndefined(); // 550 spent, 100 held: what it knows still binds
    await way.open();
    await until(() => store.isUp);
    await store.read([claim], cost(0));
    const [reading] = await other.read([claim], cost(0));
    expect(reading).toMatchObject({ requests: 3, inFlight: 1, spentNanoUsd: 550, heldNanoUsd: 100 });
    kept?.settle({ tokens: 0, costNanoUsd: 0 });
    await store.read([claim], cost(0));
    expect((await other.read([claim], cost(0)))[0]).toMatchObject({ inFlight: 0, heldNanoUsd: 0 });
    way.close();
  });

  it('give back what a stream was granted while it ended, and grant nothing after that', async () => {
    const store = await replica();
    const claim = claimOn({ budget: dollars(1_000) });
    const stream = await admitted(store, claim, cost(100));
    const granted = stream?.extend(50);
    stream?.settle({ tokens: 0, costNanoUsd: 120 });
    expect(await granted).toBe(true);
    expect(await stream?.extend(50)).toBe(false);
    const [reading] = await store.read([claim], cost(0));
    expect(reading).toMatchObject({ spentNanoUsd: 120, heldNanoUsd: 0, inFlight: 0 });
  });

  it('keep what they have to tell for as long as Redis refuses it', async () => {
    const [way, redis] = [await new Way(new URL(url)).open(), new Redis(url)];
    const store = await replica(way.url);
    const claim = claimOn({ budget: dollars(1_000) });
    const open = await admitted(store, claim, cost(100));
    way.close();
    await until(() => !store.isUp);
    open?.settle({ tokens: 0, costNanoUsd: 300 });
    const window = `parley:limit:key:${claim.id}:window`;
    const held = `parley:limit:key:${claim.id}:held`;
    await redis.del(window, held);
    await redis.set(held, 'not a hash'); // all scripts on it fail
    await way.open();
    await until(() => store.isUp);
    for (let request = 0; request < 5; request += 1)
      (await admitted(store, claim, cost(10)))?.settle({ tokens: 0, costNanoUsd: 10 });
    await redis.del(held);
    await until(async () => {
      (await admitted(store, claim))?.settle({ tokens: 0, costNanoUsd: 0 });
      return (await store.read([claim], cost(0)))[0]?.spentNanoUsd === 350;
    });
    redis.disconnect();
    way.close();
  });

  it('make nobody wait for a Redis that has just been too late, and tell it afterwards', async () => {
    const way = await new Way(new URL(url)).open();
    const [store, other] = [await replica(way.url), await replica()];
    const claim = claimOn({ concurrency: 10, budget: dollars(1_000) });
    (await admitted(store, claim, cost(100)))?.settle({ tokens: 0, costNanoUsd: 100 });
    await store.read([claim], cost(0));
    way.blocked = true;
    const waits: number[] = [];
    for (let request = 0; request < 5; request += 1) {
      const start = performance.now();
      (await admitted(store, claim, cost(100)))?.settle({ tokens: 0, costNanoUsd: 100 });
      waits.push(performance.now() - start);
    }
    expect(waits[0]).toBeGreaterThan(900);
    expect(Math.max(...waits.slice(1))).toBeLessThan(500);
    await until(() => !store.isUp);
    way.close();
    way.blocked = false;
    await way.open();
    await until(async () => (await other.read([claim], cost(0)))[0]?.spentNanoUsd === 600);
    expect((await other.read([claim], cost(0)))[0]).toMatchObject({ inFlight: 0, heldNanoUsd: 0 });
    way.close();
  });

  it('know after an outage that began in an earlier period what all have spent in this one', async () => {
    const way = await new Way(new URL(url)).open();
    const store = await replica(way.url, 700);
    const claim = claimOn({ budget: { usd: 1_000 / 1e9, per: 'day' } });
    const tomorrow = { ...cost(400), at: AT + 86_400_000 };
    (await admitted(store, claim))?.settle({ tokens: 0, costNanoUsd: 0 });
    way.close();
    await until(() => !store.isUp);
    expect(await admitted(store, claim, tomorrow)).toBeUndefined(); // of 1 000, others have spent 700
  });

  it('ask the ledger anew where Redis comes back empty, and tell it what they hold', async () => {
    const [store, redis] = [await replica(url, 40), new Redis(url)];
    const claim = claimOn({ concurrency: 2, budget: dollars(100) });
    const kept = await admitted(store, claim, cost(10));
    await redis.del(...(await redis.keys(`parley:limit:key:${claim.id}:*`)), 'parley:limit:leases');
    expect(await admitted(store, claim, cost(60))).toBeDefined();
    await until(async () => (await store.read([claim], cost(0)))[0]?.inFlight === 2);
    expect((await store.read([claim], cost(0)))[0]).toMatchObject({ spentNanoUsd: 40, heldNanoUsd: 70 });
    expect(await admitted(store, claim)).toBeUndefined();
    kept?.settle({ tokens: 0, costNanoUsd: 5 });
    await until(async () => (await store.read([claim], cost(0)))[0]?.spentNanoUsd === 45);
    redis.disconnect();
  });
});
