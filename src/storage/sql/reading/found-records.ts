import { sql, type Kysely, type RawBuilder, type SqlBool } from 'kysely';
import type { UsageFilter } from '../../../usage/usage.store.js';
import type { Schema } from '../schema.js';
import { storable } from '../storable.js';

/** Where a record stands in the list of all, newest first. */
export interface RecordPlace {
  readonly created_at: number;
  readonly id: number;
}

export interface RecordQuery {
  readonly filter: UsageFilter;
  /** Only those before this one. */
  readonly before: RecordPlace | undefined;
  readonly limit: number;
}

interface Ledger {
  readonly db: Kysely<Schema>;
  readonly kind: 'sqlite' | 'postgres';
}

/** Beyond so many keys of one owner, theirs are dense enough among all to be found by going through all. */
const MOST_KEYS = 50;

/** The newest that fulfil the filter, always by way of an index in which they stand in this order. */
export async function findRecords(ledger: Ledger, query: RecordQuery): Promise<readonly RecordPlace[]> {
  const { db } = ledger;
  const { owner, keyId, tag, requestId } = query.filter;
  if (tag !== undefined) return tagged(ledger, { ...query, tag });
  if (owner === undefined || keyId !== undefined || requestId !== undefined) return rowsOf(ledger, query).execute();
  const keys = await keysOf(db, owner);
  if (keys.length > MOST_KEYS) return rowsOf(ledger, query).execute();
  if (keys.length === 0) return [];
  // Each key's newest, and of these the newest: no index has the records of an owner in order.
  const each = keys.map(
    (key) => sql`select * from ${rowsOf(ledger, { ...query, filter: { ...query.filter, keyId: key } })} as newest`,
  );
  const all = sql<RecordPlace>`${sql.join(each, sql` union all `)} order by created_at desc, id desc limit ${query.limit}`;
  return (await all.execute(db)).rows;
}

/** The sums know them, and outlive the records. */
async function keysOf(db: Kysely<Schema>, owner: string): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('usage_sums')
    .select('key_id')
    .distinct()
    .where('owner', '=', storable(owner))
    .limit(MOST_KEYS + 1)
    .execute();
  return rows.map(({ key_id: key }) => key);
}

function rowsOf({ db, kind }: Ledger, { filter, before, limit }: RecordQuery) {
  const place = [sql.ref('created_at'), sql.ref('id')] as const;
  const conditions = [...period(filter, before, place), ...conditionsOf(filter, kind)];
  return db
    .selectFrom('usage_records')
    .select(['created_at', 'id'])
    .where((expression) => expression.and(conditions))
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit);
}

async function tagged(
  { db, kind }: Ledger,
  { filter, before, limit, tag }: RecordQuery & { readonly tag: string },
): Promise<readonly RecordPlace[]> {
  const place = [sql.ref('created_at'), sql.ref('record_id')] as const;
  const conditions = conditionsOf(filter, kind, false);
  return db
    .selectFrom('usage_tags')
    .select(['created_at', 'record_id as id'])
    .where('tag', '=', storable(tag))
    .where((expression) =>
      expression.and([
        ...period(filter, before, place),
        ...(conditions.length === 0
          ? []
          : [
              expression.exists(
                expression
                  .selectFrom('usage_records')
                  .select(sql.lit(1).as('one'))
                  .whereRef('usage_records.id', '=', 'usage_tags.record_id')
                  .where((inner) => inner.and(conditions)),
              ),
            ]),
      ]),
    )
    .orderBy('created_at', 'desc')
    .orderBy('record_id', 'desc')
    .limit(limit)
    .execute();
}

type Refs = readonly [RawBuilder<unknown>, RawBuilder<unknown>];

function period({ from, to }: UsageFilter, before: RecordPlace | undefined, [moment, id]: Refs): RawBuilder<SqlBool>[] {
  return [
    ...(from === undefined ? [] : [sql<SqlBool>`${moment} >= ${from}`]),
    ...(to === undefined ? [] : [sql<SqlBool>`${moment} < ${to}`]),
    ...(before === undefined ? [] : [sql<SqlBool>`(${moment}, ${id}) < (${before.created_at}, ${before.id})`]),
  ];
}

/** The rarest first. */
const INDEXED = ['request_id', 'key_id', 'outcome', 'model', 'provider', 'owner'] as const;

/**
 * SQLite keeps no figures by which to tell which of several indexes leads to the fewest rows, so it is told: a `+`
 * leaves a column out of the choice. Outcomes but `completed` have an index, which is only used where they say so.
 */
function conditionsOf(filter: UsageFilter, kind: 'sqlite' | 'postgres', byIndex = true): RawBuilder<SqlBool>[] {
  const values: Readonly<Record<(typeof INDEXED)[number], string | undefined>> = {
    request_id: filter.requestId,
    key_id: filter.keyId,
    outcome: filter.outcome,
    model: filter.model,
    provider: filter.provider,
    owner: filter.owner,
  };
  const given = INDEXED.flatMap((column) => {
    const value = values[column];
    return value === undefined ? [] : [{ column, value }];
  });
  const best = byIndex ? given.find(({ column, value }) => column !== 'outcome' || value !== 'completed') : undefined;
  return given.flatMap((each) => {
    const hidden = sql.raw(kind === 'sqlite' && each !== best ? '+' : '');
    const column = sql`${hidden}${sql.ref(each.column)}`;
    // As in the sums, '' stands for what a record has not; only the model's name may be empty.
    const isNone = each.value === '' && each.column !== 'model';
    const equal = isNone ? sql<SqlBool>`${column} is null` : sql<SqlBool>`${column} = ${storable(each.value)}`;
    return each.column === 'outcome' && each === best ? [equal, sql<SqlBool>`outcome <> 'completed'`] : [equal];
  });
}
