import fc from 'fast-check';
import { setTimeout as pause } from 'node:timers/promises';
import { CompiledQuery, Kysely, sql } from 'kysely';
import type { Outcome, TokenCounts, UsageRecord } from '../src/domain/usage.js';
import { KyselyUsageStore } from '../src/storage/sql/kysely-usage.store.js';
import { QueryProcesses } from '../src/storage/sql/reading/query-processes.js';
import { ReadingDialect } from '../src/storage/sql/reading/reading-dialect.js';
import type { Schema } from '../src/storage/sql/schema.js';
import { SqlDatabase } from '../src/storage/sql/sql-database.js';
import { DIMENSIONS, type Dimension, type SumFilter, type UsageFilter } from '../src/usage/usage.store.js';
import { startGateway } from './support/gateway.js';
import { BENCHES, sqliteBench, type Bench } from './support/databases.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Half an hour before the end of a day: records of a few hours are of two days. */
const START = Date.UTC(2026, 10, 21, 20, 30);
const SPAN = 2 * DAY;

const pick = <T>(...values: readonly T[]) => fc.constantFrom(...values);
const KEYS = ['key_a', 'key_b', 'key_c'];
const MODELS = ['gpt-4', 'Gpt-4', 'größe', "o'clock", ''];
const PROVIDERS = ['openai', 'azure'];
const TAGS = ['nightly', 'night', '["', 'a"b', '%', 'größe'];

const counts = fc.record({
  promptTokens: fc.nat(1_000),
  completionTokens: fc.nat(1_000),
  cachedTokens: fc.nat(100),
  cacheWriteTokens: fc.nat(100),
  reasoningTokens: fc.nat(100),
  audioTokens: fc.nat(100),
});

/** On the hour, a millisecond beside it, and anywhere. */
const moment = fc.oneof(
  fc.nat(SPAN).map((after) => START + after),
  fc.tuple(fc.nat(SPAN / HOUR), pick(-1, 0, 1)).map(([hours, ms]) => START - (START % HOUR) + hours * HOUR + ms),
);

const drawn = fc.record({
  createdAt: moment,
  keyId: fc.option(pick(...KEYS)),
  owner: fc.option(pick('team', 'Team')),
  model: pick(...MODELS),
  provider: fc.option(pick(...PROVIDERS)),
  outcome: pick<Outcome>('completed', 'failed', 'abandoned', 'refused'),
  usage: fc.option(counts),
  usageSource: pick('provider' as const, 'estimated' as const, 'none' as const),
  costNanoUsd: fc.option(fc.oneof(fc.nat(1_000_000_000), fc.constant(2 ** 52 + 1))),
  tags: fc.uniqueArray(pick(...TAGS), { maxLength: 3 }),
});

let made = 0;
const recordOf = (over: Partial<UsageRecord>): UsageRecord => ({
  requestId: `req_${String((made += 1)).padStart(8, '0')}`,
  ...{ createdAt: START, keyId: null, owner: null, model: 'm', provider: null, upstreamModel: null, stream: false },
  ...{ outcome: 'completed', status: 200, errorCode: null, usage: null, usageSource: 'none', costNanoUsd: null },
  ...{ priceVersion: null, latencyMs: 1, timeToFirstTokenMs: null, tags: [], attempts: [] },
  ...over,
});

const sumFilter: fc.Arbitrary<SumFilter> = fc.record(
  {
    from: moment,
    to: moment,
    keyId: pick(...KEYS),
    owner: pick('team', 'nobody'),
    model: pick(...MODELS),
    provider: pick(...PROVIDERS),
    tag: pick(...TAGS),
  },
  { requiredKeys: [] },
);

const listFilter: fc.Arbitrary<UsageFilter> = fc
  .tuple(sumFilter, fc.record({ outcome: pick('completed', 'failed', 'refused') }, { requiredKeys: [] }))
  .map(([one, other]) => ({ ...one, ...other }));

function fits(record: UsageRecord, { from = 0, to = Infinity, tag, ...equal }: UsageFilter): boolean {
  const told = record as unknown as Readonly<Record<string, unknown>>;
  return (
    record.createdAt >= from &&
    record.createdAt < to &&
    (tag === undefined || record.tags.includes(tag)) &&
    Object.entries(equal).every(([name, value]) => value === undefined || told[name] === value)
  );
}

/** The values a record has in a dimension. */
function valuesIn(dimension: Dimension, record: UsageRecord): readonly (string | null)[] {
  switch (dimension) {
    case 'key':
      return [record.keyId];
    case 'day':
      return [new Date(record.createdAt).toISOString().slice(0, 10)];
    case 'tag':
      return record.tags.length === 0 ? [null] : record.tags;
    default:
      return [record[dimension]];
  }
}

const COUNTS = [
  'promptTokens',
  'completionTokens',
  'cachedTokens',
  'cacheWriteTokens',
  'reasoningTokens',
  'audioTokens',
] as const satisfies readonly (keyof TokenCounts)[];

function sumOf(records: readonly UsageRecord[]) {
  const total = (number: (record: UsageRecord) => number) => records.reduce((sum, each) => sum + number(each), 0);
  return {
    ...Object.fromEntries(COUNTS.map((name) => [name, total(({ usage }) => usage?.[name] ?? 0)])),
    requests: records.length,
    costNanoUsd: records.reduce((sum, { costNanoUsd }) => sum + BigInt(costNanoUsd ?? 0), 0n),
    unpricedRequests: total(({ usage, costNanoUsd }) => (usage !== null && costNanoUsd === null ? 1 : 0)),
    estimatedRequests: total(({ usageSource }) => (usageSource === 'estimated' ? 1 : 0)),
  };
}

/** What the groups must come to: by their values, in the order in which they are shown. */
function groupsOf(records: readonly UsageRecord[], by: readonly Dimension[]) {
  const groups = new Map<string, { values: (string | null)[]; records: UsageRecord[] }>();
  for (const record of records) {
    const combinations = by.reduce<(string | null)[][]>(
      (all, dimension) => all.flatMap((one) => valuesIn(dimension, record).map((value) => [...one, value])),
      [[]],
    );
    for (const values of combinations) {
      const name = JSON.stringify(values);
      const group = groups.get(name) ?? { values, records: [] };
      group.records.push(record);
      groups.set(name, group);
    }
  }
  const sorted: readonly Dimension[] = ['day', ...by.filter((each) => each !== 'day')];
  const order = (values: readonly (string | null)[]) => sorted.map((each) => values[by.indexOf(each)] ?? '');
  return [...groups.values()]
    .sort((one, other) => {
      const [a, b] = [order(one.values), order(other.values)];
      const at = a.findIndex((value, index) => value !== b[index]);
      const less = Buffer.compare(Buffer.from(a[at] ?? ''), Buffer.from(b[at] ?? ''));
      return sorted[at] === 'day' ? -less : less;
    })
    .map((group) => ({
      by: Object.fromEntries(by.map((dimension, at) => [dimension, group.values[at]])),
      ...sumOf(group.records),
    }));
}

/** All pages of a list. */
async function allOf<T>(read: (cursor: string | null) => Promise<{ items: readonly T[]; nextCursor: string | null }>) {
  const items: T[] = [];
  for (let cursor: string | null = null, pages = 0; pages < 200; pages += 1) {
    const page: { items: readonly T[]; nextCursor: string | null } = await read(cursor);
    items.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === null) return items;
  }
  throw new Error('There is no end to it.');
}

const newestFirst = (records: readonly UsageRecord[], place: ReadonlyMap<string, number>) =>
  [...records].sort(
    (one, other) =>
      other.createdAt - one.createdAt || (place.get(other.requestId) ?? 0) - (place.get(one.requestId) ?? 0),
  );

describe.each(BENCHES)('reading the ledger: %s', (_name, make) => {
  if (make === undefined) {
    it.skip('has no database here', () => undefined);
    return;
  }
  let bench: Bench;
  let database: SqlDatabase;
  let store: KyselyUsageStore;

  beforeAll(async () => {
    bench = await make();
    database = await bench.open();
    store = new KyselyUsageStore(database);
  });
  afterAll(async () => {
    await database.close();
    await bench.remove();
  });

  const forget = async () => {
    for (const table of ['usage_attempts', 'usage_sums', 'usage_records'] as const)
      await database.query.transaction().execute((transaction) => transaction.deleteFrom(table).execute());
  };

  it('comes to what the records come to, for any period, filter and grouping, a page at a time', async () => {
    const questions = fc.array(
      fc.record({
        filter: sumFilter,
        by: fc.subarray([...DIMENSIONS]).chain((some) => fc.shuffledSubarray(some, { minLength: some.length })),
      }),
      { minLength: 8, maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(drawn, { minLength: 1, maxLength: 60 }), questions, async (draws, asked) => {
        await forget();
        const records = draws.map((draw) => recordOf(draw));
        await store.append(records);
        for (const { filter, by } of asked) {
          const fitting = records.filter((record) => fits(record, filter));
          expect(await store.sum(filter)).toEqual(sumOf(fitting));
          if (by.length === 0) continue;
          const found = await allOf((cursor) => store.groups(filter, by, { limit: 7, cursor }));
          expect(found).toEqual(groupsOf(fitting, by));
        }
      }),
      { numRuns: 15 },
    );
  });

  it('refuses a cursor with a day that there is not', async () => {
    await forget();
    await store.append([recordOf({ createdAt: START, model: 'a' }), recordOf({ createdAt: START, model: 'b' })]);
    const page = (cursor: string | null) => store.groups({}, ['day', 'model'], { limit: 1, cursor });
    const { nextCursor } = await page(null);
    const [mark, ...values] = JSON.parse(String(Buffer.from(nextCursor ?? '', 'base64url'))) as unknown[];
    expect(values).toEqual([Math.floor(START / DAY), 'a']);
    for (const day of [2 ** 53 - 1, -(2 ** 53 - 1), 1.5, '1', null]) {
      const cursor = Buffer.from(JSON.stringify([mark, day, 'a'])).toString('base64url');
      await expect(page(cursor)).rejects.toMatchObject({ status: 400, param: 'cursor' });
    }
  });

  it('lists what fits any filter, newest first, each once, a page at a time', async () => {
    await forget();
    const records = fc.sample(drawn, { numRuns: 200, seed: 7 }).map((draw) => recordOf(draw));
    // Many of one moment: their order is that in which they were written.
    records.push(
      ...Array.from({ length: 30 }, () =>
        recordOf({ createdAt: START + HOUR, keyId: 'key_a', owner: 'team', tags: ['nightly'] }),
      ),
    );
    await store.append(records);
    const rows = await database.query.selectFrom('usage_records').select(['id', 'request_id']).execute();
    const place = new Map(rows.map(({ id, request_id: requestId }) => [requestId, id]));
    const ids = (found: readonly UsageRecord[]) => found.map(({ requestId }) => requestId);
    await fc.assert(
      fc.asyncProperty(listFilter, pick(7, 50), async (filter, limit) => {
        const found = await allOf((cursor) => store.list(filter, { limit, cursor }));
        expect(ids(found)).toEqual(
          ids(
            newestFirst(
              records.filter((record) => fits(record, filter)),
              place,
            ),
          ),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('finds the few among many, on whatever days and of whatever keys they are', async () => {
    await forget();
    const few = (at: number) => at % 97 === 0;
    const records = Array.from({ length: 4_000 }, (_, at) =>
      recordOf({
        createdAt: START + at * HOUR,
        keyId: at % 388 === 0 && at > 3_000 ? null : `key_${at % 23}`,
        owner: few(at + 1) ? 'rare' : 'team',
        ...(few(at) && { model: 'rare' }),
        tags: few(at + 2) ? ['a"', 'rare'] : ['common'],
      }),
    );
    await store.append(records);
    const [from, to] = [START + 1_000 * HOUR + 1, START + 3_900 * HOUR];
    for (const rare of [{ model: 'rare' }, { owner: 'rare' }, { tag: 'rare' }])
      for (const more of [{}, { from, to }, { keyId: 'key_5' }, { outcome: 'completed' }, { model: 'nothing of it' }]) {
        const filter = { ...rare, ...more };
        const found = await allOf((cursor) => store.list(filter, { limit: 7, cursor }));
        const expected = records.filter((record) => fits(record, filter)).toReversed();
        expect(found.map(({ requestId }) => requestId)).toEqual(expected.map(({ requestId }) => requestId));
      }
    await database.query.transaction().execute((transaction) =>
      transaction
        .deleteFrom('usage_records')
        .where('created_at', '<', START + 2_000 * HOUR)
        .execute(),
    );
    const left = await allOf((cursor) => store.list({ model: 'rare' }, { limit: 7, cursor }));
    expect(left).toHaveLength(records.filter(({ model }, at) => model === 'rare' && at >= 2_000).length);
  }, 60_000);

  it('never goes through all records, whatever is asked', async () => {
    await forget();
    await store.append(fc.sample(drawn, { numRuns: 300, seed: 3 }).map((draw) => recordOf(draw)));
    await store.append([recordOf({ createdAt: START, keyId: 'key_a', model: 'rare' })]);
    const asked: CompiledQuery[] = [];
    const watched = new KyselyUsageStore(watching(database, asked));
    const [from, to] = [START + 17, START + SPAN - 23];
    const filters: readonly UsageFilter[] = [
      {},
      { from, to },
      { keyId: 'key_a' },
      { owner: 'team' },
      { model: 'gpt-4' },
      { model: 'rare' },
      { provider: 'openai' },
      { tag: 'nightly' },
      { requestId: 'req_00000001' },
      { keyId: 'key_a', owner: 'team', model: 'gpt-4', provider: 'openai', outcome: 'failed', tag: 'nightly' },
    ];
    for (const filter of [...filters, { outcome: 'failed' }]) {
      const { nextCursor } = await watched.list(filter, { limit: 1, cursor: null });
      await watched.list(filter, { limit: 1, cursor: nextCursor });
    }
    for (const filter of filters) {
      await watched.sum({ ...filter, from, to });
      await watched.groups({ ...filter, from, to }, ['day', 'key', 'tag'], { limit: 1, cursor: null });
    }
    expect(asked.length).toBeGreaterThan(40);
    for (const query of asked) {
      const plan = await planOf(database, query);
      expect([query.sql, plan.filter((step) => GOES_THROUGH_ALL.test(step))]).toEqual([query.sql, []]);
    }
  }, 60_000);
});

/** SQLite names an index where it uses one; PostgreSQL here only scans what no index leads to. */
const GOES_THROUGH_ALL = /SCAN usage_(records|attempts)(?! USING)|Seq Scan on usage_(records|attempts)/;

/** The same database, but that what is read of it is written down. */
function watching({ kind, query, usage, reader }: SqlDatabase, asked: CompiledQuery[]): SqlDatabase {
  const watched = reader.withPlugin({
    transformQuery: ({ node }) => node,
    transformResult: ({ result }) => Promise.resolve(result),
  });
  const own = watched.getExecutor();
  const execute = own.executeQuery.bind(own);
  own.executeQuery = <R>(compiled: CompiledQuery<R>) => {
    asked.push(compiled);
    return execute(compiled);
  };
  return new SqlDatabase(kind, { query, usage, reader: watched });
}

async function planOf(
  { kind, query }: SqlDatabase,
  { sql: text, parameters }: CompiledQuery,
): Promise<readonly string[]> {
  return query.connection().execute(async (connection) => {
    if (kind === 'postgres') await sql`set enable_seqscan = off`.execute(connection);
    const explain = kind === 'sqlite' ? 'explain query plan ' : 'explain ';
    const plan = await connection.executeQuery<Record<string, string>>(
      CompiledQuery.raw(explain + text, [...parameters]),
    );
    if (kind === 'postgres') await sql`set enable_seqscan = on`.execute(connection);
    return plan.rows.map((row) => row['detail'] ?? row['QUERY PLAN'] ?? '');
  });
}

describe('processes that read', () => {
  const SLOW =
    'with recursive c(n) as (select 1 union all select n + 1 from c where n < ?) select count(*) as n from c';
  const asking = (statement: string, ...parameters: readonly unknown[]) => ({ sql: statement, parameters });
  let bench: Awaited<ReturnType<typeof sqliteBench>>;
  let database: SqlDatabase;
  let path: string;

  beforeAll(async () => {
    bench = await sqliteBench();
    database = await bench.open();
    path = `${bench.folder}/parley.db`;
  });
  afterAll(async () => {
    await database.close();
    await bench.remove();
  });

  it('leave our own thread free, and answer many at once', async () => {
    const processes = new QueryProcesses(path);
    let late = 0;
    const started = performance.now();
    let last = started;
    const ticking = setInterval(() => {
      late = Math.max(late, performance.now() - last);
      last = performance.now();
    }, 5);
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, at) => processes.ask(asking(SLOW, 1_000_000 + at))),
    );
    clearInterval(ticking);
    expect(answers).toEqual(Array.from({ length: 6 }, (_, at) => [{ n: 1_000_000 + at }]));
    // They take their time in turn; ours is only what a busy machine leaves us.
    expect(late).toBeLessThan((performance.now() - started) / 3);
    processes.close();
  });

  it('tell what is wrong with a question, and go on', async () => {
    const processes = new QueryProcesses(path);
    await expect(processes.ask(asking('select one from nowhere'))).rejects.toThrow('no such table: nowhere');
    await expect(
      processes.ask(asking("insert into teams (name, created_at, updated_at) values ('x', 1, 1)")),
    ).rejects.toThrow(/readonly/);
    expect(await processes.ask(asking('select ? as n', 'größe'))).toEqual([{ n: 'größe' }]);
    processes.close();
  });

  it('are ended with what takes too long, and the next one is answered', async () => {
    const processes = new QueryProcesses(path, { longest: 2_000, idle: 10_000 });
    await expect(processes.ask(asking(SLOW, 1e12))).rejects.toMatchObject({ status: 503, code: 'query_timeout' });
    expect(await processes.ask(asking('select 1 as n'))).toEqual([{ n: 1 }]);
    processes.close();
  });

  it('are not there when nobody has asked for a while, and bound who waits', async () => {
    const processes = new QueryProcesses(path, { longest: 10_000, idle: 100 });
    const pid = 'select 1 as n';
    await processes.ask(asking(pid));
    expect(processes.running).toBe(1);
    for (let waited = 0; processes.running > 0 && waited < 50; waited += 1) await pause(20);
    expect(processes.running).toBe(0);
    const many = Array.from({ length: 110 }, () =>
      processes.ask(asking(pid)).catch((error: { status?: number }) => error.status),
    );
    const answers = await Promise.all(many);
    expect(answers.filter((answer) => answer === 503)).toHaveLength(8);
    expect(processes.running).toBe(2);
    processes.close();
    await expect(processes.ask(asking(pid))).rejects.toThrow('closed');
  });

  it('need not come up: nobody waits for what cannot be started', async () => {
    const none = new QueryProcesses('/no\0path');
    for (let times = 0; times < 110; times += 1)
      await expect(none.ask(asking('select 1'))).rejects.toThrow('without null bytes');
    expect(none.running).toBe(0);
    none.close();
  });

  it('serve the store, which tells of a question that took too long', async () => {
    const reader = new Kysely<Schema>({ dialect: new ReadingDialect(path, { longest: 1, idle: 1_000 }) });
    const store = new KyselyUsageStore(
      new SqlDatabase('sqlite', { query: database.query, usage: database.usage, reader }),
    );
    await expect(store.sum({})).rejects.toMatchObject({ status: 503, code: 'query_timeout' });
    await reader.destroy();
  });
});

const real = BENCHES.find(([name]) => name === 'PostgreSQL')?.[1];

describe('PostgreSQL as it is read', () => {
  if (real === undefined) {
    it.skip('is not here, because PARLEY_TEST_POSTGRES_URL names no server', () => undefined);
    return;
  }

  it('breaks off what takes too long, and lets nobody wait who only writes', async () => {
    const bench = await real();
    const database = await bench.open();
    const shown = await sql<{ statement_timeout: string }>`show statement_timeout`.execute(database.reader);
    expect(shown.rows).toEqual([{ statement_timeout: '30s' }]);
    const store = new KyselyUsageStore(database);
    // All that read are held up by a lock; who writes has connections of their own.
    await database.query.transaction().execute(async (holder) => {
      await sql`lock table parley.usage_attempts in access exclusive mode`.execute(holder);
      const held = Array.from({ length: 3 }, () =>
        sql`select count(*) from parley.usage_attempts`.execute(database.reader).catch((error: Error) => error),
      );
      await expect(store.list({}, { limit: 1, cursor: null })).rejects.toMatchObject({
        status: 503,
        retryAfterMs: 5_000,
      });
      expect((await sql<{ one: number }>`select 1 as one`.execute(database.query)).rows).toEqual([{ one: 1 }]);
      await sql`select pg_cancel_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'`.execute(holder);
      expect(await Promise.all(held)).toEqual(
        Array.from({ length: 3 }, () => expect.objectContaining({ code: '57014' })),
      );
    });
    await database.close();
    await bench.remove();
  });
});

describe('the whole gateway', () => {
  it('tells a key and the operator the same of what was used', async () => {
    const gateway = await startGateway({ config: { providers: { sim: { type: 'simulator' } } } });
    try {
      const terms = { name: 'ci', owner: 'team', rpm: 60, concurrency: 4, budget: { usd: 20, per: 'month' } };
      const { key } = (await (await gateway.admin('POST', '/admin/keys', terms)).json()) as { key: string };
      const authorization = `Bearer ${key}`;
      const answer = await gateway.chat({ model: 'sim/simulator' }, { authorization, 'x-parley-tags': 'a,b' });
      const { usage } = (await answer.json()) as { usage: { prompt_tokens: number; completion_tokens: number } };
      const used = { prompt_tokens: usage.prompt_tokens, completion_tokens: usage.completion_tokens };
      const own = await fetch(`${gateway.url}/v1/usage`, { headers: { authorization } });
      expect(await own.json()).toMatchObject({
        key: { name: 'ci' },
        limits: {
          rpm: { limit: 60, remaining: 59, reset: expect.stringMatching(/^(\d+m)?[\d.]+s$/) },
          tpm: { limit: null, remaining: null, reset: null },
          concurrency: { limit: 4, in_use: 0 },
        },
        budget: { usd: 20, per: 'month', resets_at: expect.stringMatching(/-01T00:00:00Z$/) },
        total: { requests: 1, ...used },
        data: [{ model: 'sim/simulator', requests: 1, ...used }],
      });
      const groups = await gateway.admin('GET', '/admin/usage?group_by=owner,tag&owner=team');
      expect(await groups.json()).toMatchObject({
        data: [
          { owner: 'team', tag: 'a', requests: 1, ...used },
          { owner: 'team', tag: 'b', requests: 1, ...used },
        ],
      });
      expect((await fetch(`${gateway.url}/admin/usage`, { headers: { authorization } })).status).toBe(401);
    } finally {
      await gateway.close();
    }
  });
});
