import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { ModelCatalog } from '../src/catalog/model-catalog.js';
import { PriceBook } from '../src/catalog/price-book.js';
import type { Config } from '../src/config/config.js';
import { LiveConfig } from '../src/config/live-config.js';
import type { AttemptRecord, TokenCounts, UsageRecord } from '../src/domain/usage.js';
import { reprice } from '../src/reprice/reprice.js';
import { KyselyUsageStore } from '../src/storage/sql/kysely-usage.store.js';
import { Repricing } from '../src/storage/sql/repricing.js';
import type { SqlDatabase } from '../src/storage/sql/sql-database.js';
import { BENCHES, type Bench } from './support/databases.js';

const FROM = Date.parse('2026-11-01');
const TO = Date.parse('2026-12-01');
const HOUR = 3_600_000;

/** $0.01 and $0.02 a million: 10 and 20 nano-dollars a token. */
const PRICES = { 'lab/own': { input: 10_000_000, output: 20_000_000 } };
const catalog = new ModelCatalog();
const book = (prices: Config['prices'] = PRICES) => new PriceBook(catalog, new LiveConfig({ prices } as Config));

const counts = (promptTokens: number, completionTokens: number, more: Partial<TokenCounts> = {}): TokenCounts => ({
  ...{ promptTokens, completionTokens, cachedTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0, audioTokens: 0 },
  ...more,
});

const attempt = (name: string, usage: TokenCounts | null, more: Partial<AttemptRecord> = {}): AttemptRecord => {
  const [provider = '', model = ''] = name.split('/');
  return {
    ...{ provider, model, outcome: 'completed', status: 200, errorCode: null },
    ...{ usage, usageSource: usage === null ? 'none' : 'provider', serviceTier: null, pricedAs: name },
    ...{ costNanoUsd: null, priceVersion: null, startedAt: 0, latencyMs: 1 },
    ...more,
  };
};

const FREE = attempt('openai/gpt-4o', null, { outcome: 'failed', status: 500, costNanoUsd: 0 });
const STALE = { costNanoUsd: 7, priceVersion: 'old' };
const ANTHROPIC = counts(1000, 10, { cachedTokens: 100, cacheWriteTokens: 600, cacheWrite1hTokens: 200 });

/** What was written, and what it is to cost: by hand, in nano-dollars. */
const CASES: readonly (readonly [what: string, attempts: readonly AttemptRecord[], cost: number | null])[] = [
  ['stale', [attempt('openai/gpt-4o', counts(1000, 100, { cachedTokens: 600 }), STALE)], 400 * 2500 + 600 * 1250 + 1e6],
  ['flex', [attempt('openai/gpt-5', counts(1000, 100), { ...STALE, serviceTier: 'flex' })], 1000 * 625 + 100 * 5000],
  ['tier unknown', [attempt('openai/gpt-4o', counts(1000, 100), { ...STALE, serviceTier: 'scale' })], null],
  [
    'written for an hour',
    [attempt('anthropic/claude-sonnet-4-5', ANTHROPIC)],
    300 * 3000 + 100 * 300 + 400 * 3750 + 200 * 6000 + 150_000,
  ],
  ['own price', [attempt('lab/own', counts(1000, 100), { pricedAs: 'openai-compatible/own' })], 1000 * 10 + 100 * 20],
  ['no price', [attempt('lab/other', counts(1000, 100), { pricedAs: 'openai-compatible/other' })], null],
  ['fallback', [FREE, attempt('lab/own', counts(5, 5), STALE)], 5 * 10 + 5 * 20],
  ['one part without', [attempt('lab/other', counts(1, 1)), attempt('lab/own', counts(5, 5), STALE)], null],
  ['of an older version', [attempt('openai/gpt-4o', counts(1000, 100), { ...STALE, pricedAs: '' })], 7],
  ['nothing known', [attempt('openai/gpt-4o', null, { outcome: 'abandoned' })], null],
];

const totalOf = (parts: readonly AttemptRecord[]) =>
  parts.reduce<number | null>((sum, { costNanoUsd: cost }) => (sum === null || cost === null ? null : sum + cost), 0);

let count = 0;
function record(attempts: readonly AttemptRecord[], createdAt: number): UsageRecord {
  const known = attempts.filter(({ usage }) => usage !== null);
  const last = attempts.at(-1);
  return {
    ...{ requestId: `req_${String((count += 1))}`, createdAt, keyId: count % 2 === 0 ? 'k' : null, owner: 'team' },
    ...{ model: 'm', provider: last?.provider ?? null, upstreamModel: last?.model ?? null, stream: false },
    ...{ outcome: 'completed', status: 200, errorCode: null },
    usage: known.length === 0 ? null : counts(1, 1),
    usageSource: known.length === 0 ? 'none' : 'provider',
    ...{ costNanoUsd: totalOf(attempts), priceVersion: last?.priceVersion ?? null, latencyMs: 1 },
    ...{ timeToFirstTokenMs: null, tags: ['a', 'b'], attempts },
  };
}

describe.each(BENCHES.filter((bench): bench is [string, () => Promise<Bench>] => bench[1] !== undefined))(
  'pricing anew in %s',
  (_, make) => {
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

    const all = async () => {
      const rows = await database.query.selectFrom('usage_records').selectAll().orderBy('id').execute();
      const attempts = await database.query
        .selectFrom('usage_attempts')
        .selectAll()
        .orderBy('record_id')
        .orderBy('position')
        .execute();
      return { rows, attempts };
    };
    const sums = async () => {
      const rows = await database.query.selectFrom('usage_sums').selectAll().execute();
      return rows.reduce(
        ({ cost, unpriced }, row) => ({
          cost: cost + Number(row.cost_nano_usd),
          unpriced: unpriced + Number(row.unpriced),
        }),
        { cost: 0, unpriced: 0 },
      );
    };
    const run = (write: boolean, prices = book()) =>
      reprice(new Repricing(database), prices, { from: FROM, to: TO, write });

    it('corrects attempts, requests and sums of the period, once and for all', async () => {
      const inside = Array.from({ length: 45 }, (_, n) =>
        // Ten at a time share a millisecond, and the ends of the period are among them.
        CASES.map(([, attempts]) => record(attempts, n === 44 ? TO - 1 : FROM + n * 5 * HOUR)),
      ).flat();
      const outside = CASES.flatMap(([, attempts]) => [record(attempts, FROM - 1), record(attempts, TO)]);
      await store.append([...inside, ...outside]);
      const before = await all();
      const sumsBefore = await sums();

      const dry = await run(false);
      expect(await all()).toEqual(before);
      const result = await run(true);
      expect(result).toEqual(dry);
      expect(result).toMatchObject({ requests: 45 * 9, changedRequests: 45 * 7 });
      expect(result.unpriced).toEqual(
        new Map([
          ['openai/gpt-4o', 45],
          ['lab/other', 90],
        ]),
      );

      const { rows, attempts } = await all();
      const expected = [
        ...Array.from({ length: 45 }, () => CASES.map(([, , cost]) => cost)).flat(),
        ...outside.map(({ costNanoUsd }) => costNanoUsd),
      ];
      // A database may number the requests of one batch as it likes.
      const costs = new Map(rows.map((row) => [row.request_id, row.cost_nano_usd]));
      expect([...inside, ...outside].map(({ requestId }) => costs.get(requestId))).toEqual(expected);
      for (const row of rows.filter(({ usage_source: source }) => source === 'provider')) {
        const parts = attempts.filter(({ record_id: id }) => id === row.id).map((part) => part.cost_nano_usd);
        expect(row.cost_nano_usd).toBe(
          parts.includes(null) ? null : parts.reduce<number>((sum, part) => sum + Number(part), 0),
        );
      }
      const known = rows.filter(({ prompt_tokens: tokens }) => tokens !== null);
      const after = {
        cost: rows.reduce((sum, row) => sum + Number(row.cost_nano_usd ?? 0), 0),
        unpriced: known.filter((row) => row.cost_nano_usd === null).length,
      };
      expect(await sums()).toEqual(after);
      expect(Number(result.after - result.before)).toBe(after.cost - sumsBefore.cost);

      expect(await run(true)).toMatchObject({ changedRequests: 0, changedAttempts: 0, unpriced: result.unpriced });
      expect(await all()).toEqual({ rows, attempts });
      expect(await sums()).toEqual(after);
    });

    it('leaves sums exact that were beyond what a number holds', async () => {
      const most = { costNanoUsd: Number.MAX_SAFE_INTEGER, priceVersion: 'old' };
      const { cost } = await sums();
      const absurd = Array.from({ length: 14 }, () =>
        record([attempt('lab/own', counts(1, 1), most)], FROM + 700 * HOUR),
      );
      await store.append(absurd);
      await run(true);
      expect((await sums()).cost - cost).toBe(14 * 30);
    });

    it('tries again where it and a writer wait for each other', async () => {
      if (bench.url === undefined) return; // the others have one connection, or one writer at a time
      const at = FROM + 710 * HOUR;
      const both = ['first', 'last'].map((model) => ({
        ...record([attempt('lab/own', counts(1, 1), STALE)], at),
        ...{ keyId: null, model },
      }));
      await store.append(both);
      const other = new pg.Client({ connectionString: bench.url });
      await other.connect();
      const hold = (model: string) =>
        other.query('update parley.usage_sums set requests = requests where model = $1', [model]);
      await other.query('begin');
      await hold('last');
      const repriced = reprice(new Repricing(database), book(), { from: at, to: at + 1, write: true });
      await pause(300);
      await hold('first'); // the one that has waited longer is ended
      await other.query('commit');
      await other.end();
      expect(await repriced).toMatchObject({ changedRequests: 2, after: 60n });
      const rows = await database.query
        .selectFrom('usage_sums')
        .select('cost_nano_usd')
        .where('model', 'in', ['first', 'last'])
        .execute();
      expect(rows).toEqual([{ cost_nano_usd: 30 }, { cost_nano_usd: 30 }]);
    });

    it('goes by the lists it is given, back and forth, while others write', async () => {
      const version = (of: string) => async () =>
        (await all()).rows.filter((row) => row.price_version?.startsWith(of) === true).length;
      const own = version('config-');
      expect(await own()).toBeGreaterThan(0);
      const late = Array.from({ length: 20 }, () => record([attempt('lab/own', counts(1, 1), STALE)], TO + HOUR));
      await Promise.all([run(true, book({})), ...late.map((each) => store.append([each]))]);
      expect(await own()).toBe(0);
      await run(true);
      const { rows } = await all();
      const known = rows.filter(({ prompt_tokens: tokens }) => tokens !== null);
      expect(await sums()).toEqual({
        cost: rows.reduce((sum, row) => sum + Number(row.cost_nano_usd ?? 0), 0),
        unpriced: known.filter((row) => row.cost_nano_usd === null).length,
      });
    });
  },
);
