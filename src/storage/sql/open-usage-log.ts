import { join } from 'node:path';
import type { UsageLog } from '../../usage/usage-log.js';
import { EmbeddedUsageLog } from './embedded-usage-log.js';
import { PostgresUsageWriter } from './postgres-usage-writer.js';
import { ShippedUsageLog } from './shipped-usage-log.js';
import type { SqlDatabase } from './sql-database.js';
import { SqliteUsageWriter } from './sqlite-usage-writer.js';

/** Opens the log of a database: the embedded one is its own, for PostgreSQL there is an outbox in the data folder. */
export async function openUsageLog(database: SqlDatabase, dataDir: string): Promise<UsageLog> {
  const { usage } = database;
  if (usage instanceof SqliteUsageWriter) return new EmbeddedUsageLog(usage);
  if (!(usage instanceof PostgresUsageWriter)) throw new Error(`There is no log for ${database.kind}.`);
  const log = await ShippedUsageLog.open(join(dataDir, 'outbox.db'), usage);
  database.beforeClosing(() => log.close());
  return log;
}
