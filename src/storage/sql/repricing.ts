import { sql, type Transaction } from 'kysely';
import type { AttemptRecord, UsageRecord } from '../../domain/usage.js';
import { isInTheWay } from './postgres-failure.js';
import { SUM_MS, type Schema, type UsageAttemptRow, type UsageRecordRow } from './schema.js';
import type { SqlDatabase } from './sql-database.js';
import { recordOf } from './usage-rows.js';
import { SUM_KEY } from './usage-sums.js';

/** What a row costs, and by which list; null: not known. */
export type Cost = Pick<AttemptRecord, 'costNanoUsd' | 'priceVersion'>;

/** A request whose usage is known, and what it and its attempts are to cost, in their order. */
export interface Repriced extends Cost {
  readonly record: UsageRecord;
  readonly attempts: readonly Cost[];
}

/** From which request on, and how many at most. Times are epoch milliseconds, `to` exclusive. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  /** The last request of the stretch before. */
  readonly after: Place | undefined;
  readonly limit: number;
}

export interface Place {
  readonly createdAt: number;
  readonly id: number;
}

interface Passed {
  readonly repriced: readonly Repriced[];
  /** Where the next stretch begins; undefined: that was the last one. */
  readonly last: Place | undefined;
}

/** PostgreSQL ends one of two transactions that wait for each other. */
const REPEATS = 5;

type StoredRecord = UsageRecordRow & { readonly id: number };
type Query = Transaction<Schema>;

/** Gives records other costs, and their sums with them. A stretch is one transaction, and none locks out the gateway for long. */
export class Repricing {
  constructor(private readonly database: SqlDatabase) {}

  /** `write` false: only what would be. */
  async pass(stretch: Stretch, price: (record: UsageRecord) => Repriced, write: boolean): Promise<Passed> {
    for (let repeats = REPEATS; ; repeats -= 1) {
      try {
        return await this.#passOnce(stretch, price, write);
      } catch (error) {
        // The gateway adds to the same sums, in the order of the database and not in ours.
        if (!isInTheWay(error) || repeats === 0) throw error;
      }
    }
  }

  #passOnce(stretch: Stretch, price: (record: UsageRecord) => Repriced, write: boolean): Promise<Passed> {
    return this.database.query.transaction().execute(async (query) => {
      const rows = await this.#rows(query, stretch);
      const attempts = await attemptsOf(query, rows);
      const repriced = rows.map((row) => price(recordOf(row, attempts.get(row.id) ?? [])));
      if (write) await writeAll(query, rows, repriced);
      const last = rows.at(-1);
      const isLast = rows.length < stretch.limit || last === undefined;
      return { repriced, last: isLast ? undefined : { createdAt: last.created_at, id: last.id } };
    });
  }

  /** Locked until the end, as two may be at it: SQLite's transactions are alone anyway. */
  async #rows(query: Query, { from, to, after, limit }: Stretch): Promise<readonly StoredRecord[]> {
    let found = query
      .selectFrom('usage_records')
      .selectAll()
      .where('created_at', '>=', after?.createdAt ?? from)
      .where('created_at', '<', to)
      .where('prompt_tokens', 'is not', null)
      .orderBy('created_at')
      .orderBy('id')
      .limit(limit);
    if (after !== undefined)
      found = found.where((at) => at.or([at('created_at', '>', after.createdAt), at('id', '>', after.id)]));
    return (this.database.kind === 'postgres' ? found.forUpdate() : found).execute();
  }
}

async function attemptsOf(
  query: Query,
  rows: readonly StoredRecord[],
): Promise<ReadonlyMap<number, readonly UsageAttemptRow[]>> {
  const attempts = new Map<number, UsageAttemptRow[]>();
  if (rows.length === 0) return attempts;
  const found = await query
    .selectFrom('usage_attempts')
    .selectAll()
    .where(
      'record_id',
      'in',
      rows.map(({ id }) => id),
    )
    .orderBy('record_id')
    .orderBy('position')
    .execute();
  for (const { record_id: id, ...row } of found) {
    const known = attempts.get(id);
    if (known === undefined) attempts.set(id, [row]);
    else known.push(row);
  }
  return attempts;
}

async function writeAll(query: Query, rows: readonly StoredRecord[], repriced: readonly Repriced[]): Promise<void> {
  const changes = new SumChanges();
  for (const [at, row] of rows.entries()) {
    const now = repriced[at];
    if (now === undefined) continue;
    for (const [position, cost] of now.attempts.entries()) {
      const before = now.record.attempts[position];
      if (before === undefined || !differs(before, cost)) continue;
      await query
        .updateTable('usage_attempts')
        .set(columnsOf(cost))
        .where('record_id', '=', row.id)
        .where('position', '=', position)
        .execute();
    }
    if (!differs(now.record, now)) continue;
    await query.updateTable('usage_records').set(columnsOf(now)).where('id', '=', row.id).execute();
    changes.add(row, now);
  }
  await changes.write(query);
}

export const differs = (before: Cost, now: Cost): boolean =>
  before.costNanoUsd !== now.costNanoUsd || before.priceVersion !== now.priceVersion;

const columnsOf = ({ costNanoUsd, priceVersion }: Cost) => ({
  cost_nano_usd: costNanoUsd,
  price_version: priceVersion,
});

interface SumChange {
  readonly key: readonly (string | number)[];
  /** Exact: of many it may pass 2^53. */
  cost: bigint;
  unpriced: number;
}

/** What the sums are to be corrected by: each row once, and always in the same order, so that no two commands wait for each other. */
class SumChanges {
  readonly #changes = new Map<string, SumChange>();

  add(row: StoredRecord, { costNanoUsd: cost }: Cost): void {
    const { created_at: createdAt, cost_nano_usd: before } = row;
    const start = createdAt - (createdAt % SUM_MS);
    const key = [start, row.key_id ?? '', row.owner ?? '', row.model, row.provider ?? '', row.tags];
    const place = JSON.stringify(key);
    const change = this.#changes.get(place) ?? { key, cost: 0n, unpriced: 0 };
    change.cost += BigInt(cost ?? 0) - BigInt(before ?? 0);
    change.unpriced += Number(cost === null) - Number(before === null);
    this.#changes.set(place, change);
  }

  async write(query: Query): Promise<void> {
    const inOrder = [...this.#changes].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [, { key, cost, unpriced }] of inOrder) {
      if (cost === 0n && unpriced === 0) continue;
      let sums = query.updateTable('usage_sums').set((at) => ({
        cost_nano_usd: at('cost_nano_usd', '+', sql<number>`${cost}`),
        unpriced: at('unpriced', '+', unpriced),
      }));
      for (const [index, column] of SUM_KEY.entries()) sums = sums.where(column, '=', key[index] ?? '');
      await sums.execute();
    }
  }
}
