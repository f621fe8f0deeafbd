import { sql } from 'kysely';
import { SUM_MS } from '../schema.js';
import { conditionsOf, rowsOf, type Ledger, type RecordPlace, type RecordQuery } from './record-rows.js';
import { conditionsOf as sumConditionsOf } from './usage-parts.js';

/** A day on which there are some. */
interface Day {
  readonly start: number;
  readonly requests: number;
}

/** Of so many days at a time is asked whether there are any. */
const DAYS = 64;
/** Where at least this share of a day's requests fulfil the filter, they are found fast by going through all of them. */
const DENSE = 0.02;
/** By so many days it is judged. */
const JUDGED = 3;

/** The newest that fulfil the filter, day by day, where the sums say that there are any. */
export async function findByDays(ledger: Ledger, query: RecordQuery): Promise<readonly RecordPlace[]> {
  const found: RecordPlace[] = [];
  const oldest = await oldestRecord(ledger);
  if (oldest === undefined) return found;
  const from = Math.max(query.filter.from ?? oldest, oldest);
  for (let to = endOf(query); found.length < query.limit;) {
    const days = await daysOf(ledger, { ...query, filter: { ...query.filter, from, to } });
    const limit = query.limit - found.length;
    const window = newest(days, limit);
    const [last, first] = [window[0], window.at(-1)];
    if (first === undefined || last === undefined) break;
    const filter = { ...query.filter, from: Math.max(from, first.start), to: Math.min(to, last.start + SUM_MS) };
    found.push(...(await recordsOf(ledger, { ...query, filter, limit }, window)));
    to = first.start;
  }
  return found;
}

function endOf({ filter: { to = Infinity }, before }: RecordQuery): number {
  const end = Math.min(to, before === undefined ? Infinity : before.created_at + 1);
  return Math.min(end, Number.MAX_SAFE_INTEGER);
}

/** Sums outlive records: where these begin. */
async function oldestRecord({ db }: Ledger): Promise<number | undefined> {
  const row = await db
    .selectFrom('usage_records')
    .select('created_at')
    .orderBy('created_at')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
  return row?.created_at;
}

interface Period {
  readonly from: number;
  readonly to: number;
}

type Bounded = RecordQuery & { readonly filter: Period };

/** Newest first. */
async function daysOf({ db }: Ledger, { filter }: Bounded): Promise<readonly Day[]> {
  const rows = await db
    .selectFrom('usage_sums')
    .select('day_start')
    .select(({ fn }) => fn.sum<number | string>('requests').as('requests'))
    .where((expression) => expression.and(sumConditionsOf(filter)))
    .where('day_start', '>', filter.from - SUM_MS)
    .where('day_start', '<', filter.to)
    .groupBy('day_start')
    .orderBy('day_start', 'desc')
    .limit(DAYS)
    .execute();
  return rows.map(({ day_start: start, requests }) => ({ start, requests: Number(requests) }));
}

/** As many of them as should have what is wanted; some may be of another hour or outcome. */
function newest(days: readonly Day[], wanted: number): readonly Day[] {
  let sum = 0;
  const end = days.findIndex(({ requests }) => (sum += requests) >= 2 * wanted);
  return end === -1 ? days : days.slice(0, end + 1);
}

async function recordsOf(ledger: Ledger, query: Bounded, days: readonly Day[]): Promise<readonly RecordPlace[]> {
  if (await isDense(ledger, query, days.slice(0, JUDGED))) return rowsOf(ledger, query).execute();
  const cells = await cellsOf(ledger, query);
  // Records without a key stand in no order of keys.
  if (cells.some(({ key_id: key }) => key === '')) return rowsOf(ledger, query).execute();
  return cellRows(ledger, query, cells).execute();
}

async function isDense({ db }: Ledger, { filter }: Bounded, days: readonly Day[]): Promise<boolean> {
  const { keyId } = filter;
  const starts = days.map(({ start }) => start);
  const { all } = await db
    .selectFrom('usage_sums')
    .select(({ fn }) => fn.sum<number | string>('requests').as('all'))
    .where('day_start', 'in', starts)
    .$if(keyId !== undefined, (sums) => sums.where('key_id', '=', keyId ?? ''))
    .executeTakeFirstOrThrow();
  return days.reduce((sum, { requests }) => sum + requests, 0) >= DENSE * Number(all);
}

/** A key on a day: there are some of its records that fulfil the filter. */
interface Cell {
  readonly day_start: number;
  readonly key_id: string;
}

function cellsOf({ db }: Ledger, { filter }: Bounded): Promise<readonly Cell[]> {
  return db
    .selectFrom('usage_sums')
    .select(['day_start', 'key_id'])
    .distinct()
    .where((expression) => expression.and(sumConditionsOf(filter)))
    .where('day_start', '>', filter.from - SUM_MS)
    .where('day_start', '<', filter.to)
    .execute();
}

/** Each cell by the index of keys. SQLite joins in the order given, PostgreSQL as it sees fit. */
function cellRows({ db, kind }: Ledger, query: RecordQuery, cells: readonly Cell[]) {
  const json = JSON.stringify(cells.map(({ day_start: start, key_id: key }) => ({ start, key })));
  const table =
    kind === 'sqlite'
      ? sql`(select value ->> 'start' as start, value ->> 'key' as key from json_each(${json}))`.as<'cell'>(sql`cell`)
      : sql`json_to_recordset(${json}::json)`.as<'cell'>(sql`cell(start bigint, key text)`);
  return db
    .selectFrom(table)
    .crossJoin('usage_records')
    .select(['usage_records.created_at', 'usage_records.id'])
    .where(sql<boolean>`usage_records.key_id = cell.key`)
    .where(sql<boolean>`usage_records.created_at >= cell.start and usage_records.created_at < cell.start + ${SUM_MS}`)
    .where((expression) => expression.and(conditionsOf(query, kind)))
    .orderBy('usage_records.created_at', 'desc')
    .orderBy('usage_records.id', 'desc')
    .limit(query.limit);
}
