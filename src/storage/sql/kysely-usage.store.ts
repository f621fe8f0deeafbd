import { type ExpressionBuilder, type SelectQueryBuilder, sql } from 'kysely';
import type { UsageRecord } from '../../domain/usage.js';
import type { DailyUsage, UsageFilter, UsageStore, UsageSum } from '../../usage/usage.store.js';
import { cutPage, decodeCursor } from './cursor.js';
import type { Schema, UsageAttemptRow } from './schema.js';
import type { SqlDatabase } from './sql-database.js';
import { storable } from './storable.js';
import { recordOf } from './usage-rows.js';

/** Usage records in SQLite or PostgreSQL. */
export class KyselyUsageStore implements UsageStore {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  async append(records: readonly UsageRecord[]): Promise<void> {
    if (records.length > 0) await this.#database.usage.write(records);
  }

  async list(
    filter: UsageFilter,
    page: { readonly limit: number; readonly cursor: string | null },
  ): Promise<{ readonly items: readonly UsageRecord[]; readonly nextCursor: string | null }> {
    let query = this.#records(filter).selectAll();
    if (page.cursor !== null) {
      const { createdAt, id } = decodeCursor(page.cursor);
      query = query.where((expression) =>
        expression(expression.refTuple('created_at', 'request_id'), '<', expression.tuple(createdAt, id)),
      );
    }
    const found = await query
      .orderBy('created_at', 'desc')
      .orderBy('request_id', 'desc')
      .limit(page.limit + 1)
      .execute();
    const { rows, nextCursor } = cutPage(found, page.limit, (row) => ({
      createdAt: row.created_at,
      id: row.request_id,
    }));
    const attempts = await this.#attemptsOf(rows.map((row) => row.id));
    return { items: rows.map((row) => recordOf(row, attempts.get(row.id) ?? [])), nextCursor };
  }

  async sum(filter: UsageFilter): Promise<UsageSum> {
    return sumOf(await this.#records(filter).select(sums).executeTakeFirstOrThrow());
  }

  async byDayAndModel(filter: UsageFilter): Promise<readonly DailyUsage[]> {
    const rows = await this.#records(filter)
      .select(['day', 'model'])
      .select(sums)
      .groupBy(['day', 'model'])
      .orderBy('day', 'desc')
      .orderBy('model')
      .execute();
    return rows.map(({ day, model, ...row }) => ({ day, model, ...sumOf(row) }));
  }

  #records(filter: UsageFilter): SelectQueryBuilder<Schema, 'usage_records', object> {
    let query = this.#database.query.selectFrom('usage_records');
    if (filter.from !== undefined) query = query.where('created_at', '>=', filter.from);
    if (filter.to !== undefined) query = query.where('created_at', '<', filter.to);
    for (const [column, value] of textConditions(filter)) {
      if (value !== undefined) query = query.where(column, '=', storable(value));
    }
    const { tag } = filter;
    return tag === undefined ? query : query.where((expression) => hasTag(expression, tag));
  }

  async #attemptsOf(recordIds: readonly number[]): Promise<ReadonlyMap<number, readonly UsageAttemptRow[]>> {
    if (recordIds.length === 0) return new Map();
    const rows = await this.#database.query
      .selectFrom('usage_attempts')
      .selectAll()
      .where('record_id', 'in', recordIds)
      .orderBy('position')
      .execute();
    const grouped = new Map<number, UsageAttemptRow[]>();
    for (const row of rows) {
      const others = grouped.get(row.record_id);
      if (others === undefined) grouped.set(row.record_id, [row]);
      else others.push(row);
    }
    return grouped;
  }
}

const textConditions = (filter: UsageFilter) =>
  [
    ['key_id', filter.keyId],
    ['model', filter.model],
    ['provider', filter.provider],
    ['outcome', filter.outcome],
    ['request_id', filter.requestId],
  ] as const;

/**
 * An element of a JSON array is preceded by `[` or a comma. `replace` compares letter by letter in both databases;
 * `LIKE` in SQLite ignores case, and their JSON functions have nothing in common.
 */
function hasTag(expression: ExpressionBuilder<Schema, 'usage_records'>, tag: string) {
  const tags = expression.ref('tags');
  const startsWith = (before: string) => sql<boolean>`replace(${tags}, ${before + JSON.stringify(tag)}, '') <> ${tags}`;
  return expression.or([startsWith('['), startsWith(',')]);
}

/** As text: libsql hands out numbers and would round a sum beyond 2^53 without a word. */
const textSum = (expression: ExpressionBuilder<Schema, 'usage_records'>, column: SummedColumn) =>
  sql<string>`cast(coalesce(sum(${expression.ref(column)}), 0) as text)`;

type SummedColumn = 'prompt_tokens' | 'completion_tokens' | 'cached_tokens' | 'cost_nano_usd';

const sums = (expression: ExpressionBuilder<Schema, 'usage_records'>) => [
  expression.fn.countAll<number>().as('requests'),
  textSum(expression, 'prompt_tokens').as('prompt'),
  textSum(expression, 'completion_tokens').as('completion'),
  textSum(expression, 'cached_tokens').as('cached'),
  textSum(expression, 'cost_nano_usd').as('cost'),
  // Without counts there was nothing to price.
  sql<number>`count(case when ${expression.ref('cost_nano_usd')} is null then ${expression.ref('prompt_tokens')} end)`.as(
    'unpriced',
  ),
];

interface SumRow {
  readonly requests: number;
  readonly prompt: string;
  readonly completion: string;
  readonly cached: string;
  readonly cost: string;
  readonly unpriced: number;
}

function sumOf(row: SumRow): UsageSum {
  return {
    requests: row.requests,
    promptTokens: Number(row.prompt),
    completionTokens: Number(row.completion),
    cachedTokens: Number(row.cached),
    costNanoUsd: BigInt(row.cost),
    unpricedRequests: row.unpriced,
  };
}
