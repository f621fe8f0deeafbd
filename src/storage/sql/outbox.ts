import Database from 'libsql';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { SqliteCheckpoints } from './sqlite-checkpoints.js';
import { begin, whenFree, writeAlone } from './sqlite-lock.js';

/** A row on its way, and its place. */
export interface OutboxRow {
  readonly seq: number;
  /** JSON. */
  readonly row: string;
}

/** What the outbox holds. */
export interface OutboxState {
  readonly rows: number;
  /** The first of them. */
  readonly oldest: string | undefined;
  readonly refused: number;
}

/**
 * Rows kept in a file until they are where they belong. Several processes may use the same one: a place is never given
 * out twice, and in the order of the places rows become visible.
 */
export class Outbox {
  readonly #file: Database.Database;
  readonly #insert: Database.Statement;
  readonly #first: Database.Statement;
  readonly #delete: Database.Statement;
  readonly #checkpoints: SqliteCheckpoints;
  #closed = false;

  private constructor(file: Database.Database, path: string) {
    this.#file = file;
    this.#checkpoints = new SqliteCheckpoints(file, path);
    this.#insert = file.prepare('INSERT INTO outbox (row) VALUES (?)');
    this.#first = file.prepare('SELECT seq, row FROM outbox ORDER BY seq LIMIT ?');
    this.#delete = file.prepare('DELETE FROM outbox WHERE seq BETWEEN ? AND ?');
  }

  /** Makes folder and file for their owner alone: what was asked for, and by whom, is nobody else's business. */
  static async open(path: string): Promise<Outbox> {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, 'a', 0o600));
    const file = new Database(path);
    file.exec('PRAGMA busy_timeout = 0');
    await whenFree(() => file.exec('PRAGMA journal_mode = WAL'));
    file.exec('PRAGMA synchronous = NORMAL');
    await begin(file);
    // Autoincrement: another process may delete by places it has read, and none of them may have become another row's.
    file.exec('CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, row TEXT NOT NULL)');
    file.exec('CREATE TABLE IF NOT EXISTS refused (seq INTEGER PRIMARY KEY, row TEXT NOT NULL, error TEXT NOT NULL)');
    file.exec('COMMIT');
    return new Outbox(file, path);
  }

  async append(rows: readonly string[]): Promise<void> {
    await this.#alone(() => {
      for (const row of rows) this.#insert.run([row]);
    });
  }

  first(most: number): readonly OutboxRow[] {
    return this.#closed ? [] : (this.#first.all([most]) as OutboxRow[]);
  }

  /** Undefined: it is empty. */
  get lastPlace(): number | undefined {
    const [last] = this.#file.prepare('SELECT seq FROM outbox ORDER BY seq DESC LIMIT 1').all([]) as { seq: number }[];
    return last?.seq;
  }

  /** From the first of them to the last they are where they belong. */
  async delete(rows: readonly OutboxRow[]): Promise<void> {
    const [first, last] = [rows[0], rows.at(-1)];
    if (first === undefined || last === undefined) return;
    await this.#alone(() => void this.#delete.run([first.seq, last.seq]));
  }

  /** Puts a row aside that is not taken where it belongs. */
  async refuse({ seq, row }: OutboxRow, error: string): Promise<void> {
    await this.#alone(() => {
      this.#file.prepare('INSERT OR IGNORE INTO refused (seq, row, error) VALUES (?, ?, ?)').run([seq, row, error]);
      this.#delete.run([seq, seq]);
    });
  }

  state(): OutboxState {
    if (this.#closed) return { rows: 0, oldest: undefined, refused: 0 };
    // Counted by their places: there may be very many.
    const [counted] = this.#file
      .prepare(
        `SELECT coalesce((SELECT max(seq) FROM outbox) - (SELECT min(seq) FROM outbox) + 1, 0) AS rows,
                (SELECT count(*) FROM refused) AS refused`,
      )
      .all([]) as { rows: number; refused: number }[];
    return { rows: 0, refused: 0, ...counted, oldest: this.first(1)[0]?.row };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#checkpoints.close();
    this.#file.close();
  }

  async #alone(write: () => void): Promise<void> {
    // A statement outlives its connection in libsql.
    if (this.#closed) throw new Error('The outbox is closed.');
    await writeAlone(this.#file, write);
    this.#checkpoints.wrote();
  }
}
