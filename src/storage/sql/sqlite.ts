import { Kysely, SqliteDialect, sql } from 'kysely';
import Database from 'libsql';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { migrateToLatest } from './migrations.js';
import type { Schema } from './schema.js';
import { SqlDatabase } from './sql-database.js';

/** How long another process may hold the file: before the start gives up, and before a statement does. */
const START_PATIENCE_MS = 15_000;
const STATEMENT_PATIENCE_MS = 5_000;

/** Opens the embedded database, making folder and file for their owner alone, and brings it up to date. */
export async function openSqlite(path: string): Promise<SqlDatabase> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // SQLite gives its log files the mode of the database file, so that one must be right from the first byte.
  closeSync(openSync(path, 'a', 0o600));
  const file = new Database(path);
  const query = new Kysely<Schema>({ dialect: new SqliteDialect({ database: file }) });
  try {
    // Waiting inside SQLite blocks the process: at the start we wait outside, so that an opener beside us can finish.
    file.exec('PRAGMA busy_timeout = 0');
    await whenFree(() => {
      file.exec('PRAGMA journal_mode = WAL');
    });
    file.exec('PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON');
    await migrateAlone(query);
    file.exec(`PRAGMA busy_timeout = ${String(STATEMENT_PATIENCE_MS)}`);
  } catch (error) {
    await query.destroy();
    throw error;
  }
  return new SqlDatabase('sqlite', query);
}

/** Kysely has no migration lock for SQLite; the file's own write lock serves, for all workers on one folder. */
async function migrateAlone(query: Kysely<Schema>): Promise<void> {
  await query.connection().execute(async (connection) => {
    await whenFree(() => sql`begin immediate`.execute(connection));
    try {
      await migrateToLatest(connection, undefined);
      await sql`commit`.execute(connection);
    } catch (error) {
      await sql`rollback`.execute(connection);
      throw error;
    }
  });
}

async function whenFree(run: () => unknown): Promise<void> {
  const deadline = performance.now() + START_PATIENCE_MS;
  for (;;) {
    try {
      await run();
      return;
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
      await pause(20);
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY');
}
