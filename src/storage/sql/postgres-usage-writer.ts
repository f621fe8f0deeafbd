import { CompiledQuery, type Kysely } from 'kysely';
import type { UsageRecord } from '../../domain/usage.js';
import { ATTEMPT_COLUMNS, RECORD_COLUMNS, type Schema, TOKEN_COLUMNS } from './schema.js';
import { attemptRows, recordRow } from './usage-rows.js';
import { SUM_KEY, SUMMED } from './usage-sums.js';
import type { RowWriter, UsageWriter } from './usage-writer.js';

/** Writes usage to PostgreSQL: one statement and one round trip for a batch, which is its own transaction. */
export class PostgresUsageWriter implements UsageWriter, RowWriter {
  readonly #statement: string;

  constructor(
    private readonly query: Kysely<Schema>,
    schema: string,
  ) {
    this.#statement = insertInto(schema);
  }

  write(records: readonly UsageRecord[]): Promise<void> {
    return this.writeRows(records.map(usageRow));
  }

  async writeRows(rows: readonly string[]): Promise<void> {
    await this.query.executeQuery(CompiledQuery.raw(this.#statement, [`[${rows.join(',')}]`]));
  }
}

/** A record as the statement reads it: its row as JSON, with those of its attempts. */
export function usageRow(record: UsageRecord): string {
  return `${JSON.stringify(recordRow(record)).slice(0, -1)},"attempts":${JSON.stringify(attemptRows(record))}}`;
}

/**
 * `$1`: the rows as a JSON array. What an older version left out comes in as null. Only what was really inserted is
 * added to the sums. All replicas take the rows in the same order, so that they wait for, and do not block, each other.
 */
function insertInto(schema: string): string {
  const attemptColumns = ATTEMPT_COLUMNS.join(', ');
  const recordColumns = RECORD_COLUMNS.join(', ');
  return `
    WITH written AS (
      INSERT INTO ${schema}.usage_records (${recordColumns})
      SELECT ${recordColumns} FROM json_populate_recordset(NULL::${schema}.usage_records, $1::json) ORDER BY request_id
      ON CONFLICT DO NOTHING
      RETURNING *
    ), attempted AS (
      INSERT INTO ${schema}.usage_attempts (record_id, ${attemptColumns})
      SELECT written.id, ${ATTEMPT_COLUMNS.map((column) => `attempt.${column}`).join(', ')}
      FROM json_to_recordset($1::json) AS given (request_id text, attempts json)
      JOIN written USING (request_id)
      CROSS JOIN LATERAL json_populate_recordset(NULL::${schema}.usage_attempts, given.attempts) AS attempt
      ON CONFLICT DO NOTHING
    )
    INSERT INTO ${schema}.usage_sums AS kept (${[...SUM_KEY, ...SUMMED].join(', ')})
    SELECT ${[...Object.values(KEY), ...SUMMED.map((name) => bounded(ADDED[name]))].join(', ')}
    FROM written
    GROUP BY 1, 2, 3, 4, 5, 6
    ORDER BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (day_start, combination) DO UPDATE
    SET ${SUMMED.map((name) => `${name} = kept.${name} + excluded.${name}`).join(', ')}`;
}

const KEY: Readonly<Record<(typeof SUM_KEY)[number], string>> = {
  day_start: 'created_at - created_at % 86400000',
  key_id: "coalesce(key_id, '')",
  owner: "coalesce(owner, '')",
  model: 'model',
  provider: "coalesce(provider, '')",
  tags: 'tags',
};

const ADDED: Readonly<Record<(typeof SUMMED)[number], string>> = {
  ...(Object.fromEntries(TOKEN_COLUMNS.map((name) => [name, `sum(coalesce(${name}, 0))`])) as Record<
    (typeof TOKEN_COLUMNS)[number],
    string
  >),
  requests: 'count(*)',
  cost_nano_usd: 'sum(coalesce(cost_nano_usd, 0))',
  unpriced: 'count(CASE WHEN cost_nano_usd IS NULL THEN prompt_tokens END)',
  estimated: "count(CASE WHEN usage_source = 'estimated' THEN 1 END)",
};

/** No batch comes near it; but one that did must not fail for it. */
const bounded = (sum: string): string => `least(${sum}, 9223372036854775807)::bigint`;
