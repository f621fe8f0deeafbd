import { CompiledQuery, type Kysely } from 'kysely';
import type { UsageRecord } from '../../domain/usage.js';
import { ATTEMPT_COLUMNS, RECORD_COLUMNS, type Schema } from './schema.js';
import { attemptRows, recordRow } from './usage-rows.js';
import type { UsageWriter } from './usage-writer.js';

/** Writes usage to PostgreSQL: one statement and one round trip for a batch, which is its own transaction. */
export class PostgresUsageWriter implements UsageWriter {
  readonly #statement: string;

  constructor(
    private readonly query: Kysely<Schema>,
    schema: string,
  ) {
    this.#statement = insertInto(schema);
  }

  async write(records: readonly UsageRecord[]): Promise<void> {
    const rows = records.map((record) => ({ ...recordRow(record), attempts: attemptRows(record) }));
    await this.query.executeQuery(CompiledQuery.raw(this.#statement, [JSON.stringify(rows)]));
  }
}

/** `$1`: the records as a JSON array of their rows, each with the rows of its `attempts`. */
function insertInto(schema: string): string {
  const attemptColumns = ATTEMPT_COLUMNS.join(', ');
  const recordColumns = RECORD_COLUMNS.join(', ');
  return `
    WITH written AS (
      INSERT INTO ${schema}.usage_records (${recordColumns})
      SELECT ${recordColumns} FROM json_populate_recordset(NULL::${schema}.usage_records, $1::json)
      ON CONFLICT DO NOTHING
      RETURNING id, request_id
    )
    INSERT INTO ${schema}.usage_attempts (record_id, ${attemptColumns})
    SELECT written.id, ${ATTEMPT_COLUMNS.map((column) => `attempt.${column}`).join(', ')}
    FROM json_to_recordset($1::json) AS given (request_id text, attempts json)
    JOIN written USING (request_id)
    CROSS JOIN LATERAL json_populate_recordset(NULL::${schema}.usage_attempts, given.attempts) AS attempt
    ON CONFLICT DO NOTHING`;
}
