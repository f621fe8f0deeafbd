import { sql, type Kysely, type RawBuilder, type SqlBool } from 'kysely';
import type { SumFilter } from '../../../usage/usage.store.js';
import { SUM_MS, type Schema } from '../schema.js';
import { storable } from '../storable.js';

/** What sums can be grouped by. `moment`: of a record its time, of a sum the beginning of its day. */
export type GroupColumn = 'moment' | 'key_id' | 'owner' | 'model' | 'provider' | 'tags';

/** How a column is had from the sums, and how from the records; '' stands for what a record has not. */
const GROUPED: Readonly<Record<GroupColumn, readonly [string, string]>> = {
  moment: ['day_start', 'created_at'],
  key_id: ['key_id', "coalesce(key_id, '')"],
  owner: ['owner', "coalesce(owner, '')"],
  model: ['model', 'model'],
  provider: ['provider', "coalesce(provider, '')"],
  tags: ['tags', 'tags'],
};

/** Added up whatever is asked for. */
const SUMMED = {
  prompt_tokens: 'coalesce(prompt_tokens, 0)',
  completion_tokens: 'coalesce(completion_tokens, 0)',
  cached_tokens: 'coalesce(cached_tokens, 0)',
  cache_write_tokens: 'coalesce(cache_write_tokens, 0)',
  reasoning_tokens: 'coalesce(reasoning_tokens, 0)',
  audio_tokens: 'coalesce(audio_tokens, 0)',
  requests: '1',
  cost_nano_usd: 'coalesce(cost_nano_usd, 0)',
  // Without counts there was nothing to price.
  unpriced: 'case when cost_nano_usd is null and prompt_tokens is not null then 1 else 0 end',
  estimated: "case when usage_source = 'estimated' then 1 else 0 end",
} as const;

export type SummedColumn = keyof typeof SUMMED;
export const SUMMED_COLUMNS = Object.keys(SUMMED) as readonly SummedColumn[];

/**
 * All that a sum is made of: whole days as they were added up when they were written, and of the days that the
 * period only begins or ends in, the records.
 */
export function partsOf(db: Kysely<Schema>, filter: SumFilter, columns: readonly GroupColumn[]): RawBuilder<unknown> {
  const conditions = conditionsOf(filter);
  const parts = spansOf(filter).map((span) => {
    const where = [...boundsOf(span), ...conditions];
    if (span.whole)
      return db
        .selectFrom('usage_sums')
        .select([
          ...columns.map((column) => sql.raw<string>(GROUPED[column][0]).as(column)),
          ...SUMMED_COLUMNS.map((column) => sql.ref<string>(column).as(column)),
        ])
        .where((expression) => expression.and(where));
    return db
      .selectFrom('usage_records')
      .select([
        ...columns.map((column) => sql.raw<string>(GROUPED[column][1]).as(column)),
        ...SUMMED_COLUMNS.map((column) => sql.raw<string>(SUMMED[column]).as(column)),
      ])
      .where((expression) => expression.and(where));
  });
  // SQLite takes no parentheses around the members of a union, which is where Kysely puts a query within a text.
  return sql.join(
    parts.map((part) => sql`select * from ${part} as span`),
    sql` union all `,
  );
}

interface Span {
  readonly whole: boolean;
  readonly from: number | undefined;
  readonly to: number | undefined;
}

/** The period cut where its first whole day begins, and where its last one ends. */
function spansOf({ from, to }: SumFilter): readonly Span[] {
  const first = from === undefined ? undefined : Math.ceil(from / SUM_MS) * SUM_MS;
  const last = to === undefined ? undefined : Math.floor(to / SUM_MS) * SUM_MS;
  if (first !== undefined && last !== undefined && first >= last) return [{ whole: false, from, to }];
  return [
    ...(from === first ? [] : [{ whole: false, from, to: first }]),
    { whole: true, from: first, to: last },
    ...(to === last ? [] : [{ whole: false, from: last, to }]),
  ];
}

function boundsOf({ whole, from, to }: Span): readonly RawBuilder<SqlBool>[] {
  const moment = sql.ref(whole ? 'day_start' : 'created_at');
  return [
    ...(from === undefined ? [] : [sql<SqlBool>`${moment} >= ${from}`]),
    ...(to === undefined ? [] : [sql<SqlBool>`${moment} < ${to}`]),
  ];
}

/** What both sums and records can be asked for. */
export function conditionsOf({ keyId, owner, model, provider, tag }: SumFilter): readonly RawBuilder<SqlBool>[] {
  const equal = Object.entries({ key_id: keyId, owner, model, provider }).flatMap(([column, value]) =>
    value === undefined ? [] : [sql<SqlBool>`${sql.ref(column)} = ${storable(value)}`],
  );
  return tag === undefined ? equal : [...equal, hasTag(tag)];
}

/**
 * An element of a JSON array is preceded by `[` or a comma. `replace` compares letter by letter in both databases;
 * `LIKE` in SQLite ignores case, and their JSON functions have nothing in common.
 */
export function hasTag(tag: string, column = 'tags'): RawBuilder<SqlBool> {
  const tags = sql.ref(column);
  const startsWith = (before: string) => sql<SqlBool>`replace(${tags}, ${before + JSON.stringify(tag)}, '') <> ${tags}`;
  return sql<SqlBool>`(${startsWith('[')} or ${startsWith(',')})`;
}
