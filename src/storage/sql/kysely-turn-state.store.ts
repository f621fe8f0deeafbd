import { TurnStateStore, type SealedTurnState } from '../../turn-state/turn-state.store.js';
import type { TurnStateRow } from './schema.js';
import type { SqlDatabase } from './sql-database.js';

/** Ids in one query: neither database takes any number of parameters. */
const IDS_AT_ONCE = 500;

/** Turn states in SQLite or PostgreSQL. */
export class KyselyTurnStateStore extends TurnStateStore {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    super();
    this.#database = database;
  }

  async write(states: readonly SealedTurnState[]): Promise<void> {
    if (states.length === 0) return;
    // In a transaction, however short: only those wait for the write lock of SQLite.
    await this.#database.query.transaction().execute((transaction) =>
      transaction
        .insertInto('turn_states')
        .values(states.map(rowOf))
        .onConflict((conflict) =>
          conflict.column('id').doUpdateSet((given) => ({
            format: given.ref('excluded.format'),
            payload: given.ref('excluded.payload'),
            expires_at: given.ref('excluded.expires_at'),
          })),
        )
        .execute(),
    );
  }

  async find(ids: readonly string[], at: number): Promise<readonly SealedTurnState[]> {
    const found: SealedTurnState[] = [];
    for (let start = 0; start < ids.length; start += IDS_AT_ONCE) {
      const rows = await this.#database.query
        .selectFrom('turn_states')
        .selectAll()
        .where('id', 'in', ids.slice(start, start + IDS_AT_ONCE))
        .where('expires_at', '>', at)
        .execute();
      for (const row of rows) found.push(stateOf(row));
    }
    return found;
  }

  async deleteExpired(at: number, limit: number): Promise<number> {
    const [result] = await this.#database.query.transaction().execute((transaction) =>
      transaction
        .deleteFrom('turn_states')
        .where('id', 'in', (expired) =>
          expired
            .selectFrom('turn_states')
            .select('id')
            .where('expires_at', '<=', at)
            .orderBy('expires_at')
            .limit(limit),
        )
        .execute(),
    );
    return Number(result?.numDeletedRows ?? 0n);
  }
}

function rowOf({ id, format, payload, expiresAt }: SealedTurnState): TurnStateRow {
  return { id, format, payload, expires_at: expiresAt };
}

function stateOf({ id, format, payload, expires_at: expiresAt }: TurnStateRow): SealedTurnState {
  return { id, format, payload, expiresAt };
}
