import Database from 'libsql';
import type { UsageRecord } from '../../domain/usage.js';
import { RECORD_COLUMNS, ATTEMPT_COLUMNS } from './schema.js';
import { begin } from './sqlite-lock.js';
import { attemptRows, recordRow } from './usage-rows.js';
import type { UsageWriter } from './usage-writer.js';

/**
 * Writes usage to the embedded database with statements that stay prepared, on a connection of its own: a batch is
 * written in one go, and neither it nor a wait for the lock stands in the way of what is being read.
 */
export class SqliteUsageWriter implements UsageWriter {
  readonly #file: Database.Database;
  readonly #record: Database.Statement;
  readonly #attempt: Database.Statement;
  #closed = false;

  /** The tables must be there. */
  constructor(path: string) {
    this.#file = new Database(path);
    this.#file.exec('PRAGMA busy_timeout = 0; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON');
    this.#record = this.#file.prepare(insert('usage_records', RECORD_COLUMNS));
    this.#attempt = this.#file.prepare(insert('usage_attempts', ['record_id', ...ATTEMPT_COLUMNS]));
  }

  async write(records: readonly UsageRecord[]): Promise<void> {
    // A statement outlives its connection in libsql.
    if (this.#closed) throw new Error('The database is closed.');
    await begin(this.#file);
    // From here to the end without a pause: nobody else can use the connection in between.
    try {
      for (const record of records) this.#insert(record);
      this.#file.exec('COMMIT');
    } catch (error) {
      // A disk that is full ends the transaction by itself.
      if (this.#file.inTransaction) this.#file.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.#closed = true;
    this.#file.close();
  }

  #insert(record: UsageRecord): void {
    const row = recordRow(record);
    const { changes, lastInsertRowid } = this.#record.run(RECORD_COLUMNS.map((column) => row[column]));
    // What is there already came with its attempts.
    if (changes === 0) return;
    for (const attempt of attemptRows(record)) {
      this.#attempt.run([lastInsertRowid, ...ATTEMPT_COLUMNS.map((column) => attempt[column])]);
    }
  }
}

function insert(table: string, columns: readonly string[]): string {
  const places = columns.map(() => '?').join(', ');
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places}) ON CONFLICT DO NOTHING`;
}
