import { Logger } from '@nestjs/common';
import { Kysely, PostgresDialect } from 'kysely';
import { isNativeError } from 'node:util/types';
import pg from 'pg';
import type { Secret } from '../../domain/secret.js';
import { migrateToLatest } from './migrations.js';
import { codeOf, isUnreachable } from './postgres-failure.js';
import { PostgresUsageWriter } from './postgres-usage-writer.js';
import { READING_TIMES } from './reading/query-processes.js';
import type { Schema } from './schema.js';
import { SqlDatabase } from './sql-database.js';

const SCHEMA = 'parley';
const RETRY_MS = 2_000;
const MOST_READERS = 3;

/** How the PostgreSQL pool is kept. */
export interface PostgresOptions {
  /** Connections at most; 10 where nothing is said. */
  readonly max?: number;
  /** How long a statement may take; 10 s where nothing is said. */
  readonly patienceMs?: number;
}

/**
 * Opens PostgreSQL and brings the schema `parley` up to date. A server that cannot be reached does not stop the
 * start: requests are served without it, and it is tried until it is there. Any other failure rejects.
 */
export async function openPostgres(
  url: Secret,
  { max = 10, patienceMs = 10_000 }: PostgresOptions = {},
): Promise<SqlDatabase> {
  const logger = new Logger('Storage');
  // A server that has gone silent must not hold up the records: they are written again, and none of them twice.
  const query = queries(poolOf({ connectionString: url.reveal(), max, query_timeout: patienceMs }, logger));
  const migrate = () => (max === 1 ? migrateToLatest(query, SCHEMA) : migrateApart(url, { patienceMs, logger }));
  const migration = new PersistentMigration(migrate, logger);
  try {
    await migration.start();
  } catch (error) {
    await query.destroy();
    throw error;
  }
  const usage = new PostgresUsageWriter(query, SCHEMA);
  const isMigrated = () => migration.done;
  const reader = max === 1 ? query : queries(readingPool(url, logger));
  const database = new SqlDatabase('postgres', { query, usage, reader, isMigrated });
  database.beforeClosing(() => migration.giveUp());
  return database;
}

/** Through a connection of its own: a step may take as long as it takes to read all rows, or another replica is at it. */
async function migrateApart(
  url: Secret,
  { patienceMs, logger }: { readonly patienceMs: number; readonly logger: Logger },
): Promise<void> {
  const pool = poolOf({ connectionString: url.reveal(), max: 1 }, logger);
  const query = queries(pool);
  try {
    const greeting = { text: 'select 1', query_timeout: patienceMs };
    await pool.query(greeting);
    await migrateToLatest(query, SCHEMA);
  } finally {
    await query.destroy();
  }
}

const queries = (pool: pg.Pool): Kysely<Schema> =>
  new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) }).withSchema(SCHEMA);

function poolOf(config: pg.PoolConfig, logger: Logger): pg.Pool {
  const pool = new pg.Pool({
    // A connection that was cut without a word is believed in for no longer; TCP would take a quarter of an hour.
    maxLifetimeSeconds: 120,
    ...config,
    connectionTimeoutMillis: 3_000,
    keepAlive: true,
    application_name: 'parley',
    types: { getTypeParser: typeParser },
  });
  // Without listeners the loss of a connection would end the process: on the pool for idle ones, on each for those in use.
  const lost = (error: Error): void => {
    logger.warn(`A connection to PostgreSQL was lost: ${error.message}`);
  };
  pool.on('error', lost);
  pool.on('connect', (client) => {
    client.on('error', lost);
  });
  return pool;
}

/** Few connections, and none that those who write wait for; the server breaks off what takes too long. */
function readingPool(url: Secret, logger: Logger): pg.Pool {
  const { longest } = READING_TIMES;
  const pool = poolOf({ connectionString: url.reveal(), max: MOST_READERS, query_timeout: longest + 5_000 }, logger);
  pool.on('connect', (client) => {
    client.query(`SET statement_timeout = ${longest}`).catch(() => undefined); // the connection is lost, and says so
  });
  return pool;
}

/** Migrates now, or as soon as the server can be reached. */
class PersistentMigration {
  done = false;
  #timer: NodeJS.Timeout | undefined;
  #givenUp = false;

  constructor(
    private readonly migrate: () => Promise<void>,
    private readonly logger: Logger,
  ) {}

  /** Rejects when the server is there and the migration fails. */
  async start(): Promise<void> {
    try {
      await this.#run();
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      this.logger.error(`PostgreSQL cannot be reached (${describe(error)}). Going on without it and trying again.`);
      this.#retryLater();
    }
  }

  /** Tries no more. */
  giveUp(): Promise<void> {
    this.#givenUp = true;
    clearTimeout(this.#timer);
    return Promise.resolve();
  }

  async #run(): Promise<void> {
    await this.migrate();
    this.done = true;
  }

  #retryLater(): void {
    if (this.#givenUp) return;
    this.#timer = setTimeout(() => {
      this.#run().then(
        () => {
          this.logger.log('PostgreSQL is there and up to date.');
        },
        (error: unknown) => {
          if (!isUnreachable(error)) this.logger.error(`PostgreSQL cannot be used yet: ${describe(error)}`);
          this.#retryLater();
        },
      );
    }, RETRY_MS).unref();
  }
}

/** Names the failure without its stack, and never the URL: it may hold a password. */
function describe(error: unknown): string {
  if (!isNativeError(error)) return 'unknown failure';
  return codeOf(error) || error.message;
}

/** The object id of PostgreSQL's type BIGINT. */
const BIGINT: number = pg.types.builtins.INT8;

/** BIGINT as a number: times, counts and nano-dollars fit. One that does not is a fault, not a rounding. */
function typeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (oid === BIGINT && format !== 'binary') return safeInteger;
  return pg.types.getTypeParser(oid, 'text') as (value: string) => unknown;
}

function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`A BIGINT from the database does not fit a number: ${text}`);
  return value;
}
