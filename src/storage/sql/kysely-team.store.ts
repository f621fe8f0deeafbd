import type { StoredTeam, TeamNews, TeamStore } from '../../access/teams/team.store.js';
import type { LimitTerms, Team } from '../../domain/limit.js';
import type { Transaction, UpdateObject } from 'kysely';
import { budgetOf, limitColumns } from './limit-columns.js';
import { answered } from './postgres-failure.js';
import { nextVersion, sharedNow, within } from './row-version.js';
import type { Schema, TeamRow } from './schema.js';
import type { SqlDatabase } from './sql-database.js';
import { storable } from './storable.js';

/** Teams in SQLite or PostgreSQL. */
export class KyselyTeamStore implements TeamStore {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  /** What was deleted under this name makes way: its row becomes the new one's. */
  async insert({ name, ...terms }: Team): Promise<StoredTeam | undefined> {
    const fresh = { ...limitColumns(terms), created_at: Date.now(), deleted_at: null };
    const row = await this.#write(async (transaction) => {
      const revived = await transaction
        .updateTable('teams')
        .set({ ...fresh, updated_at: nextVersion(this.#database) })
        .where('name', '=', storable(name))
        .where('deleted_at', 'is not', null)
        .returningAll()
        .executeTakeFirst();
      if (revived !== undefined) return revived;
      return transaction
        .insertInto('teams')
        .values({ name: storable(name), ...fresh, updated_at: sharedNow(this.#database) })
        .onConflict((conflict) => conflict.column('name').doNothing())
        .returningAll()
        .executeTakeFirst();
    });
    return row && teamOf(row);
  }

  async find(name: string): Promise<StoredTeam | undefined> {
    const question = this.#database.query
      .selectFrom('teams')
      .selectAll()
      .where('name', '=', storable(name))
      .where('deleted_at', 'is', null)
      .executeTakeFirst();
    const row = await answered(question);
    return row && teamOf(row);
  }

  async all(): Promise<readonly StoredTeam[]> {
    const question = this.#database.query.selectFrom('teams').selectAll().where('deleted_at', 'is', null);
    return (await answered(question.execute())).map(teamOf);
  }

  async change(name: string, terms: Partial<LimitTerms>): Promise<StoredTeam | undefined> {
    return this.#update(name, limitColumns(terms));
  }

  async delete(name: string): Promise<StoredTeam | undefined> {
    return this.#update(name, { deleted_at: sharedNow(this.#database) });
  }

  async changed(withinMs: number): Promise<readonly TeamNews[]> {
    const rows = await this.#database.query
      .selectFrom('teams')
      .selectAll()
      .where(within(this.#database, 'updated_at', withinMs))
      .execute();
    return rows.map((row) => ({ team: teamOf(row), isDeleted: row.deleted_at !== null }));
  }

  async purge(deletedForMs: number): Promise<void> {
    await this.#database.query
      .deleteFrom('teams')
      .where('deleted_at', 'is not', null)
      .where((expression) => expression.not(within(this.#database, 'deleted_at', deletedForMs)))
      .execute();
  }

  async #update(name: string, values: UpdateObject<Schema, 'teams'>): Promise<StoredTeam | undefined> {
    const row = await this.#write((transaction) =>
      transaction
        .updateTable('teams')
        .set({ ...values, updated_at: nextVersion(this.#database) })
        .where('name', '=', storable(name))
        .where('deleted_at', 'is', null)
        .returningAll()
        .executeTakeFirst(),
    );
    return row && teamOf(row);
  }

  /** In a transaction, however short: only those wait for the write lock of SQLite. */
  async #write<T>(run: (transaction: Transaction<Schema>) => Promise<T>): Promise<T> {
    return answered(this.#database.query.transaction().execute(run));
  }
}

function teamOf(row: TeamRow): StoredTeam {
  const { name, rpm, tpm, concurrency, created_at: createdAt, updated_at: version } = row;
  return { name, rpm, tpm, concurrency, budget: budgetOf(row), createdAt, version };
}
