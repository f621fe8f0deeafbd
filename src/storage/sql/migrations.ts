import { type Kysely, type Migration, Migrator } from 'kysely';
import { isNativeError } from 'node:util/types';
import { createVirtualKeys } from './migrations/0001-virtual-keys.js';
import { createUsage } from './migrations/0002-usage.js';
import { createTurnStates } from './migrations/0003-turn-states.js';
import { createTeams } from './migrations/0004-teams.js';
import { createLedger } from './migrations/0005-ledger.js';
import type { Schema } from './schema.js';

/** In the order of their names. One that was released is never changed: what is to be different becomes another. */
const migrations = (kind: 'sqlite' | 'postgres'): Record<string, Migration> => ({
  '0001_virtual_keys': { up: createVirtualKeys },
  '0002_usage': { up: (db: Kysely<unknown>) => createUsage(db, kind) },
  '0003_turn_states': { up: createTurnStates },
  '0004_teams': { up: createTeams },
  '0005_ledger': { up: (db: Kysely<unknown>) => createLedger(db, kind) },
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
