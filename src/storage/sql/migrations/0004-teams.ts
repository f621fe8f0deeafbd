import type { Kysely } from 'kysely';

/**
 * Teams, and keys that change: what was deleted stays for as long as other replicas may not have heard of it, and
 * a key that was replaced stays good for a while.
 */
export async function createTeams(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('teams')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('rpm', 'bigint')
    .addColumn('tpm', 'bigint')
    .addColumn('concurrency', 'bigint')
    .addColumn('budget_usd', 'double precision')
    .addColumn('budget_per', 'text')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addColumn('deleted_at', 'bigint')
    .execute();
  await db.schema.alterTable('virtual_keys').addColumn('previous_hash', 'text').execute();
  await db.schema.alterTable('virtual_keys').addColumn('previous_until', 'bigint').execute();
  await db.schema
    .alterTable('virtual_keys')
    .addColumn('updated_at', 'bigint', (column) => column.notNull().defaultTo(0))
    .execute();
  await db.schema.alterTable('virtual_keys').addColumn('deleted_at', 'bigint').execute();
  const index = (name: string, column: 'previous_hash' | 'updated_at' | 'owner') =>
    db.schema.createIndex(name).on('virtual_keys').column(column).execute();
  await index('virtual_keys_previous', 'previous_hash');
  await index('virtual_keys_changed', 'updated_at');
  await index('virtual_keys_by_owner', 'owner');
  await db.schema.createIndex('teams_changed').on('teams').column('updated_at').execute();
}
