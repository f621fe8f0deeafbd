import type { Kysely } from 'kysely';

export async function createVirtualKeys(db: Kysely<unknown>): Promise<void> {
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
