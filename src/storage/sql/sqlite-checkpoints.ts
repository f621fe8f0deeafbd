import { Logger } from '@nestjs/common';
import type { Database } from 'libsql';
import Connection from 'libsql/promise';

/** A commit touches about this share of the pages after which SQLite checkpoints by itself. */
const COMMITS = 150;
/** Where ours fall behind, SQLite does it after all: some 80 MB. */
const MOST_PAGES = 20_000;

/**
 * Moves what was committed from SQLite's log into the file. SQLite would do that within a commit, in our thread, and
 * wait for the disk: some 10 ms in which nothing else moves. Here another thread does it.
 */
export class SqliteCheckpoints {
  readonly #log = new Logger('Storage');
  #connection: Connection | undefined;
  #commits = 0;
  #running = false;
  #closed = false;

  /** `file` is the connection that writes. */
  constructor(
    file: Database,
    private readonly path: string,
  ) {
    file.exec(`PRAGMA wal_autocheckpoint = ${String(MOST_PAGES)}`);
  }

  /** Something was committed. */
  wrote(): void {
    this.#commits += 1;
    if (this.#commits < COMMITS || this.#running || this.#closed) return;
    this.#commits = 0;
    this.#running = true;
    this.#run().then(
      () => (this.#running = false),
      (error: unknown) => {
        this.#running = false;
        this.#log.warn(`The log of ${this.path} could not be moved into it, and grows: ${String(error)}`);
      },
    );
  }

  close(): void {
    this.#closed = true;
    if (!this.#running) this.#connection?.close();
  }

  async #run(): Promise<void> {
    this.#connection ??= new Connection(this.path, {});
    const statement = (await this.#connection.prepare('PRAGMA wal_checkpoint(PASSIVE)')) as Checkpoint;
    await statement.all();
    if (this.#closed) this.#connection.close();
  }
}

/** The one statement that is used; the package has no types for it. */
interface Checkpoint {
  all(): Promise<unknown>;
}
