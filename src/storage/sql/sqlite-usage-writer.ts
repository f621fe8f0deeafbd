import Database from 'libsql';
import type { UsageRecord } from '../../domain/usage.js';
import { ATTEMPT_COLUMNS, RECORD_COLUMNS, type UsageAttemptRow, type UsageRecordRow } from './schema.js';
import { SparseInsert } from './sparse-insert.js';
import { SqliteCheckpoints } from './sqlite-checkpoints.js';
import { writeAlone } from './sqlite-lock.js';
import { attemptRows, recordRow } from './usage-rows.js';
import { BatchSums, SUM_KEY, SUMMED } from './usage-sums.js';
import type { UsageWriter } from './usage-writer.js';

/**
 * Writes usage to the embedded database with statements that stay prepared, on a connection of its own: a batch is
 * written in one go, and neither it nor a wait for the lock stands in the way of what is being read.
 */
export class SqliteUsageWriter implements UsageWriter {
  readonly #file: Database.Database;
  readonly #records: SparseInsert;
  readonly #attempts: SparseInsert;
  readonly #sums: SparseInsert;
  readonly #checkpoints: SqliteCheckpoints;
  #closed = false;

  /** The tables must be there. */
  constructor(path: string, file: Database.Database = new Database(path)) {
    this.#file = file;
    this.#file.exec('PRAGMA busy_timeout = 0; PRAGMA synchronous = NORMAL');
    this.#checkpoints = new SqliteCheckpoints(this.#file, path);
    this.#records = new SparseInsert(this.#file, 'usage_records', RECORD_COLUMNS);
    this.#attempts = new SparseInsert(this.#file, 'usage_attempts', ['record_id', ...ATTEMPT_COLUMNS]);
    this.#sums = new SparseInsert(this.#file, 'usage_sums', [...SUM_KEY, ...SUMMED], ADDING);
  }

  async write(records: readonly UsageRecord[]): Promise<void> {
    await this.#alone(() => {
      const sums = new BatchSums();
      for (const record of records) this.#insert(record, sums);
      for (const row of sums.rows) this.#sums.run([...SUM_KEY, ...SUMMED].map((column) => row[column]));
    });
  }

  /** Puts aside a record that the tables do not take, for somebody to look at. */
  async refuse(record: UsageRecord, error: unknown): Promise<void> {
    await this.#alone(() => {
      this.#file
        .prepare('INSERT INTO usage_refused (refused_at, error, record) VALUES (?, ?, ?)')
        .run([Date.now(), String(error), JSON.stringify(record)]);
    });
  }

  /** How many were put aside. */
  refused(): number {
    const [row] = this.#file.prepare('SELECT count(*) AS count FROM usage_refused').all([]) as { count: number }[];
    return row?.count ?? 0;
  }

  close(): void {
    this.#closed = true;
    this.#checkpoints.close();
    this.#file.close();
  }

  async #alone(write: () => void): Promise<void> {
    // A statement outlives its connection in libsql.
    if (this.#closed) throw new Error('The database is closed.');
    await writeAlone(this.#file, write);
    this.#checkpoints.wrote();
  }

  #insert(record: UsageRecord, sums: BatchSums): void {
    const row = recordRow(record);
    const { changes, lastInsertRowid } = this.#records.run(valuesOf(row));
    // What is there already came with its attempts, and is in the sums.
    if (changes === 0) return;
    const id = Number(lastInsertRowid);
    for (const attempt of attemptRows(record)) this.#attempts.run([id, ...valuesOf(attempt)]);
    sums.add(row);
  }
}

const ADDING = `(${SUM_KEY.join(', ')}) DO UPDATE SET ${SUMMED.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')}`;

/** In the order in which they were written down: that of the columns. */
const valuesOf = (row: UsageRecordRow | UsageAttemptRow) => Object.values<string | number | null>({ ...row });
