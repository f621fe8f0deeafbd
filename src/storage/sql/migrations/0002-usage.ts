import { type CreateTableBuilder, type Kysely, sql } from 'kysely';

const TOKEN_COLUMNS = [
  'prompt_tokens',
  'completion_tokens',
  'cached_tokens',
  'cache_write_tokens',
  'reasoning_tokens',
  'audio_tokens',
] as const;

/**
 * Written for every request, so every index has to be worth its price, and the rows of attempts lie one behind the
 * other by the number of their request: one keyed by a request id would be a page of its own to write.
 */
export async function createUsage(db: Kysely<unknown>, kind: 'sqlite' | 'postgres'): Promise<void> {
  const records = db.schema.createTable('usage_records');
  const numbered =
    kind === 'sqlite'
      ? records.addColumn('id', 'integer', (column) => column.primaryKey())
      : records.addColumn('id', 'bigint', (column) => column.primaryKey().generatedAlwaysAsIdentity());
  await withTokenColumns(
    numbered
      .addColumn('request_id', 'text', (column) => column.notNull().unique())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('day', 'text', (column) => column.notNull())
      .addColumn('key_id', 'text')
      .addColumn('model', 'text', (column) => column.notNull())
      .addColumn('provider', 'text')
      .addColumn('upstream_model', 'text')
      .addColumn('stream', 'integer', (column) => column.notNull())
      .addColumn('outcome', 'text', (column) => column.notNull())
      .addColumn('status', 'integer', (column) => column.notNull())
      .addColumn('error_code', 'text')
      .addColumn('usage_source', 'text', (column) => column.notNull())
      .addColumn('cost_nano_usd', 'bigint')
      .addColumn('price_version', 'text')
      .addColumn('latency_ms', 'double precision', (column) => column.notNull())
      .addColumn('time_to_first_token_ms', 'double precision')
      .addColumn('tags', 'text', (column) => column.notNull()),
  ).execute();
  const attempts = withTokenColumns(
    db.schema
      .createTable('usage_attempts')
      .addColumn('record_id', 'bigint', (column) => column.notNull().references('usage_records.id').onDelete('cascade'))
      .addColumn('position', 'integer', (column) => column.notNull())
      .addColumn('provider', 'text', (column) => column.notNull())
      .addColumn('model', 'text', (column) => column.notNull())
      .addColumn('outcome', 'text', (column) => column.notNull())
      .addColumn('status', 'integer')
      .addColumn('error_code', 'text')
      .addColumn('usage_source', 'text', (column) => column.notNull())
      .addColumn('cost_nano_usd', 'bigint')
      .addColumn('started_at', 'bigint', (column) => column.notNull())
      .addColumn('latency_ms', 'double precision', (column) => column.notNull())
      .addPrimaryKeyConstraint('usage_attempts_key', ['record_id', 'position']),
  );
  await (kind === 'sqlite' ? attempts.modifyEnd(sql`without rowid`) : attempts).execute();
  const index = (name: string, columns: ('created_at' | 'key_id')[]) =>
    db.schema.createIndex(name).on('usage_records').columns(columns).execute();
  await index('usage_records_newest', ['created_at']);
  await index('usage_records_by_key', ['key_id', 'created_at']);
}

function withTokenColumns<Table extends string, Column extends string>(
  table: CreateTableBuilder<Table, Column>,
): CreateTableBuilder<Table, Column> {
  return TOKEN_COLUMNS.reduce<CreateTableBuilder<Table, Column>>(
    (wider, name) => wider.addColumn(name, 'bigint'),
    table,
  );
}
