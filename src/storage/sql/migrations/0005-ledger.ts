import { type CreateTableBuilder, type Kysely, sql } from 'kysely';

const COUNTS = [
  'prompt_tokens',
  'completion_tokens',
  'cached_tokens',
  'cache_write_tokens',
  'reasoning_tokens',
  'audio_tokens',
] as const;

/** What a price depends on, so that it can be found anew; and sums by the day, so that nobody has to add up all rows. */
export async function createLedger(db: Kysely<unknown>, kind: 'sqlite' | 'postgres'): Promise<void> {
  await db.schema.alterTable('usage_records').addColumn('owner', 'text').execute();
  const finer = ['cache_write_1h_tokens', 'audio_output_tokens', 'image_input_tokens', 'image_output_tokens'] as const;
  for (const column of finer) await db.schema.alterTable('usage_attempts').addColumn(column, 'bigint').execute();
  for (const column of ['service_tier', 'priced_as', 'price_version'] as const)
    await db.schema.alterTable('usage_attempts').addColumn(column, 'text').execute();
  await createSums(db, kind);
  await createIndexes(db);
  await addUpWhatIsThere(db);
  if (kind === 'sqlite') await createRefused(db);
}

/** Records that the other tables do not take, as they were. With PostgreSQL they stay where it cannot lose them. */
async function createRefused(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('usage_refused')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('refused_at', 'bigint', (column) => column.notNull())
    .addColumn('error', 'text', (column) => column.notNull())
    .addColumn('record', 'text', (column) => column.notNull())
    .execute();
}

/**
 * An index entry of PostgreSQL holds no more than 2,700 bytes, and the tags of one request may be longer. Quoted, no two
 * combinations look alike; a backslash means itself to BYTEA when it is doubled.
 */
const COMBINATION = sql`sha256(replace(quote_literal(key_id) || ',' || quote_literal(owner) || ',' || quote_literal(model)
  || ',' || quote_literal(provider) || ',' || tags, chr(92), chr(92) || chr(92))::bytea)`;

/** One row for each day and each combination of who asked for what, of whom, with which tags. */
async function createSums(db: Kysely<unknown>, kind: 'sqlite' | 'postgres'): Promise<void> {
  const keyed = db.schema
    .createTable('usage_sums')
    .addColumn('day_start', 'bigint', (column) => column.notNull())
    .addColumn('key_id', 'text', (column) => column.notNull())
    .addColumn('owner', 'text', (column) => column.notNull())
    .addColumn('model', 'text', (column) => column.notNull())
    .addColumn('provider', 'text', (column) => column.notNull())
    .addColumn('tags', 'text', (column) => column.notNull());
  const summed = [...COUNTS, 'requests', 'cost_nano_usd', 'unpriced', 'estimated'] as const;
  const sums = summed.reduce<CreateTableBuilder<string, string>>(
    (table, name) => table.addColumn(name, 'bigint', (column) => column.notNull()),
    keyed as CreateTableBuilder<string, string>,
  );
  const unique =
    kind === 'sqlite'
      ? sums
          .addPrimaryKeyConstraint('usage_sums_key', ['day_start', 'key_id', 'owner', 'model', 'provider', 'tags'])
          .modifyEnd(sql`without rowid`)
      : sums
          .addColumn('combination', sql`bytea`, (column) => column.generatedAlwaysAs(COMBINATION).stored())
          .addPrimaryKeyConstraint('usage_sums_key', ['day_start', 'combination']);
  await unique.execute();
  const index = (name: string, columns: string[]) =>
    db.schema.createIndex(name).on('usage_sums').columns(columns).execute();
  await index('usage_sums_by_key', ['key_id', 'day_start']);
  await index('usage_sums_by_owner', ['owner', 'day_start']);
  await index('usage_sums_by_model', ['model', 'day_start']);
}

/**
 * Newest first; ids tell those apart that came in the same millisecond. Each is written with every request, so there are
 * only those without which the sums could not lead to the rest.
 */
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
  await index('usage_records_unwell', ['outcome']).where(sql.ref('outcome'), '<>', 'completed').execute();
}

/** The tables as they are at this point, as far as they are read here. */
interface Before {
  readonly usage_records: Readonly<Record<(typeof COUNTS)[number] | 'cost_nano_usd', number | null>> & {
    readonly id: number;
    readonly created_at: number;
    readonly key_id: string | null;
    readonly owner: string | null;
    readonly model: string;
    readonly provider: string | null;
    readonly usage_source: string;
    readonly tags: string;
  };
  readonly usage_sums: Readonly<Record<string, unknown>>;
}

async function addUpWhatIsThere(db: Kysely<Before>): Promise<void> {
  const key = {
    day_start: sql`created_at - created_at % 86400000`,
    key_id: sql`coalesce(key_id, '')`,
    owner: sql`coalesce(owner, '')`,
    model: sql`model`,
    provider: sql`coalesce(provider, '')`,
    tags: sql`tags`,
  };
  const added = {
    ...Object.fromEntries(COUNTS.map((name) => [name, sql`sum(coalesce(${sql.ref(name)}, 0))`])),
    requests: sql`count(*)`,
    cost_nano_usd: sql`sum(coalesce(cost_nano_usd, 0))`,
    unpriced: sql`count(case when cost_nano_usd is null then prompt_tokens end)`,
    estimated: sql`count(case when usage_source = 'estimated' then 1 end)`,
  };
  const values = { ...key, ...added };
  await db
    .insertInto('usage_sums')
    .columns(Object.keys(values))
    .expression(
      db
        .selectFrom('usage_records')
        .select(Object.entries(values).map(([name, value]) => value.as(name)))
        .groupBy(Object.values(key)),
    )
    .execute();
}
