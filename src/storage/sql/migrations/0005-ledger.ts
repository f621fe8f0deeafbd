import { type CreateTableBuilder, type Kysely, sql } from 'kysely';

const COUNTS = [
  'prompt_tokens',
  'completion_tokens',
  'cached_tokens',
  'cache_write_tokens',
  'reasoning_tokens',
  'audio_tokens',
] as const;

/** What a price depends on, so that it can be found anew; and sums by the hour, so that nobody has to add up all rows. */
export async function createLedger(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('usage_records').addColumn('owner', 'text').execute();
  const finer = ['cache_write_1h_tokens', 'audio_output_tokens', 'image_input_tokens', 'image_output_tokens'] as const;
  for (const column of finer) await db.schema.alterTable('usage_attempts').addColumn(column, 'bigint').execute();
  for (const column of ['service_tier', 'priced_as', 'price_version'] as const)
    await db.schema.alterTable('usage_attempts').addColumn(column, 'text').execute();
  await createSums(db);
  await db.schema
    .createTable('usage_tags')
    .addColumn('tag', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('record_id', 'bigint', (column) => column.notNull().references('usage_records.id').onDelete('cascade'))
    .addPrimaryKeyConstraint('usage_tags_key', ['tag', 'created_at', 'record_id'])
    .execute();
  await db.schema.createIndex('usage_tags_record').on('usage_tags').column('record_id').execute();
  await createIndexes(db);
  await addUpWhatIsThere(db);
}

/** One row for each hour and each combination of who asked for what, of whom, with which tags. */
async function createSums(db: Kysely<unknown>): Promise<void> {
  const keyed = db.schema
    .createTable('usage_sums')
    .addColumn('hour', 'bigint', (column) => column.notNull())
    .addColumn('key_id', 'text', (column) => column.notNull())
    .addColumn('owner', 'text', (column) => column.notNull())
    .addColumn('model', 'text', (column) => column.notNull())
    .addColumn('provider', 'text', (column) => column.notNull())
    .addColumn('tags', 'text', (column) => column.notNull());
  const summed = [...COUNTS, 'requests', 'cost_nano_usd', 'unpriced', 'estimated'] as const;
  await summed
    .reduce<CreateTableBuilder<string, string>>(
      (table, name) => table.addColumn(name, 'bigint', (column) => column.notNull()),
      keyed as CreateTableBuilder<string, string>,
    )
    .addPrimaryKeyConstraint('usage_sums_key', ['hour', 'key_id', 'owner', 'model', 'provider', 'tags'])
    .execute();
  const index = (name: string, columns: string[]) =>
    db.schema.createIndex(name).on('usage_sums').columns(columns).execute();
  await index('usage_sums_by_key', ['key_id', 'hour']);
  await index('usage_sums_by_owner', ['owner', 'hour']);
  await index('usage_sums_by_model', ['model', 'hour']);
}

/** Newest first, whatever is looked for: ids tell those apart that came in the same millisecond. */
async function createIndexes(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropIndex('usage_records_newest').execute();
  await db.schema.dropIndex('usage_records_by_key').execute();
  const index = (name: string, columns: string[]) =>
    db.schema
      .createIndex(name)
      .on('usage_records')
      .columns([...columns, 'created_at', 'id']);
  await index('usage_records_newest', []).execute();
  await index('usage_records_by_key', ['key_id']).execute();
  await index('usage_records_by_model', ['model']).execute();
  await index('usage_records_by_provider', ['provider']).execute();
  await index('usage_records_unwell', ['outcome']).where(sql.ref('outcome'), '<>', 'completed').execute();
}

async function addUpWhatIsThere(db: Kysely<unknown>): Promise<void> {
  void db;
}
