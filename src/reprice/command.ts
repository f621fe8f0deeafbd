import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ModelCatalog } from '../catalog/model-catalog.js';
import { PriceBook } from '../catalog/price-book.js';
import type { Config } from '../config/config.js';
import { LiveConfig } from '../config/live-config.js';
import { Repricing } from '../storage/sql/repricing.js';
import type { SqlDatabase } from '../storage/sql/sql-database.js';
import { reprice, type Repricings } from './reprice.js';

/** As it is written: two UTC days, both of them included. */
export interface RepriceWish {
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly dryRun: boolean;
}

/** Prices the usage of some days anew, in the database of the config, and tells what became of it. */
export async function repriceCommand(config: Config, wish: RepriceWish): Promise<string> {
  const from = startOf('--from', wish.from);
  const to = startOf('--to', wish.to) + DAY_MS;
  if (to <= from) throw new RangeError('--to is before --from.');
  const database = await open(config);
  try {
    await database.check();
    const catalog = new ModelCatalog();
    const prices = new PriceBook(catalog, new LiveConfig(config));
    const result = await reprice(new Repricing(database), prices, { from, to, write: !wish.dryRun });
    return told(result, { days: `${wish.from ?? ''} to ${wish.to ?? ''}`, dryRun: wish.dryRun, catalog });
  } finally {
    await database.close();
  }
}

const DAY_MS = 24 * 3_600_000;

function startOf(option: string, day: string | undefined): number {
  const at = day === undefined || !/^\d{4}-\d{2}-\d{2}$/.test(day) ? NaN : Date.parse(day);
  // 30 February is a day to some parsers.
  if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== day)
    throw new RangeError(`${option} must be a day, as 2026-11-01.`);
  return at;
}

/** Nobody is served by this process: it may wait for rows that others are at. */
const PATIENCE_MS = 10 * 60_000;

async function open({ database: { url }, dataDir }: Config): Promise<SqlDatabase> {
  if (url !== undefined) {
    const { openPostgres } = await import('../storage/sql/postgres.js');
    return openPostgres(url, { max: 1, patienceMs: PATIENCE_MS });
  }
  const path = join(dataDir, 'parley.db');
  if (!existsSync(path)) throw new Error(`There is no database at ${path}.`);
  const { openSqlite } = await import('../storage/sql/sqlite.js');
  return openSqlite(path);
}

interface Telling {
  readonly days: string;
  readonly dryRun: boolean;
  readonly catalog: ModelCatalog;
}

function told(result: Repricings, { days, dryRun, catalog }: Telling): string {
  const { requests, changedRequests, changedAttempts, before, after, unpriced } = result;
  const lines = [
    `${days}: ${String(requests)} requests with known usage, priced by ${catalog.version} and the config.`,
    `${String(changedRequests)} requests and ${String(changedAttempts)} attempts ${dryRun ? 'would change' : 'have changed'}.`,
    `Total: ${dollars(before)} before, ${dollars(after)} ${dryRun ? 'it would be' : 'now'}.`,
  ];
  const without = [...unpriced].sort(([, a], [, b]) => b - a);
  if (without.length === 0) lines.push('Every request has a price.');
  else lines.push('Still without a price:', ...without.map(([name, times]) => `  ${name}: ${String(times)} requests`));
  return `${lines.join('\n')}\n`;
}

/** Exact to the nano-dollar. */
function dollars(nano: bigint): string {
  return `$${String(nano / NANO)}.${String(nano % NANO).padStart(9, '0')}`;
}

const NANO = 1_000_000_000n;
