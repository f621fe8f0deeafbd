import Database from 'libsql';
import pg from 'pg';

/** Plausible records by SQL alone: 200 keys of 20 owners, each with its habits, 20 models, 5 providers, over 90 days. */
export const DAYS = 90;
const KEYS = 200;
/** The time of the newest. */
export const END = Date.UTC(2026, 10, 23, 12, 34, 56);
const AT_ONCE = 1_000_000;
const DAY_MS = 86_400_000;

/** What the two databases spell differently. */
const SPELLING = {
  sqlite: {
    schema: '',
    random: '(abs(random()) % 1000000 / 1000000.0)',
    rows: (first, last) =>
      `(WITH RECURSIVE numbers (n) AS (SELECT ${first} UNION ALL SELECT n + 1 FROM numbers WHERE n < ${last}) SELECT n FROM numbers)`,
    whole: (value) => `cast(${value} as integer)`,
    day: (at) => `strftime('%Y-%m-%d', ${at} / 1000, 'unixepoch')`,
  },
  postgres: {
    schema: 'parley.',
    rows: (first, last) => `(SELECT n FROM generate_series(${first}::bigint, ${last}) AS numbers (n))`,
    whole: (value) => `cast(floor(${value}) as bigint)`,
    day: (at) => `to_char(to_timestamp(${at} / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD')`,
  },
};

/** A number from 0 to 1 that looks random, and is the same whenever it is computed. */
const chance = (seed) => `(((n % 999983) * (n % 999979) + n * ${seed * 7919}) % 1000003 / 1000003.0)`;

/** The statement that writes the records `first` to `last` of `total`. */
function records(spelling, first, last, total) {
  const { schema, rows, whole, day } = spelling;
  const start = END - DAYS * DAY_MS;
  return `
    INSERT INTO ${schema}usage_records (request_id, created_at, day, key_id, owner, model, provider, upstream_model, stream,
      outcome, status, error_code, prompt_tokens, completion_tokens, cached_tokens, cache_write_tokens, reasoning_tokens,
      audio_tokens, usage_source, cost_nano_usd, price_version, latency_ms, time_to_first_token_ms, tags)
    SELECT 'req_' || ${spelling === SPELLING.sqlite ? "printf('%012x', created_at) || lower(hex(randomblob(10)))" : "lpad(to_hex(created_at), 12, '0') || substr(md5(n::text), 1, 20)"},
      created_at, ${day('created_at')}, 'key_' || k, 'team_' || (k % 20),
      CASE WHEN n % 100000 = 7 THEN 'model_rare' ELSE 'model_' || m END,
      CASE WHEN n % 100000 = 9 THEN 'provider_rare' ELSE 'provider_' || (CASE WHEN c < 0.03 THEN (m + 1) % 5 ELSE m % 5 END) END,
      'upstream_' || m, n % 2,
      CASE WHEN d < 0.95 THEN 'completed' WHEN d < 0.98 THEN 'failed' WHEN d < 0.995 THEN 'abandoned' ELSE 'refused' END,
      CASE WHEN d < 0.95 THEN 200 ELSE 500 END, CASE WHEN d < 0.95 THEN NULL ELSE 'upstream_error' END,
      100 + n % 4000, 10 + n % 700, n % 90, 0, 0, 0, CASE WHEN d < 0.95 THEN 'provider' ELSE 'estimated' END,
      CASE WHEN n % 50 = 3 THEN NULL ELSE 1000000 + n % 9000000 END, 'bench', 100 + n % 3000, 50 + n % 200,
      CASE WHEN n % 100000 = 11 THEN '["rare"]' WHEN e < 0.05 THEN '["nightly"]' WHEN e < 0.08 THEN '["batch"]'
        WHEN e < 0.1 THEN '["batch","team ' || (k % 7) || '"]' ELSE '[]' END
    FROM (
      SELECT n, created_at, k, (k * 7 + ${whole('b * b * 4')}) % 20 AS m, c, d, e
      FROM (
        SELECT n, ${start} + ${whole(`n * ${(DAYS * DAY_MS) / total}`)} AS created_at, ${whole(`a * a * ${KEYS}`)} AS k, b, c, d, e
        FROM (SELECT n, ${chance(1)} AS a, ${chance(2)} AS b, ${chance(3)} AS c, ${chance(4)} AS d, ${chance(5)} AS e FROM ${rows(first, last)} AS numbered) AS dice
      ) AS asked
    ) AS placed`;
}

/** Statements that write what hangs on the records. */
function dependents({ schema }) {
  return [
    `INSERT INTO ${schema}usage_attempts (record_id, position, provider, model, outcome, status, error_code, prompt_tokens,
       completion_tokens, cached_tokens, cache_write_tokens, reasoning_tokens, audio_tokens, usage_source, cost_nano_usd,
       started_at, latency_ms)
     SELECT id, 0, provider, upstream_model, outcome, status, error_code, prompt_tokens, completion_tokens, cached_tokens,
       cache_write_tokens, reasoning_tokens, audio_tokens, usage_source, cost_nano_usd, created_at, latency_ms
     FROM ${schema}usage_records`,
    `INSERT INTO ${schema}usage_sums (day_start, key_id, owner, model, provider, tags, prompt_tokens, completion_tokens,
       cached_tokens, cache_write_tokens, reasoning_tokens, audio_tokens, requests, cost_nano_usd, unpriced, estimated)
     SELECT created_at / 86400000 * 86400000, key_id, owner, model, provider, tags, sum(prompt_tokens), sum(completion_tokens),
       sum(cached_tokens), sum(cache_write_tokens), sum(reasoning_tokens), sum(audio_tokens), count(*),
       coalesce(sum(cost_nano_usd), 0), sum(CASE WHEN cost_nano_usd IS NULL THEN 1 ELSE 0 END),
       sum(CASE WHEN usage_source = 'estimated' THEN 1 ELSE 0 END)
     FROM ${schema}usage_records GROUP BY 1, 2, 3, 4, 5, 6`,
  ];
}

function* statements(spelling, total) {
  for (let first = 1; first <= total; first += AT_ONCE)
    yield records(spelling, first, Math.min(total, first + AT_ONCE - 1), total);
  yield* dependents(spelling);
}

/** Into a database whose tables are there and empty. Its indexes are made anew afterwards: that is faster. */
export async function fillSqlite(path, total) {
  const file = new Database(path);
  file.exec('PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -600000');
  const indexes = file
    .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name LIKE 'usage%'")
    .all([]);
  for (const { name } of indexes) file.exec(`DROP INDEX ${name}`);
  for (const statement of statements(SPELLING.sqlite, total)) file.exec(statement);
  for (const { sql } of indexes) file.exec(sql);
  file.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  file.close();
}

/** As above, by somebody who may leave foreign keys unchecked. */
export async function fillPostgres(url, total) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('SET session_replication_role = replica');
  const { rows } = await client.query(
    `SELECT indexname AS name, indexdef AS sql FROM pg_indexes WHERE schemaname = 'parley' AND tablename LIKE 'usage%'
     AND indexname NOT IN (SELECT conname FROM pg_constraint)`,
  );
  for (const { name } of rows) await client.query(`DROP INDEX parley.${name}`);
  for (const statement of statements(SPELLING.postgres, total)) await client.query(statement);
  for (const { sql } of rows) await client.query(sql);
  await client.query('VACUUM ANALYZE');
  await client.end();
}
