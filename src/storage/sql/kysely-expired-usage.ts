import { sql } from 'kysely';
import type { ExpiredUsage } from '../../usage/expired-usage.js';
import { SUM_MS } from './schema.js';
import type { SqlDatabase } from './sql-database.js';
import { SUM_KEY } from './usage-sums.js';

/** SQLite deletes in our own thread: some 5 ms, in which nothing else moves. */
const MOST = { sqlite: 100, postgres: 1_000 } as const;

/** Deletes the oldest rows first, each portion in a transaction of its own. */
export class KyselyExpiredUsage implements ExpiredUsage {
  readonly most: number;

  constructor(private readonly database: SqlDatabase) {
    this.most = MOST[database.kind];
  }

  async deleteRequests(before: number): Promise<number> {
    // Attempts and tags go with their records.
    const { numDeletedRows } = await this.database.query.transaction().execute((transaction) =>
      transaction
        .deleteFrom('usage_records')
        .where('id', 'in', (records) =>
          records
            .selectFrom('usage_records')
            .select('id')
            .where('created_at', '<', before)
            .orderBy('created_at')
            .limit(this.most),
        )
        .executeTakeFirstOrThrow(),
    );
    return Number(numDeletedRows);
  }

  async deleteSums(before: number): Promise<number> {
    const { numDeletedRows } = await this.database.query.transaction().execute((transaction) =>
      transaction
        .deleteFrom('usage_sums')
        .where((row) => {
          const oldest = row
            .selectFrom('usage_sums')
            .select(SUM_KEY)
            .where('day_start', '<=', before - SUM_MS);
          return sql<boolean>`(${sql.join(SUM_KEY.map((name) => sql.ref(name)))}) in ${oldest.orderBy('day_start').limit(this.most)}`;
        })
        .executeTakeFirstOrThrow(),
    );
    return Number(numDeletedRows);
  }
}
