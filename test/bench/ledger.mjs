/**
 * What it takes to read a ledger of ten million records, on both databases; by hand:
 * `node test/bench/ledger.mjs [records] [folder]`, after a build. PostgreSQL where PARLEY_TEST_POSTGRES_URL names a server.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CompiledQuery } from 'kysely';
import { DAYS, END, fillPostgres, fillSqlite } from './ledger-fill.mjs';

const DIST = process.env.PARLEY_BENCH_DIST ?? join(import.meta.dirname, '..', '..', 'dist');
const module = (path) => import(join(DIST, path));
const { Secret } = await module('domain/secret.js');
const { openSqlite } = await module('storage/sql/sqlite.js');
const { openPostgres } = await module('storage/sql/postgres.js');
const { SqlDatabase } = await module('storage/sql/sql-database.js');
const { KyselyUsageStore } = await module('storage/sql/kysely-usage.store.js');

const [total = 10_000_000, folder = '/tmp/parley-ledger'] = process.argv.slice(2);
const DAY_MS = 86_400_000;
const START = END - DAYS * DAY_MS;
const midnight = END - (END % DAY_MS);
const odd = 17 * 60_000 + 123;

const first = () => ({ limit: 100, cursor: null });
const cursor = (at) => Buffer.from(JSON.stringify([Math.round(at), '1'])).toString('base64url');
const told = ({ from, to, ...rest }) =>
  `of ${Math.round(((to ?? END) - from) / DAY_MS)} d${Object.keys(rest).length === 0 ? '' : ` ${JSON.stringify(rest)}`}`;

/** Every kind of read: what it is called, and how it is done. */
const READS = [
  ['first page', (store) => store.list({}, first())],
  [
    'page 1,000 by cursor',
    (store) => store.list({}, { limit: 100, cursor: cursor(END - (100_000 / total) * DAYS * DAY_MS) }),
  ],
  ['the middle of it', (store) => store.list({}, { limit: 100, cursor: cursor(START + 45 * DAY_MS) })],
  ...[
    { keyId: 'key_0' },
    { keyId: 'key_199' },
    { model: 'model_7' },
    { model: 'model_rare' },
    { model: 'model_none' },
    { provider: 'provider_1' },
    { provider: 'provider_rare' },
    { outcome: 'completed' },
    { outcome: 'refused' },
    { tag: 'nightly' },
    { tag: 'team 3' },
    { tag: 'rare' },
    { owner: 'team_3' },
    { owner: 'team_none' },
    { requestId: 'req_0123' },
    { from: START + 30 * DAY_MS, to: START + 31 * DAY_MS },
    { keyId: 'key_199', outcome: 'refused' },
    { keyId: 'key_199', model: 'model_rare' },
    { keyId: 'key_0', tag: 'rare' },
    { tag: 'nightly', outcome: 'refused', model: 'model_3' },
    { owner: 'team_3', model: 'model_rare' },
    { model: 'model_7', provider: 'provider_rare' },
    { provider: 'provider_1', outcome: 'refused' },
    { outcome: 'refused', model: 'model_rare' },
  ].map((filter) => [`list ${JSON.stringify(filter)}`, (store) => store.list(filter, first())]),
  ...[
    [['day'], { from: midnight }],
    [['key', 'model'], { from: midnight }],
    [['key', 'model', 'provider', 'day', 'tag'], { from: END - DAY_MS + odd, to: END - odd }],
    [['day'], { from: START }],
    [['key'], { from: START }],
    [['model'], { from: START + odd, to: END - odd }],
    [['tag'], { from: START }],
    [['owner', 'provider'], { from: START }],
    [['key', 'day'], { from: START }],
    [['key', 'model', 'provider', 'day', 'tag'], { from: START }],
    [['key', 'model', 'provider', 'tag'], { from: START }],
    [['model'], { from: START, tag: 'rare' }],
    [['model'], { from: START, keyId: 'key_0' }],
    [[], { from: START }],
  ].map(([by, filter]) => [`groups by ${by.join()} ${told(filter)}`, (store) => store.groups(filter, by, first())]),
  ['budget: one key, this month', (store) => store.sum({ keyId: 'key_0', from: midnight - 22 * DAY_MS })],
  ['budget: one key, ever', (store) => store.sum({ keyId: 'key_0', from: 0 })],
  ['budget: one team, this month', (store) => store.sum({ owner: 'team_3', from: midnight - 22 * DAY_MS })],
  [
    '/v1/usage of a key',
    async (store) => {
      const filter = { keyId: 'key_0', from: midnight - 30 * DAY_MS };
      await store.sum(filter);
      await store.groups(filter, ['day', 'model'], { limit: 5_000, cursor: null });
    },
  ],
];

/** The database, but that it remembers what it was asked. */
function watched(database) {
  const asked = [];
  const reader = database.reader.withPlugin({
    transformQuery: ({ node }) => node,
    transformResult: ({ result }) => Promise.resolve(result),
  });
  const executor = reader.getExecutor();
  const execute = executor.executeQuery.bind(executor);
  executor.executeQuery = (query, ...rest) => {
    asked.push(query);
    return execute(query, ...rest);
  };
  return {
    asked,
    store: new KyselyUsageStore(
      new SqlDatabase(database.kind, { query: database.query, usage: database.usage, reader }),
    ),
  };
}

async function planOf(database, { sql, parameters }) {
  const explain = database.kind === 'sqlite' ? 'EXPLAIN QUERY PLAN ' : 'EXPLAIN ';
  const { rows } = await database.reader.executeQuery(CompiledQuery.raw(explain + sql, [...parameters]));
  return rows.map((row) => `      ${row.detail ?? row['QUERY PLAN']}`);
}

async function measure(name, database) {
  console.log(`\n${name}`);
  const { asked, store } = watched(database);
  await store.list({}, first()); // the process is there
  for (const [what, read] of READS) {
    const times = [];
    for (let run = 0; run < 3; run += 1) {
      asked.length = 0;
      const started = performance.now();
      const found = await read(store).catch((error) => error);
      times.push(performance.now() - started);
      if (found instanceof Error) console.log(`   ${found.message}`);
    }
    console.log(`${times.map((ms) => ms.toFixed(0).padStart(6)).join('')} ms  ${what}`);
    if (process.env.PARLEY_BENCH_PLANS !== '0')
      for (const query of asked.slice(0, 2)) for (const line of await planOf(database, query)) console.log(line);
  }
}

if (process.env.PARLEY_BENCH_SQLITE !== '0') {
  const path = join(folder, 'parley.db');
  const full = existsSync(path);
  mkdirSync(folder, { recursive: true });
  const sqlite = await openSqlite(path);
  if (!full) await fillSqlite(path, Number(total));
  await measure('SQLite', sqlite);
  await sqlite.close();
  if (process.env.PARLEY_BENCH_KEEP !== '1') rmSync(folder, { recursive: true });
}

const url = process.env.PARLEY_TEST_POSTGRES_URL;
if (url !== undefined) {
  const postgres = await openPostgres(new Secret(url));
  const [filled] = await postgres.query.selectFrom('usage_records').select('id').limit(1).execute();
  if (filled === undefined) await fillPostgres(url, Number(total));
  await measure('PostgreSQL', postgres);
  await postgres.close();
}
