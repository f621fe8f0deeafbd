import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { sql } from 'kysely';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { InvalidRequestError } from '../src/domain/errors.js';
import { Secret } from '../src/domain/secret.js';
import type { AttemptRecord, TokenCounts, UsageRecord } from '../src/domain/usage.js';
import type { VirtualKey } from '../src/domain/virtual-key.js';
import { KyselyUsageStore } from '../src/storage/sql/kysely-usage.store.js';
import { KyselyVirtualKeyStore } from '../src/storage/sql/kysely-virtual-key.store.js';
import { openPostgres } from '../src/storage/sql/postgres.js';
import type { SqlDatabase } from '../src/storage/sql/sql-database.js';
import { BENCHES, sqliteBench, type Bench } from './support/databases.js';

const DAY = 86_400_000;
const NOON = Date.UTC(2026, 10, 22, 12);
const COUNTS: TokenCounts = {
  promptTokens: 100,
  completionTokens: 20,
  cachedTokens: 30,
  cacheWriteTokens: 4,
  reasoningTokens: 5,
  audioTokens: 0,
};

describe.each(BENCHES)('storage in %s', (_, makeBench) => {
  const test = makeBench === undefined ? it.skip : it;
  let bench: Bench;
  let database: SqlDatabase;
  let keys: KyselyVirtualKeyStore;
  let usage: KyselyUsageStore;

  beforeAll(async () => {
    if (makeBench === undefined) return;
    bench = await makeBench();
    // Several replicas start at once on an empty database.
    const opened = await Promise.all(bench.single ? [bench.open()] : [bench.open(), bench.open(), bench.open()]);
    await Promise.all(opened.slice(1).map((other) => other.close()));
    database = opened[0];
    keys = new KyselyVirtualKeyStore(database);
    usage = new KyselyUsageStore(database);
  });

  afterAll(async () => {
    if (makeBench === undefined) return;
    await database.close();
    await bench.remove();
  });

  test('opens again without migrating twice, and answers its health check', async () => {
    if (!bench.single) await (await bench.open()).close();
    await expect(database.check()).resolves.toBeUndefined();
  });

  test('gives back a key as it was put in, by hash and by id, until it is deleted', async () => {
    const full = virtualKey('full', {
      owner: 'platform “team”',
      tags: ['a', 'b,c', '"'],
      models: ['gpt-*'],
      allowedIps: ['10.0.0.0/8', '::1'],
      rpm: 60,
      tpm: 2 ** 40,
      concurrency: 3,
      budget: { usd: 20.5, per: 'month' },
      expiresAt: NOON + DAY,
      disabled: true,
    });
    const bare = virtualKey('bare', {});
    await keys.insert(full);
    await keys.insert(bare);

    expect(await keys.findByHash(full.hash)).toEqual(full);
    expect(await keys.findById(bare.id)).toEqual(bare);
    expect(await keys.count()).toBe(2);
    await expect(keys.insert({ ...bare, id: 'key_other' })).rejects.toThrow();

    expect(await keys.delete(full.id)).toEqual(full);
    expect(await keys.delete(full.id)).toBeUndefined();
    expect(await keys.findByHash(full.hash)).toBeUndefined();
    expect(await keys.findById('key_\0')).toBeUndefined();
    await keys.delete(bare.id);
  });

  test('lists keys newest first, page by page, also where several were made in one millisecond', async () => {
    const made = [1, 1, 1, 2, 3].map((ms, index) => virtualKey(`listed${String(index)}`, { createdAt: NOON + ms }));
    for (const key of made) await keys.insert(key);
    const newestFirst = [...made].reverse().map((key) => key.id);

    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await keys.list({ limit: 2, cursor });
      seen.push(...page.items.map((key) => key.id));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(newestFirst);
    expect((await keys.list({ limit: 5, cursor: null })).nextCursor).toBeNull();
  });

  test.each(['', 'x', 'e30', '[1]', Buffer.from('[1,"a\\u0000"]').toString('base64url'), '💥'.repeat(5)])(
    'refuses the cursor %p',
    async (cursor) => {
      for (const listing of [keys, { list: usage.list.bind(usage, {}) }]) {
        const refusal = await listing.list({ limit: 1, cursor }).catch((error: unknown) => error);
        expect(refusal).toBeInstanceOf(InvalidRequestError);
        expect(refusal).toMatchObject({ param: 'cursor' });
      }
    },
  );

  test('gives back usage as it was written, attempts in order, and writes nothing twice', async () => {
    const record = usageRecord('written', {
      tags: ['nightly', 'a"b'],
      usage: COUNTS,
      costNanoUsd: 123_456_789_012,
      priceVersion: '2026-11',
      timeToFirstTokenMs: 12.25,
      attempts: [
        attempt('first', { outcome: 'failed', status: 500, errorCode: 'upstream_error' }),
        attempt('second', {}),
      ],
    });
    await usage.append([record, record]);
    await usage.append([record, { ...record, outcome: 'failed' }]);
    await usage.append([]);

    expect(await usage.list({ requestId: record.requestId }, { limit: 5, cursor: null })).toEqual({
      items: [record],
      nextCursor: null,
    });
    expect(await usage.sum({ tag: 'nightly' })).toMatchObject({ requests: 1, costNanoUsd: 123_456_789_012n });
  });

  test('writes what clients and providers can make of a text or a number', async () => {
    const hostile = usageRecord('hostile', {
      // Where it is cut, half a character is left over.
      model: `nul\0 ${'\u{1F600}'.repeat(5_000)}`,
      provider: 'half \uD83D here',
      errorCode: '\0',
      tags: ['\0', '\uD800'],
      createdAt: NOON + 0.4,
      usage: { ...COUNTS, promptTokens: 1.6, completionTokens: Number.NaN, cachedTokens: Number.POSITIVE_INFINITY },
    });
    await usage.append([hostile, usageRecord('hostile-neighbour', {})]);

    const { items } = await usage.list({ model: hostile.model }, { limit: 5, cursor: null });
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({
      model: expect.stringMatching(/^nul\uFFFD \u{1F600}{100,}\uFFFD$/u),
      provider: 'half \uFFFD here',
      createdAt: NOON,
      usage: { promptTokens: 2, completionTokens: 0, cachedTokens: Number.MAX_SAFE_INTEGER },
    });
  });

  test.each([
    ['record', { status: null }],
    ['attempt', { attempts: [attempt('a', {}), { ...attempt('b', {}), startedAt: 1, latencyMs: null }] }],
  ])('writes all or nothing where a %s is refused, and goes on afterwards', async (part, fields) => {
    const model = `refusing-${part}`;
    const [fine, broken] = [
      usageRecord(`fine-${part}`, { model }),
      usageRecord(`broken-${part}`, { model, ...(fields as object) }),
    ];
    await expect(usage.append([fine, broken])).rejects.toThrow();
    expect((await usage.sum({ model: fine.model })).requests).toBe(0);
    await usage.append([fine]);
    expect((await usage.sum({ model: fine.model })).requests).toBe(1);
  });

  test('takes a batch of 1,200 with two attempts each, and pages through it', async () => {
    const batch = Array.from({ length: 1_200 }, (_, index) =>
      usageRecord(`batch${String(index).padStart(4, '0')}`, {
        keyId: 'key_batch',
        createdAt: NOON + Math.floor(index / 7),
        attempts: [attempt('a', {}), attempt('b', {})],
      }),
    );
    await usage.append(batch);

    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await usage.list({ keyId: 'key_batch' }, { limit: 500, cursor });
      for (const item of page.items) expect(item.attempts.map(({ provider }) => provider)).toEqual(['a', 'b']);
      seen.push(...page.items.map((item) => item.requestId));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual([...batch].reverse().map((record) => record.requestId));
  });

  describe('sums and filters', () => {
    const key = { keyId: 'key_sums' };
    const big = 2 ** 53 - 1;

    beforeAll(async () => {
      if (makeBench === undefined) return;
      await usage.append([
        usageRecord('s1', {
          ...key,
          createdAt: NOON,
          model: 'b',
          tags: ['red', 'blue'],
          usage: COUNTS,
          costNanoUsd: big,
        }),
        usageRecord('s2', { ...key, createdAt: NOON + 1, model: 'b', tags: ['Red'], usage: COUNTS, costNanoUsd: big }),
        usageRecord('s3', { ...key, createdAt: NOON + 2, model: 'a', provider: 'p2', usage: COUNTS, costNanoUsd: 1 }),
        usageRecord('s4', { ...key, createdAt: NOON + DAY / 2 - 1, model: 'a', usage: COUNTS }),
        usageRecord('s5', { ...key, createdAt: NOON + DAY / 2, model: 'a', outcome: 'refused', tags: ['x"red'] }),
      ]);
    });

    test('sums money beyond 2^53 to the nano-dollar, and counts what has tokens but no price', async () => {
      expect(await usage.sum(key)).toEqual({
        requests: 5,
        promptTokens: 400,
        completionTokens: 80,
        cachedTokens: 120,
        costNanoUsd: 2n * BigInt(big) + 1n,
        cacheWriteTokens: 16,
        reasoningTokens: 20,
        audioTokens: 0,
        unpricedRequests: 1,
        estimatedRequests: 0,
      });
      expect(await usage.sum({ keyId: 'key_nobody' })).toMatchObject({ requests: 0, promptTokens: 0, costNanoUsd: 0n });
    });

    test('groups by UTC day and model, newest day first', async () => {
      const { items } = await usage.groups(key, ['day', 'model'], { limit: 10, cursor: null });
      expect(items.map(({ by, requests, costNanoUsd }) => [by.day, by.model, requests, costNanoUsd])).toEqual([
        ['2026-11-23', 'a', 1, 0n],
        ['2026-11-22', 'a', 2, 1n],
        ['2026-11-22', 'b', 2, 2n * BigInt(big)],
      ]);
    });

    test.each([
      [{ from: NOON + 1, to: NOON + 2 }, ['s2']],
      [{ model: 'b' }, ['s2', 's1']],
      [{ provider: 'p2' }, ['s3']],
      [{ outcome: 'refused' }, ['s5']],
      [{ tag: 'red' }, ['s1']],
      [{ tag: 'blue' }, ['s1']],
      [{ tag: '%' }, []],
      [{ requestId: 'req_s4' }, ['s4']],
      [{ model: "b' or 1=1 --" }, []],
    ])('finds by %p', async (filter, expected) => {
      const { items } = await usage.list({ ...key, ...filter }, { limit: 10, cursor: null });
      expect(items.map((item) => item.requestId)).toEqual(expected.map((name) => `req_${name}`));
    });
  });
});

describe('the embedded database', () => {
  it('is for its owner alone, and outlives its process', async () => {
    const bench = await sqliteBench();
    try {
      const first = await bench.open();
      const stored = virtualKey('kept', {});
      await new KyselyVirtualKeyStore(first).insert(stored);
      // Not closed: as after a kill.
      const second = await bench.open();
      expect(await new KyselyVirtualKeyStore(second).findById(stored.id)).toEqual(stored);

      const path = join(bench.folder, 'parley.db');
      expect((await stat(bench.folder)).mode & 0o777).toBe(0o700);
      for (const file of [path, `${path}-wal`]) expect((await stat(file)).mode & 0o777).toBe(0o600);
      await Promise.all([first.close(), second.close()]);
      await first.close();
    } finally {
      await bench.remove();
    }
  });
});

describe('two processes on one embedded database', () => {
  it('take turns at writing, and none is left unable to commit', async () => {
    const bench = await sqliteBench();
    const [one, other] = await Promise.all([bench.open(), bench.open()]);
    let release: () => void = () => undefined;
    const held = one.query.transaction().execute(() => new Promise<void>((resolve) => (release = resolve)));
    await new Promise((resolve) => setTimeout(resolve, 20));

    const keys = new KyselyVirtualKeyStore(other);
    const waiting = keys.insert(virtualKey('patient', {}));
    setTimeout(() => {
      release();
    }, 150);
    await Promise.all([held, waiting]);
    await new KyselyUsageStore(other).append([usageRecord('after', {})]);
    expect(await new KyselyVirtualKeyStore(one).count()).toBe(1);
    await Promise.all([one.close(), other.close()]);
    await bench.remove();
  });

  it('write usage when the other is done, and stand still for it neither in reading nor in anything else', async () => {
    const bench = await sqliteBench();
    const [one, other] = await Promise.all([bench.open(), bench.open()]);
    let release: () => void = () => undefined;
    const held = one.query.transaction().execute(() => new Promise<void>((resolve) => (release = resolve)));
    await new Promise((resolve) => setTimeout(resolve, 20));

    const usage = new KyselyUsageStore(other);
    let written = false;
    const waiting = usage.append([usageRecord('patient', {})]).then(() => (written = true));
    const stalls: number[] = [];
    for (let turn = 0; turn < 10; turn += 1) {
      const began = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 1));
      expect((await usage.sum({})).requests).toBe(0);
      stalls.push(performance.now() - began);
    }
    // The median: a busy machine may be slow once.
    expect(stalls.toSorted((a, b) => a - b)[5]).toBeLessThan(50);
    expect(written).toBe(false);
    release();
    await Promise.all([held, waiting]);
    expect((await new KyselyUsageStore(one).sum({})).requests).toBe(1);
    await Promise.all([one.close(), other.close()]);
    await bench.remove();
  });
});

describe('a PostgreSQL that is not there', () => {
  it('does not stop the start, and is not ready', async () => {
    const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const database = await openPostgres(new Secret('postgres://parley:hidden@127.0.0.1:1/parley'));
    await expect(database.check()).rejects.toThrow('has not been reached');
    await expect(new KyselyVirtualKeyStore(database).count()).rejects.toThrow();
    expect(JSON.stringify(logged.mock.calls)).toMatch(/ECONNREFUSED/);
    expect(JSON.stringify(logged.mock.calls)).not.toMatch(/hidden/);
    await database.close();
    logged.mockRestore();
  });
});

const [, makePostgres] = BENCHES[2] ?? [];
(makePostgres === undefined ? describe.skip : describe)('a PostgreSQL that is brought up to date', () => {
  it('may take longer for that than for anything else, or wait for another replica that does it', async () => {
    const bench = await (makePostgres as () => Promise<Bench>)();
    const url = bench.url ?? '';
    const other = new pg.Client({ connectionString: url });
    await other.connect();
    // A step that another replica is at holds the lock that Kysely takes for all of them.
    await other.query('begin; select pg_advisory_xact_lock(3853314791062309107)');
    const waiting = openPostgres(new Secret(url), { patienceMs: 300 });
    const ended = jest.fn();
    void waiting.finally(ended);
    await pause(1_000);
    expect(ended).not.toHaveBeenCalled();
    await other.query('commit');
    const database = await waiting;
    await expect(database.check()).resolves.toBeUndefined();
    await expect(sql`select pg_sleep(2)`.execute(database.query)).rejects.toThrow('Query read timeout');
    await database.close();
    await other.end();
    await bench.remove();
  });
});

function virtualKey(name: string, fields: Partial<VirtualKey>): VirtualKey {
  return {
    id: `key_${name}`,
    hash: `hash-of-${name}`,
    prefix: 'sk-parley-abcd',
    name,
    owner: null,
    tags: [],
    models: null,
    allowedIps: null,
    rpm: null,
    tpm: null,
    concurrency: null,
    budget: null,
    expiresAt: null,
    disabled: false,
    createdAt: NOON,
    ...fields,
  };
}

function usageRecord(name: string, fields: Partial<UsageRecord>): UsageRecord {
  return {
    requestId: `req_${name}`,
    createdAt: NOON,
    keyId: null,
    owner: null,
    model: 'gpt-4',
    provider: 'openai',
    upstreamModel: 'gpt-4.1',
    stream: true,
    outcome: 'completed',
    status: 200,
    errorCode: null,
    usage: null,
    usageSource: 'provider',
    costNanoUsd: null,
    priceVersion: null,
    latencyMs: 321.5,
    timeToFirstTokenMs: null,
    tags: [],
    attempts: [],
    ...fields,
  };
}

function attempt(provider: string, fields: Partial<AttemptRecord>): AttemptRecord {
  return {
    provider,
    model: 'gpt-4.1',
    outcome: 'completed',
    status: 200,
    errorCode: null,
    usage: COUNTS,
    usageSource: 'provider',
    serviceTier: null,
    costNanoUsd: 17,
    pricedAs: 'openai/gpt-4.1',
    priceVersion: null,
    startedAt: NOON,
    latencyMs: 300.5,
    ...fields,
  };
}
