import { sql, type Kysely, type RawBuilder, type SqlBool } from 'kysely';
import type { Dimension, SumFilter, UsageSum } from '../../../usage/usage.store.js';
import type { Schema } from '../schema.js';
import { partsOf, SUMMED_COLUMNS, type GroupColumn, type SummedColumn } from './usage-parts.js';

export const DAY_MS = 86_400_000;

/** A value for each dimension, in the order by which groups are sorted; a day is its number since 1970, '' nothing. */
export type GroupValues = readonly (string | number)[];

export interface GroupQuery {
  readonly filter: SumFilter;
  /** `day` first, if it is among them: the newest comes first, and then the values of the others as letters sort. */
  readonly by: readonly Dimension[];
  /** Only what comes after this group. */
  readonly after: GroupValues | undefined;
  readonly limit: number;
}

export interface FoundGroup {
  readonly values: GroupValues;
  readonly sum: UsageSum;
}

const COLUMNS: Readonly<Record<Dimension, GroupColumn>> = {
  day: 'moment',
  key: 'key_id',
  owner: 'owner',
  model: 'model',
  provider: 'provider',
  tag: 'tags',
};

/** Sums as text: neither database hands out a sum beyond 2^53 exactly in another way that both have. */
type Row = Readonly<Record<SummedColumn, string>> & Readonly<Record<string, string | number>>;

/** One group for each combination of values that there is; a single one, of everything, where nothing is grouped by. */
export async function findGroups(
  { db, kind }: { readonly db: Kysely<Schema>; readonly kind: 'sqlite' | 'postgres' },
  { filter, by, after, limit }: GroupQuery,
): Promise<readonly FoundGroup[]> {
  const spelling = SPELLINGS[kind];
  const values = by.map((dimension) => valueOf(dimension, spelling));
  const selected = [
    ...values.map((value, at) => sql`${value} as ${sql.ref(`d${at}`)}`),
    ...SUMMED_COLUMNS.map((column) => sql`cast(coalesce(sum(${sql.ref(column)}), 0) as text) as ${sql.ref(column)}`),
  ];
  const places = sql.join(by.map((_, at) => sql.raw(String(at + 1))));
  const order = sql.join(by.map((dimension, at) => sql.raw(`${at + 1}${dimension === 'day' ? ' desc' : ''}`)));
  const { rows } = await sql<Row>`
    select ${sql.join(selected)}
    from (${partsOf(db, filter, [...new Set(by.map((dimension) => COLUMNS[dimension]))])}) as part
    ${by.includes('tag') ? sql`left join ${spelling.tags} as tag on true` : sql``}
    ${after === undefined ? sql`` : sql`where ${isAfter({ by, values, after })}`}
    ${by.length === 0 ? sql`` : sql`group by ${places} order by ${order}`}
    limit ${limit}`.execute(db);
  return rows.map((row) => ({ values: by.map((_, at) => row[`d${at}`] ?? ''), sum: sumOf(row) }));
}

interface Spelling {
  /** PostgreSQL sorts by the rules of a language unless it is told otherwise. */
  readonly collation: RawBuilder<unknown>;
  readonly tags: RawBuilder<unknown>;
}

const SPELLINGS: Readonly<Record<'sqlite' | 'postgres', Spelling>> = {
  sqlite: { collation: sql``, tags: sql`json_each(nullif(part.tags, ''))` },
  postgres: { collation: sql`collate "C"`, tags: sql`json_array_elements_text(nullif(part.tags, '')::json)` },
};

function valueOf(dimension: Dimension, { collation }: Spelling): RawBuilder<unknown> {
  switch (dimension) {
    case 'day':
      return sql`(part.moment / ${sql.lit(DAY_MS)})`;
    case 'tag':
      return sql`coalesce(tag.value, '') ${collation}`;
    default:
      return sql`part.${sql.ref(COLUMNS[dimension])} ${collation}`;
  }
}

interface Place {
  readonly by: readonly Dimension[];
  readonly values: readonly RawBuilder<unknown>[];
  readonly after: GroupValues;
}

function isAfter({ by, values, after }: Place): RawBuilder<SqlBool> {
  if (by[0] !== 'day') return sql`(${sql.join(values)}) > (${sql.join(after)})`;
  const [day, ...others] = values;
  const [lastDay, ...lastOthers] = after;
  if (others.length === 0) return sql`${day} < ${lastDay}`;
  return sql`(${day} < ${lastDay} or (${day} = ${lastDay} and (${sql.join(others)}) > (${sql.join(lastOthers)})))`;
}

function sumOf(row: Row): UsageSum {
  return {
    requests: Number(row.requests),
    promptTokens: Number(row.prompt_tokens),
    completionTokens: Number(row.completion_tokens),
    cachedTokens: Number(row.cached_tokens),
    cacheWriteTokens: Number(row.cache_write_tokens),
    reasoningTokens: Number(row.reasoning_tokens),
    audioTokens: Number(row.audio_tokens),
    costNanoUsd: BigInt(row.cost_nano_usd),
    unpricedRequests: Number(row.unpriced),
    estimatedRequests: Number(row.estimated),
  };
}
