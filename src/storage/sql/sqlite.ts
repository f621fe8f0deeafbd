import { Kysely, SqliteDialect, SqliteDriver } from 'kysely';
import Database from 'libsql';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { migrateToLatest } from './migrations.js';
import { ReadingDialect } from './reading/reading-dialect.js';
import type { Schema } from './schema.js';
import { SqlDatabase } from './sql-database.js';
import { begin, whenFree } from './sqlite-lock.js';
import { SqliteUsageWriter } from './sqlite-usage-writer.js';

/** Opens the embedded database, making folder and file for their owner alone, and brings it up to date. */
export async function openSqlite(path: string): Promise<SqlDatabase> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // SQLite gives its log files the mode of the database file, so that one must be right from the first byte.
  closeSync(openSync(path, 'a', 0o600));
  const file = new Database(path);
  const query = new Kysely<Schema>({ dialect: new ImmediateDialect(file) });
  try {
    // SQLite's own waiting blocks the process, so it is kept short; the long waiting is ours.
    file.exec('PRAGMA busy_timeout = 100');
    await whenFree(() => file.exec('PRAGMA journal_mode = WAL'));
    file.exec('PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON');
    await migrateAlone(file, query);
    const reader = new Kysely<Schema>({ dialect: new ReadingDialect(path) });
    return new SqlDatabase('sqlite', { query, usage: new SqliteUsageWriter(path), reader });
  } catch (error) {
    await query.destroy();
    throw error;
  }
}

/** Kysely has no migration lock for SQLite; the file's own write lock serves, for all workers on one folder. */
async function migrateAlone(file: Database.Database, query: Kysely<Schema>): Promise<void> {
  await query.connection().execute(async (connection) => {
    await begin(file);
    try {
      await migrateToLatest(connection, undefined);
      file.exec('COMMIT');
    } catch (error) {
      file.exec('ROLLBACK');
      throw error;
    }
  });
}

/** SQLite whose transactions hold the write lock from their start. */
class ImmediateDialect extends SqliteDialect {
  constructor(private readonly file: Database.Database) {
    super({ database: file });
  }

  override createDriver(): SqliteDriver {
    return new ImmediateDriver(this.file);
  }
}

class ImmediateDriver extends SqliteDriver {
  constructor(private readonly file: Database.Database) {
    super({ database: file });
  }

  override async beginTransaction(): Promise<void> {
    await begin(this.file);
  }
}
