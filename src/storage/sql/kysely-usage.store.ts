import { InvalidRequestError } from '../../domain/errors.js';
import type { UsageRecord } from '../../domain/usage.js';
import type {
  Dimension,
  PageOf,
  PageWish,
  SumFilter,
  UsageFilter,
  UsageGroup,
  UsageStore,
  UsageSum,
} from '../../usage/usage.store.js';
import { cutPage, decodeCursor } from './cursor.js';
import { findRecords } from './reading/found-records.js';
import { groupPage } from './reading/group-pages.js';
import type { RecordPlace } from './reading/record-rows.js';
import { READING_TIMES } from './reading/query-processes.js';
import { tellingOf } from './reading/reading-timeout-error.js';
import { findGroups, type GroupQuery } from './reading/usage-groups.js';
import type { UsageAttemptRow } from './schema.js';
import type { SqlDatabase } from './sql-database.js';
import { recordOf } from './usage-rows.js';

/** Usage records in SQLite or PostgreSQL. What is read of them goes past those who write, and may be ended. */
export class KyselyUsageStore implements UsageStore {
  readonly #database: SqlDatabase;
  readonly #ledger: { readonly db: SqlDatabase['reader']; readonly kind: SqlDatabase['kind'] };

  constructor(database: SqlDatabase) {
    this.#database = database;
    this.#ledger = { db: database.reader, kind: database.kind };
  }

  async append(records: readonly UsageRecord[]): Promise<void> {
    if (records.length > 0) await this.#database.usage.write(records);
  }

  list(filter: UsageFilter, { limit, cursor }: PageWish): Promise<PageOf<UsageRecord>> {
    return inTime(async () => {
      const before = cursor === null ? undefined : placeOf(cursor);
      const found = await findRecords(this.#ledger, { filter, before, limit: limit + 1 });
      const page = cutPage(found, limit, (place) => ({ createdAt: place.created_at, id: String(place.id) }));
      return { items: await this.#recordsOf(page.rows), nextCursor: page.nextCursor };
    });
  }

  async sum(filter: SumFilter): Promise<UsageSum> {
    const [group] = await this.#groups({ filter, by: [], after: undefined, limit: 1 });
    if (group === undefined) throw new Error('A sum of nothing is a row of noughts.');
    return group.sum;
  }

  groups(filter: SumFilter, by: readonly Dimension[], page: PageWish): Promise<PageOf<UsageGroup>> {
    return groupPage((query) => this.#groups(query), { filter, by, page });
  }

  #groups(query: GroupQuery) {
    return inTime(() => findGroups(this.#ledger, query));
  }

  async #recordsOf(places: readonly RecordPlace[]): Promise<readonly UsageRecord[]> {
    if (places.length === 0) return [];
    const ids = places.map(({ id }) => id);
    const { db } = this.#ledger;
    const rows = await db.selectFrom('usage_records').selectAll().where('id', 'in', ids).execute();
    const attempts = await db
      .selectFrom('usage_attempts')
      .selectAll()
      .where('record_id', 'in', ids)
      .orderBy('record_id')
      .orderBy('position')
      .execute();
    const byId = new Map(rows.map((row) => [row.id, row]));
    const attemptsById = grouped(attempts);
    // One that was deleted in between is no longer there.
    return ids.flatMap((id) => {
      const row = byId.get(id);
      return row === undefined ? [] : [recordOf(row, attemptsById.get(id) ?? [])];
    });
  }
}

/** What PostgreSQL broke off is told like what we did. */
async function inTime<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw tellingOf(error, READING_TIMES.longest);
  }
}

function placeOf(cursor: string): RecordPlace {
  const { createdAt, id } = decodeCursor(cursor);
  if (/^\d{1,15}$/.test(id)) return { created_at: createdAt, id: Number(id) };
  throw new InvalidRequestError('`cursor` must be the `next_cursor` of an earlier answer.', { param: 'cursor' });
}

function grouped(
  rows: readonly (UsageAttemptRow & { readonly record_id: number })[],
): ReadonlyMap<number, readonly UsageAttemptRow[]> {
  const groups = new Map<number, UsageAttemptRow[]>();
  for (const row of rows) {
    const others = groups.get(row.record_id);
    if (others === undefined) groups.set(row.record_id, [row]);
    else others.push(row);
  }
  return groups;
}
