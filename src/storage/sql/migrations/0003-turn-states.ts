import type { Kysely } from 'kysely';

export async function createTurnStates(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('turn_states')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('format', 'text', (column) => column.notNull())
    .addColumn('payload', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('turn_states_expiry').on('turn_states').column('expires_at').execute();
}
