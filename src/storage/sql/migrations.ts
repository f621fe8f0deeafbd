import { type CreateTableBuilder, type Kysely, type Migration, Migrator, sql } from 'kysely';
import { isNativeError } from 'node:util/types';
import { TOKEN_COLUMNS, type Schema } from './schema.js';

/** In the order of their names. One that was released is never changed: what is to be different becomes another. */
const migrations = (kind: 'sqlite' | 'postgres'): Record<string, Migration> => ({
  '0001_virtual_keys': { up: createVirtualKeys },
  '0002_usage': { up: (db: Kysely<unknown>) => createUsage(db, kind) },
  '0003_turn_states': { up: createTurnStates },
});

/**
 * Brings the database to the newest version. On PostgreSQL several processes may do so at once: Kysely takes an
 * advisory lock. `schema`: where the tables live; undefined in SQLite.
 */
export async function migrateToLatest(db: Kysely<Schema>, schema: string | undefined): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(migrations(schema === undefined ? 'sqlite' : 'postgres')) },
    migrationTableName: 'migrations',
    migrationLockTableName: 'migrations_lock',
    ...(schema !== undefined && { migrationTableSchema: schema }),
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined)
    throw isNativeError(error) ? error : new Error('The database could not be migrated.', { cause: error });
}

async function createVirtualKeys(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('virtual_keys')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('hash', 'text', (column) => column.notNull().unique())
    .addColumn('prefix', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('owner', 'text')
    .addColumn('tags', 'text', (column) => column.notNull())
    .addColumn('models', 'text')
    .addColumn('allowed_ips', 'text')
    .addColumn('rpm', 'bigint')
    .addColumn('tpm', 'bigint')
    .addColumn('concurrency', 'bigint')
    .addColumn('budget_usd', 'double precision')
    .addColumn('budget_per', 'text')
    .addColumn('expires_at', 'bigint')
    .addColumn('disabled', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex('virtual_keys_newest')
    .on('virtual_keys')
    .columns(['created_at desc', 'id desc'])
    .execute();
}

/**
 * Written for every request, so every index has to be worth its price, and the rows of attempts lie one behind the
 * other by the number of their request: one keyed by a request id would be a page of its own to write.
 */
async function createUsage(db: Kysely<unknown>, kind: 'sqlite' | 'postgres'): Promise<void> {
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

async function createTurnStates(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('turn_states')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('format', 'text', (column) => column.notNull())
    .addColumn('payload', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('turn_states_expiry').on('turn_states').column('expires_at').execute();
}

function withTokenColumns<Table extends string, Column extends string>(
  table: CreateTableBuilder<Table, Column>,
): CreateTableBuilder<Table, Column> {
  return TOKEN_COLUMNS.reduce<CreateTableBuilder<Table, Column>>(
    (wider, name) => wider.addColumn(name, 'bigint'),
    table,
  );
}
