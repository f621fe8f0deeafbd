import { type RawBuilder, sql } from 'kysely';
import type { SqlDatabase } from './sql-database.js';

/**
 * The time in epoch milliseconds by one clock for all replicas, for those of different machines may be seconds apart:
 * PostgreSQL's own. The processes that share a file of SQLite share a machine.
 */
export function sharedNow({ kind }: SqlDatabase): RawBuilder<number> {
  if (kind === 'sqlite') return sql<number>`${Date.now()}`;
  return sql<number>`(extract(epoch from statement_timestamp()) * 1000)::bigint`;
}

/** What `updated_at` becomes with a change: the time, but never the same twice, so that no change is taken for another. */
export function nextVersion(database: SqlDatabase): RawBuilder<number> {
  const now = sharedNow(database);
  return sql<number>`case when updated_at >= ${now} then updated_at + 1 else ${now} end`;
}

/** Holds for the rows whose `column` lies at most so many milliseconds back. */
export function within(database: SqlDatabase, column: 'updated_at' | 'deleted_at', ms: number): RawBuilder<boolean> {
  return sql<boolean>`${sql.ref(column)} >= ${sharedNow(database)} - ${wholeMs(ms)}`;
}

/** Further back than anything was kept there is nothing to look for. */
const wholeMs = (ms: number): number => Math.ceil(Math.min(Math.max(ms, 0), Number.MAX_SAFE_INTEGER / 4));
