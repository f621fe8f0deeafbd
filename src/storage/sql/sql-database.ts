import { type OnApplicationShutdown } from '@nestjs/common';
import { type Kysely, sql } from 'kysely';
import type { Schema } from './schema.js';
import type { UsageWriter } from './usage-writer.js';

const PATIENCE_MS = 1_000;

/** The ways into a database. */
export interface Access {
  readonly query: Kysely<Schema>;
  readonly usage: UsageWriter;
  /** False while it could not be reached since the start, so that its tables may not be there yet. */
  readonly isMigrated?: () => boolean;
}

/** An open database, whichever it is. Closed last of all at shutdown, when everyone has written what was left. */
export class SqlDatabase implements OnApplicationShutdown {
  readonly query: Kysely<Schema>;
  readonly usage: UsageWriter;
  readonly #isMigrated: () => boolean;
  #closed = false;

  constructor(
    readonly kind: 'sqlite' | 'postgres',
    { query, usage, isMigrated = () => true }: Access,
  ) {
    this.query = query;
    this.usage = usage;
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

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.usage.close?.();
    await this.query.destroy();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }
}
