import { sql, type Kysely, type RawBuilder, type SqlBool } from 'kysely';
import type { UsageFilter } from '../../../usage/usage.store.js';
import type { Schema } from '../schema.js';
import { storable } from '../storable.js';
import { hasTag } from './usage-parts.js';

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

export interface Ledger {
  readonly db: Kysely<Schema>;
  readonly kind: 'sqlite' | 'postgres';
}

/** By an index; whatever has none is looked at in each row on the way. */
export function rowsOf({ db, kind }: Ledger, query: RecordQuery) {
  return db
    .selectFrom('usage_records')
    .select(['usage_records.created_at', 'usage_records.id'])
    .where((expression) => expression.and(conditionsOf(query, kind)))
    .orderBy('usage_records.created_at', 'desc')
    .orderBy('usage_records.id', 'desc')
    .limit(query.limit);
}

/** The rarest first. */
const COLUMNS = ['request_id', 'key_id', 'outcome', 'model', 'provider', 'owner'] as const;

/**
 * SQLite keeps no figures by which to tell which of several indexes leads to the fewest rows, so it is told: a `+`
 * leaves a column out of the choice. Outcomes but `completed` have an index, which is only used where they say so.
 */
export function conditionsOf({ filter, before }: RecordQuery, kind: Ledger['kind']): RawBuilder<SqlBool>[] {
  const values: Readonly<Record<(typeof COLUMNS)[number], string | undefined>> = {
    request_id: filter.requestId,
    key_id: filter.keyId,
    outcome: filter.outcome,
    model: filter.model,
    provider: filter.provider,
    owner: filter.owner,
  };
  const given = COLUMNS.flatMap((column) => {
    const value = values[column];
    return value === undefined ? [] : [{ column, value }];
  });
  const best = given.find(({ column, value }) => column !== 'outcome' || value !== 'completed');
  const equal = given.flatMap((each) => {
    const hidden = sql.raw(kind === 'sqlite' && each !== best ? '+' : '');
    const column = sql`${hidden}${sql.ref(`usage_records.${each.column}`)}`;
    // As in the sums, '' stands for what a record has not; only the model's name may be empty.
    const isNone = each.value === '' && each.column !== 'model';
    const same = isNone ? sql<SqlBool>`${column} is null` : sql<SqlBool>`${column} = ${storable(each.value)}`;
    const isUnwell = sql<SqlBool>`${sql.ref('usage_records.outcome')} <> 'completed'`;
    return each.column === 'outcome' && each === best ? [same, isUnwell] : [same];
  });
  const { tag } = filter;
  return [...period(filter, before), ...equal, ...(tag === undefined ? [] : [hasTag(tag, 'usage_records.tags')])];
}

function period({ from, to }: UsageFilter, before: RecordPlace | undefined): RawBuilder<SqlBool>[] {
  const [moment, id] = [sql.ref('usage_records.created_at'), sql.ref('usage_records.id')];
  return [
    ...(from === undefined ? [] : [sql<SqlBool>`${moment} >= ${from}`]),
    ...(to === undefined ? [] : [sql<SqlBool>`${moment} < ${to}`]),
    ...(before === undefined ? [] : [sql<SqlBool>`(${moment}, ${id}) < (${before.created_at}, ${before.id})`]),
  ];
}
