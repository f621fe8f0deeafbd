import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import Database from 'libsql';
import { type Kysely, Migrator, sql } from 'kysely';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Config } from '../src/config/config.js';
import { LiveConfig } from '../src/config/live-config.js';
import type { AttemptRecord, TokenCounts, UsageRecord } from '../src/domain/usage.js';
import { EmbeddedUsageLog } from '../src/storage/sql/embedded-usage-log.js';
import { KyselyExpiredUsage } from '../src/storage/sql/kysely-expired-usage.js';
import { KyselyUsageStore } from '../src/storage/sql/kysely-usage.store.js';
import { createVirtualKeys } from '../src/storage/sql/migrations/0001-virtual-keys.js';
import { createUsage } from '../src/storage/sql/migrations/0002-usage.js';
import { createTurnStates } from '../src/storage/sql/migrations/0003-turn-states.js';
import { openUsageLog } from '../src/storage/sql/open-usage-log.js';
import { ShippedUsageLog } from '../src/storage/sql/shipped-usage-log.js';
import { Outbox } from '../src/storage/sql/outbox.js';
import { type PostgresUsageWriter, usageRow } from '../src/storage/sql/postgres-usage-writer.js';
import { ATTEMPT_COLUMNS, RECORD_COLUMNS } from '../src/storage/sql/schema.js';
import type { SqlDatabase } from '../src/storage/sql/sql-database.js';
import { SqliteUsageWriter } from '../src/storage/sql/sqlite-usage-writer.js';
import { attemptRows, recordRow } from '../src/storage/sql/usage-rows.js';
import { SUM_KEY } from '../src/storage/sql/usage-sums.js';
import { Retention } from '../src/usage/retention.js';
import { UsageLog } from '../src/usage/usage-log.js';
import { BENCHES, sqliteBench, type Bench } from './support/databases.js';
import { startGateway, type Gateway } from './support/gateway.js';

const HOUR = 3_600_000;
const NOON = Date.UTC(2026, 10, 22, 12);
const COUNTS: TokenCounts = {
  ...{ promptTokens: 100, completionTokens: 20, cachedTokens: 30, cacheWriteTokens: 4 },
  ...{ reasoningTokens: 5, audioTokens: 0 },
};

let folder: string;
let errors: jest.SpiedFunction<Logger['error']>;
const said = () => errors.mock.calls.flat().map(String);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-ledger-'));
  errors = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
  jest.spyOn(Logger.prototype, 'log').mockImplementation(() => undefined);
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 10_000; performance.now() < end; await pause(10)) if (await holds()) return;
  throw new Error('It has not come true.');
}

describe.each(BENCHES)('the ledger in %s', (_, makeBench) => {
  const test = makeBench === undefined ? it.skip : it;
  let bench: Bench;
  let database: SqlDatabase;
  let usage: KyselyUsageStore;

  beforeEach(async () => {
    if (makeBench === undefined) return;
    bench = await makeBench();
    database = await bench.open();
    usage = new KyselyUsageStore(database);
  });
  afterEach(async () => {
    if (makeBench === undefined) return;
    await database.close();
    await bench.remove();
  });
  const everything = () => usage.list({}, { limit: 500, cursor: null }).then(({ items }) => items);
  const backlog = async (log: UsageLog, records: number) => until(() => log.backlog().records === records);
  /** The log as a gateway has it, and when all of it can be read. */
  const opened = async () => openUsageLog(database, folder);

  test('adds up what was really written, once, by day and combination, and finds tags', async () => {
    const log = await opened();
    const one = record('one', { tags: ['a', 'a', 'b"c'], usage: COUNTS, costNanoUsd: 7, attempts: [attempt({})] });
    const rows = [
      one,
      record('two', { createdAt: NOON + HOUR, tags: one.tags, usage: COUNTS, costNanoUsd: 2 ** 53 - 1 }),
      record('three', { createdAt: NOON + 12 * HOUR, keyId: 'k', owner: 'o', usage: COUNTS, usageSource: 'estimated' }),
      record('four', { createdAt: NOON + 12 * HOUR, keyId: 'k', owner: 'o', provider: null, outcome: 'refused' }),
    ];
    await log.append([...rows, one]);
    await log.append([one, ...rows.toReversed()]);
    await backlog(log, 0);
    const found = await database.query
      .selectFrom('usage_sums')
      .select([...SUM_KEY, 'requests', 'prompt_tokens', 'unpriced', 'estimated'])
      .orderBy('day_start')
      .orderBy('requests')
      .execute();
    const none = { key_id: '', owner: '', provider: 'openai', tags: '[]', unpriced: 0, estimated: 0 };
    expect(found.filter(({ day_start: start }) => start === NOON - 12 * HOUR)).toMatchObject([
      { ...none, tags: JSON.stringify(one.tags), requests: 2, prompt_tokens: 200 },
    ]);
    expect(found.filter(({ day_start: start }) => start === NOON + 12 * HOUR)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ ...none, key_id: 'k', owner: 'o', requests: 1, estimated: 1, unpriced: 1 }),
        expect.objectContaining({ ...none, key_id: 'k', owner: 'o', provider: '', requests: 1, prompt_tokens: 0 }),
      ]),
    );
    expect(await usage.sum({ tag: 'b"c' })).toMatchObject({ requests: 2, costNanoUsd: 2n ** 53n + 6n });
    expect((await usage.list({ tag: 'a' }, { limit: 5, cursor: null })).items).toHaveLength(2);
    expect(said()).toEqual([]);
  });

  test('puts aside a record that the database refuses, says so once, and takes all others', async () => {
    const log = await opened();
    const broken = record('broken', { latencyMs: null as never });
    const records = Array.from({ length: 40 }, (_, at) => (at === 17 ? broken : record(`fine${at}`, {})));
    await log.append(records);
    await backlog(log, 0);
    const ids = (await everything()).map(({ requestId }) => requestId);
    expect(ids.toSorted()).toEqual(records.flatMap((each) => (each === broken ? [] : [each.requestId])).toSorted());
    expect(log.backlog()).toMatchObject({ refused: 1, failures: 0 });
    expect(said()).toEqual([expect.stringMatching(/refuses/)]);
    expect((await usage.sum({})).requests).toBe(39);
  });

  test('takes the longest texts that a client can write, and adds them up', async () => {
    const log = await opened();
    // No two alike, so that nothing of them can be packed smaller.
    const text = (length: number, first: number, many: number) =>
      String.fromCharCode(...Array.from({ length }, () => first + Math.floor(Math.random() * many)));
    const tags = Array.from({ length: 20 }, () => text(100, 0xa1, 0x5f));
    const long = { model: text(256, 0x4e00, 20_000), owner: text(256, 0x4e00, 20_000), tags, costNanoUsd: 3 };
    await log.append([record('one', { ...long, usage: COUNTS }), record('two', { ...long, usage: COUNTS })]);
    await backlog(log, 0);
    expect(log.backlog()).toMatchObject({ refused: 0, failures: 0 });
    expect((await everything()).map(({ model }) => model)).toEqual([long.model, long.model]);
    const [sum, ...others] = await database.query.selectFrom('usage_sums').selectAll().execute();
    expect(sum).toMatchObject({ model: long.model, tags: JSON.stringify(tags), requests: 2, cost_nano_usd: 6 });
    expect(others).toEqual([]);

    const odd = ["a','b", 'a', '\\', "\\'", '\\x41', 'é'].flatMap((model) =>
      ["b','c", 'c', "'", '\\'].map((provider) => record(`${model} ${provider}`, { model, provider })),
    );
    await log.append([...odd, ...odd.map((each) => ({ ...each, requestId: `${each.requestId} again` }))]);
    await backlog(log, 0);
    const sums = database.query.selectFrom('usage_sums').select('requests').where('cost_nano_usd', '=', 0);
    expect((await sums.execute()).map(({ requests }) => requests)).toEqual(odd.map(() => 2));
  });

  test('deletes what was kept for long enough, in portions, and sums later than requests', async () => {
    const log = await opened();
    const old = Array.from({ length: 250 }, (_, at) =>
      record(`old${at}`, { createdAt: NOON - 61 * HOUR, tags: [`t${at}`], attempts: [attempt({})] }),
    );
    await log.append([...old, record('new', { tags: ['x'], attempts: [attempt({})] })]);
    await backlog(log, 0);
    const config = new LiveConfig({ usage: {} } as Config);
    const retention = new Retention(config, new KyselyExpiredUsage(database));
    const counts = async () => {
      const count = async (table: 'usage_records' | 'usage_attempts' | 'usage_sums') =>
        (
          await database.query
            .selectFrom(table)
            .select((all) => all.fn.countAll<number>().as('n'))
            .execute()
        )[0]?.n;
      return Promise.all([count('usage_records'), count('usage_attempts'), count('usage_sums')]);
    };
    await retention.run(NOON);
    expect(await counts()).toEqual([251, 251, 251]);
    config.replace({ usage: { keepRequests: 24 * HOUR } } as Config);
    await Promise.all([retention.run(NOON), ...(bench.single ? [] : [retention.run(NOON)])]);
    expect(await counts()).toEqual([1, 1, 251]);
    config.replace({ usage: { keepRequests: 24 * HOUR, keepSums: 61 * HOUR } } as Config);
    await retention.run(NOON);
    expect(await counts()).toEqual([1, 1, 251]); // a part of their day is kept
    config.replace({ usage: { keepRequests: 24 * HOUR, keepSums: 48 * HOUR } } as Config);
    await retention.run(NOON);
    expect(await counts()).toEqual([1, 1, 1]);
  });

  test('comes up right from the tables of before, with rows in them, however many start at once', async () => {
    await toStateBeforeTheLedger(database);
    for (const [id, tags, cost] of [
      ['req_a', '["x","y"]', 5],
      ['req_b', '["x","y"]', 6],
      ['req_c', '[]', null],
      ['req_d', String.raw`["nul\u0000"]`, 1],
    ] as const)
      await database.query
        .insertInto('usage_records')
        .values({
          ...{ request_id: id, created_at: NOON, day: '2026-11-22', model: 'm', stream: 0, outcome: 'completed' },
          ...{ status: 200, usage_source: 'provider', latency_ms: 1, tags, prompt_tokens: 10, cost_nano_usd: cost },
        })
        .execute();
    await database.close();
    const many = await Promise.all(bench.single ? [bench.open()] : [1, 2, 3, 4].map(() => bench.open()));
    await Promise.all(many.slice(1).map((each) => each.close()));
    database = many[0]!;
    usage = new KyselyUsageStore(database);
    // The one connection there is may not be free yet, and is tried again.
    await until(() => database.check().then(...([() => true, () => false] as const)));
    expect(await usage.sum({})).toMatchObject({ requests: 4, promptTokens: 40, costNanoUsd: 12n, unpricedRequests: 1 });
    expect(await usage.sum({ tag: 'y' })).toMatchObject({ requests: 2, costNanoUsd: 11n });
    expect((await usage.list({ tag: 'x' }, { limit: 5, cursor: null })).items).toHaveLength(2);
  });
});

it('writes the values of a row in the order of its columns', () => {
  const made = record('a', { attempts: [attempt({})] });
  expect(Object.keys(recordRow(made))).toEqual(RECORD_COLUMNS);
  expect(Object.keys(attemptRows(made)[0] ?? {})).toEqual(ATTEMPT_COLUMNS);
});

describe('a disk that is full', () => {
  it('is no fault of the records: nothing is put aside, and all of it is taken when there is room', async () => {
    const bench = await sqliteBench();
    const database = await bench.open();
    const path = join(bench.folder, 'parley.db');
    const file = new Database(path);
    const writer = new SqliteUsageWriter(path, file);
    const log = new EmbeddedUsageLog(writer);
    file.exec('PRAGMA max_page_count = 60');
    const records = Array.from({ length: 500 }, (_, at) => record(`r${at}`, { attempts: [attempt({})] }));
    await expect(log.append(records)).rejects.toThrow(/full/);
    file.exec('PRAGMA max_page_count = 100000');
    await log.append(records);
    expect((await new KyselyUsageStore(database).sum({})).requests).toBe(500);
    expect(log.backlog().refused).toBe(0);
    writer.close();
    await database.close();
    await bench.remove();
  });
});

describe('a gateway whose log cannot be written', () => {
  let gateway: Gateway;
  beforeEach(async () => (gateway = await startGateway({ config: { providers: { simulator: {} } } })));
  afterEach(() => gateway.close());

  it('finishes what is under way, refuses what is new, says so, and records all of it in the end', async () => {
    const ask = () => gateway.chat({ model: 'simulator' });
    const state = async () =>
      (await (await fetch(`${gateway.url}/readyz`)).json()) as { status: string; checks: object };
    const metric = async (name: string) =>
      new RegExp(`^${name} (\\S+)$`, 'm').exec(await (await fetch(`${gateway.url}/metrics`)).text())?.[1];
    expect((await ask()).status).toBe(200);
    const full = jest.spyOn(gateway.app.get(UsageLog), 'append').mockRejectedValue(new Error('disk full'));

    const since = performance.now();
    const underWay = await ask();
    expect(underWay.status).toBe(200);
    expect(performance.now() - since).toBeGreaterThan(1_900);
    expect(performance.now() - since).toBeLessThan(4_500);
    const refused = await ask();
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after-ms'))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ error: { code: 'server_is_overloaded' } });
    expect(await metric('parley_usage_log_failing')).toBe('1');
    expect(await metric('parley_usage_records_waiting')).toBe('1');
    await until(async () => (await state()).status === 'degraded');
    expect((await state()).checks).toEqual({ database: { status: 'up' }, ledger: { status: 'down' } });
    expect((await gateway.admin('GET', '/admin/requests')).status).toBe(200);

    full.mockRestore();
    await until(async () => (await ask()).status === 200);
    await until(async () => (await state()).status === 'ok');
    const { data } = (await (await gateway.admin('GET', '/admin/requests')).json()) as { data: readonly object[] };
    const ids = data.map((row) => (row as { request_id: string }).request_id);
    expect(ids.filter((id) => id === underWay.headers.get('x-request-id'))).toHaveLength(1);
    expect(ids).toHaveLength(3);
    expect(await metric('parley_usage_log_failing')).toBe('0');
  });
});

/** Takes rows as PostgreSQL would, or fails as told. */
class Target {
  readonly taken: string[] = [];
  readonly calls: number[] = [];
  before: (rows: readonly string[]) => Promise<void> | void = () => undefined;
  async writeRows(rows: readonly string[]): Promise<void> {
    this.calls.push(rows.length);
    await this.before(rows);
    this.taken.push(...rows.map((row) => (JSON.parse(row) as { request_id: string }).request_id));
  }
}

const failure = (code: string) => Object.assign(new Error(`failed with ${code}`), { code });

describe('the outbox', () => {
  let target: Target;
  const path = () => join(folder, 'data', 'outbox.db');
  const open = () => ShippedUsageLog.open(path(), target);
  const some = (count: number, name = 'r') => Array.from({ length: count }, (_, at) => record(`${name}${at}`, {}));
  const ids = (records: readonly UsageRecord[]) => records.map(({ requestId }) => requestId);
  beforeEach(() => (target = new Target()));

  it('keeps what cannot be shipped, tells how much and how old it is, and ships it in order when it can', async () => {
    target.before = () => Promise.reject(failure('ECONNREFUSED'));
    const log = await open();
    const records = some(1_300);
    for (let at = 0; at < records.length; at += 100) await log.append(records.slice(at, at + 100));
    await until(() => log.backlog().failures > 2);
    expect(log.backlog()).toMatchObject({ records: 1_300, refused: 0, oldestMs: expect.any(Number) });
    expect(log.backlog().oldestMs).toBeGreaterThan(0);
    expect((statSync(path()).mode & 0o777).toString(8)).toBe('600');
    expect(said()).toHaveLength(1);
    target.before = () => undefined;
    await until(() => log.backlog().records === 0);
    expect(target.taken).toEqual(ids(records));
    expect(Math.max(...target.calls)).toBeLessThanOrEqual(500);
    await log.close();
  });

  it('ships what a process left that ended later than this one began, also where nobody asks for anything', async () => {
    const log = await open();
    await log.append(some(1));
    await until(() => target.taken.length === 1);
    await pause(250); // it has seen that there is no more
    const other = await Outbox.open(path());
    await other.append(some(3, 'left').map(usageRow));
    other.close();
    await until(() => target.taken.length === 4);
    await until(() => log.backlog().records === 0);
    await log.close();
  });

  it('leaves to the next process what one could not ship, and no less where two use it at once', async () => {
    target.before = () => Promise.reject(failure('57P01'));
    const [one, other] = await Promise.all([open(), open()]);
    await Promise.all([one.append(some(20, 'a')), other.append(some(20, 'b')), one.append(some(20, 'c'))]);
    await one.close();
    let isBack = false;
    target.before = () => (isBack ? pause(5) : Promise.reject(failure('57P01')));
    const next = await open();
    expect([one, next].map((log) => log.hasCaughtUp())).toEqual([true, false]); // the first began with nothing
    await next.append(some(1, 'own'));
    isBack = true;
    await until(() => next.hasCaughtUp());
    expect(new Set(target.taken).size).toBeGreaterThanOrEqual(60);
    await Promise.all([other.append(some(200, 'd')), next.append(some(200, 'e'))]);
    await until(() => next.backlog().records === 0);
    const expected = ids([
      ...some(20, 'a'),
      ...some(20, 'b'),
      ...some(20, 'c'),
      ...some(200, 'd'),
      ...some(200, 'e'),
      ...some(1, 'own'),
    ]);
    // Both may ship the same: PostgreSQL keeps what it has.
    expect([...new Set(target.taken)].toSorted()).toEqual(expected.toSorted());
    await Promise.all([other.close(), next.close()]);
  });

  it.each([
    ['22P02', 1, 0],
    ['23502', 1, 0],
    ['40P01', 0, 0],
    ['40001', 0, 0],
    ['42P01', 0, 1],
    ['53100', 0, 1],
    ['25006', 0, 1],
  ])('takes %s for what it is', async (code, refused, failures) => {
    const log = await open();
    let isWrong = true;
    target.before = (rows) => {
      if (rows.some((row) => row.includes('req_r7')) && (refused > 0 || isWrong)) {
        isWrong = false;
        throw failure(code);
      }
    };
    await log.append(some(16));
    await until(() => log.backlog().records === 0);
    expect(log.backlog()).toMatchObject({ refused, failures });
    expect(target.taken).toEqual(ids(some(16)).filter((id) => refused === 0 || id !== 'req_r7'));
    await log.close();
  });

  it('ships what is left before it closes, and waits for nobody who does not answer', async () => {
    const log = await open();
    await log.append(some(1_200));
    await log.close();
    expect(target.taken).toHaveLength(1_200);
    const hanging = await open();
    target.before = () => new Promise<void>(() => undefined);
    await hanging.append(some(1));
    const since = performance.now();
    await hanging.close();
    expect(performance.now() - since).toBeLessThan(3_500);
  });
});

describe.each(BENCHES.slice(1))('rows of older versions, and replicas that ship at once, in %s', (_, makeBench) => {
  const test = makeBench === undefined ? it.skip : it;

  test('are taken with what they have', async () => {
    const bench = await (makeBench as () => Promise<Bench>)();
    const database = await bench.open();
    const { usage: writer } = database as unknown as { usage: PostgresUsageWriter };
    const old = {
      ...{ request_id: 'req_old', created_at: NOON, day: '2026-11-22', key_id: null, model: 'm', provider: 'p' },
      ...{ stream: 0, outcome: 'completed', status: 200, usage_source: 'provider', latency_ms: 1, tags: '["t"]' },
      attempts: [
        {
          position: 0,
          provider: 'p',
          model: 'm',
          outcome: 'completed',
          usage_source: 'none',
          started_at: 1,
          latency_ms: 1,
        },
      ],
      gone: 'a column of a newer version',
    };
    await writer.writeRows([JSON.stringify(old)]);
    const [found] = (await new KyselyUsageStore(database).list({ tag: 't' }, { limit: 2, cursor: null })).items;
    expect(found).toMatchObject({ requestId: 'req_old', owner: null, attempts: [{ provider: 'p', pricedAs: '' }] });

    if (bench.single !== true) {
      const others = await Promise.all([bench.open(), bench.open()]);
      const all = [database, ...others];
      const rows = Array.from({ length: 1_000 }, (_, at) =>
        JSON.stringify({ ...old, request_id: `req_${at}`, model: `m${at % 17}`, tags: '[]' }),
      );
      await Promise.all(
        all.flatMap(({ usage: each }, replica) =>
          Array.from({ length: 10 }, (_, part) => {
            const batch = rows.slice(part * 100, part * 100 + 100);
            // The same rows from all sides, each time in another order.
            return (each as unknown as PostgresUsageWriter).writeRows(replica % 2 === 0 ? batch : batch.toReversed());
          }),
        ),
      );
      expect((await new KyselyUsageStore(database).sum({ provider: 'p' })).requests).toBe(1_001);
      await Promise.all(others.map((each) => each.close()));
    }
    await database.close();
    await bench.remove();
  });
});

/** As if a version without a ledger had been here; the connection is of no use for anything else afterwards. */
async function toStateBeforeTheLedger({ kind, query }: SqlDatabase): Promise<void> {
  if (kind === 'postgres') await sql`drop schema parley cascade`.execute(query);
  else {
    const tables = await sql<{ name: string }>`select name from sqlite_master where type = 'table'`.execute(query);
    const names = tables.rows.map(({ name }) => name).filter((name) => !name.startsWith('sqlite_'));
    await sql`pragma foreign_keys = off`.execute(query);
    for (const name of names) await sql`drop table ${sql.table(name)}`.execute(query);
  }
  const migrator = new Migrator({
    db: query,
    provider: {
      getMigrations: () =>
        Promise.resolve({
          '0001_virtual_keys': { up: createVirtualKeys },
          '0002_usage': { up: (db: Kysely<unknown>) => createUsage(db, kind) },
          '0003_turn_states': { up: createTurnStates },
        }),
    },
    ...{ migrationTableName: 'migrations', migrationLockTableName: 'migrations_lock' },
    ...(kind === 'postgres' && { migrationTableSchema: 'parley' }),
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error as Error;
}

function record(name: string, fields: Partial<UsageRecord>): UsageRecord {
  return {
    ...{ requestId: `req_${name}`, createdAt: NOON, keyId: null, owner: null, model: 'gpt-4', provider: 'openai' },
    ...{ upstreamModel: 'gpt-4.1', stream: true, outcome: 'completed', status: 200, errorCode: null, usage: null },
    ...{ usageSource: 'provider', costNanoUsd: null, priceVersion: null, latencyMs: 321.5, timeToFirstTokenMs: null },
    ...{ tags: [], attempts: [] },
    ...fields,
  };
}

function attempt(fields: Partial<AttemptRecord>): AttemptRecord {
  return {
    ...{ provider: 'openai', model: 'gpt-4.1', outcome: 'completed', status: 200, errorCode: null, usage: COUNTS },
    ...{ usageSource: 'provider', serviceTier: null, costNanoUsd: 17, pricedAs: 'openai/gpt-4.1', priceVersion: null },
    ...{ startedAt: NOON, latencyMs: 300.5 },
    ...fields,
  };
}
