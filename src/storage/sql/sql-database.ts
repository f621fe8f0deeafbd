import { type OnApplicationShutdown } from '@nestjs/common';
import { type Kysely, sql } from 'kysely';
import type { Schema } from './schema.js';
import type { UsageWriter } from './usage-writer.js';

const PATIENCE_MS = 1_000;

/** The ways into a database. */
export interface Access {
  readonly query: Kysely<Schema>;
  readonly usage: UsageWriter;
  /** For what may take long: it stands in nobody's way, and is broken off. Left out: `query`. */
  readonly reader?: Kysely<Schema>;
  /** False while it could not be reached since the start, so that its tables may not be there yet. */
  readonly isMigrated?: () => boolean;
}

/** An open database, whichever it is. Closed last of all at shutdown, when everyone has written what was left. */
export class SqlDatabase implements OnApplicationShutdown {
  readonly query: Kysely<Schema>;
  readonly usage: UsageWriter;
  readonly reader: Kysely<Schema>;
  readonly #isMigrated: () => boolean;
  readonly #unfinished: (() => Promise<void>)[] = [];
  #closed = false;

  constructor(
    readonly kind: 'sqlite' | 'postgres',
    { query, usage, reader = query, isMigrated = () => true }: Access,
  ) {
    this.query = query;
    this.usage = usage;
    this.reader = reader;
    this.#isMigrated = isMigrated;
  }

  /** Rejects when the database does not answer within a second. */
  async check(): Promise<void> {
    if (!this.#isMigrated()) throw new Error('The database has not been reached since the start.');
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`The database did not answer within ${String(PATIENCE_MS)} ms.`));
      }, PATIENCE_MS);
    });
    await Promise.race([sql`select 1`.execute(this.query), tooLate]).finally(() => {
      clearTimeout(timer);
    });
  }

  /** What has to be brought to an end while the database is still open. */
  beforeClosing(finish: () => Promise<void>): void {
    this.#unfinished.push(finish);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const finish of this.#unfinished) await finish();
    this.usage.close?.();
    if (this.reader !== this.query) await this.reader.destroy();
    await this.query.destroy();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }
}
