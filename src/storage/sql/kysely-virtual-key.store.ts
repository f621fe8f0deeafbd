import type {
  KeyFilter,
  KeyNews,
  KeyTerms,
  Page,
  PageWish,
  Replacement,
  VirtualKeyStore,
} from '../../access/virtual-key.store.js';
import type { VirtualKey } from '../../domain/virtual-key.js';
import { sql, type Transaction, type UpdateObject } from 'kysely';
import { cutPage, decodeCursor } from './cursor.js';
import { listedKeys } from './key-listing.js';
import { keyOf, rowOf, termColumns } from './key-rows.js';
import { answered } from './postgres-failure.js';
import { nextVersion, sharedNow, within } from './row-version.js';
import type { Schema } from './schema.js';
import type { SqlDatabase } from './sql-database.js';
import { storable } from './storable.js';

/** Virtual keys in SQLite or PostgreSQL. */
export class KyselyVirtualKeyStore implements VirtualKeyStore {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  async insert(key: VirtualKey): Promise<void> {
    const row = { ...rowOf(key), updated_at: sharedNow(this.#database) };
    await this.#write((transaction) => transaction.insertInto('virtual_keys').values(row).execute());
  }

  async findByHash(hash: string): Promise<VirtualKey | undefined> {
    const row = await this.#database.query
      .selectFrom('virtual_keys')
      .selectAll()
      .where((expression) => expression.or({ hash: storable(hash), previous_hash: storable(hash) }))
      .where('deleted_at', 'is', null)
      .executeTakeFirst();
    return row && keyOf(row);
  }

  async findById(id: string): Promise<VirtualKey | undefined> {
    const question = this.#database.query
      .selectFrom('virtual_keys')
      .selectAll()
      .where('id', '=', storable(id))
      .where('deleted_at', 'is', null)
      .executeTakeFirst();
    const row = await answered(question);
    return row && keyOf(row);
  }

  async list({ limit, cursor }: PageWish, filter: KeyFilter = {}): Promise<Page<VirtualKey>> {
    const after = cursor === null ? undefined : decodeCursor(cursor);
    const question = listedKeys(this.#database, filter, after).limit(limit + 1);
    const found = await answered(question.execute());
    const { rows, nextCursor } = cutPage(found, limit, (row) => ({ createdAt: row.created_at, id: row.id }));
    return { items: rows.map(keyOf), nextCursor };
  }

  async change(id: string, terms: Partial<KeyTerms>): Promise<VirtualKey | undefined> {
    return this.#update(id, termColumns(terms));
  }

  /** In one statement, so that of two rotations at once neither is lost: the second replaces the key of the first. */
  async rotate(id: string, { hash, prefix, previousGoodUntil }: Replacement): Promise<VirtualKey | undefined> {
    const replaced = { previous_hash: sql.ref<string>('hash'), previous_until: previousGoodUntil };
    return this.#update(id, { hash, prefix, ...replaced });
  }

  async delete(id: string): Promise<VirtualKey | undefined> {
    return this.#update(id, { deleted_at: sharedNow(this.#database) });
  }

  async count(): Promise<number> {
    const row = await this.#database.query
      .selectFrom('virtual_keys')
      .select(({ fn }) => fn.countAll<number>().as('keys'))
      .where('deleted_at', 'is', null)
      .executeTakeFirstOrThrow();
    return row.keys;
  }

  async changed(withinMs: number): Promise<readonly KeyNews[]> {
    const rows = await this.#database.query
      .selectFrom('virtual_keys')
      .select(['id', 'hash', 'previous_hash', 'updated_at'])
      .where(within(this.#database, 'updated_at', withinMs))
      .execute();
    return rows.map(({ id, hash, previous_hash: previous, updated_at: version }) => ({
      id,
      hashes: previous === null ? [hash] : [hash, previous],
      version,
    }));
  }

  async purge(deletedForMs: number): Promise<void> {
    await this.#database.query
      .deleteFrom('virtual_keys')
      .where('deleted_at', 'is not', null)
      .where((expression) => expression.not(within(this.#database, 'deleted_at', deletedForMs)))
      .execute();
  }

  async #update(id: string, values: UpdateObject<Schema, 'virtual_keys'>): Promise<VirtualKey | undefined> {
    const row = await this.#write((transaction) =>
      transaction
        .updateTable('virtual_keys')
        .set({ ...values, updated_at: nextVersion(this.#database) })
        .where('id', '=', storable(id))
        .where('deleted_at', 'is', null)
        .returningAll()
        .executeTakeFirst(),
    );
    return row && keyOf(row);
  }

  /** In a transaction, however short: only those wait for the write lock of SQLite. */
  async #write<T>(run: (transaction: Transaction<Schema>) => Promise<T>): Promise<T> {
    return answered(this.#database.query.transaction().execute(run));
  }
}
