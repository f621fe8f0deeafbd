import type { Page, VirtualKeyStore } from '../../access/virtual-key.store.js';
import type { Budget } from '../../domain/limit.js';
import type { VirtualKey } from '../../domain/virtual-key.js';
import type { Transaction } from 'kysely';
import { cutPage, decodeCursor } from './cursor.js';
import type { Schema, VirtualKeyRow } from './schema.js';
import type { SqlDatabase } from './sql-database.js';
import { storable, storableOrNull } from './storable.js';

/** Virtual keys in SQLite or PostgreSQL. */
export class KyselyVirtualKeyStore implements VirtualKeyStore {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  async insert(key: VirtualKey): Promise<void> {
    await this.#write((transaction) => transaction.insertInto('virtual_keys').values(rowOf(key)).execute());
  }

  async findByHash(hash: string): Promise<VirtualKey | undefined> {
    return this.#find('hash', hash);
  }

  async findById(id: string): Promise<VirtualKey | undefined> {
    return this.#find('id', id);
  }

  async list(page: { readonly limit: number; readonly cursor: string | null }): Promise<Page<VirtualKey>> {
    let query = this.#database.query.selectFrom('virtual_keys').selectAll();
    if (page.cursor !== null) {
      const { createdAt, id } = decodeCursor(page.cursor);
      query = query.where((expression) =>
        expression(expression.refTuple('created_at', 'id'), '<', expression.tuple(createdAt, id)),
      );
    }
    const found = await query
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(page.limit + 1)
      .execute();
    const { rows, nextCursor } = cutPage(found, page.limit, (row) => ({ createdAt: row.created_at, id: row.id }));
    return { items: rows.map(keyOf), nextCursor };
  }

  async delete(id: string): Promise<boolean> {
    const [result] = await this.#write((transaction) =>
      transaction.deleteFrom('virtual_keys').where('id', '=', storable(id)).execute(),
    );
    return result !== undefined && result.numDeletedRows > 0n;
  }

  async count(): Promise<number> {
    const row = await this.#database.query
      .selectFrom('virtual_keys')
      .select(({ fn }) => fn.countAll<number>().as('keys'))
      .executeTakeFirstOrThrow();
    return row.keys;
  }

  /** In a transaction, however short: only those wait for the write lock of SQLite. */
  async #write<T>(run: (transaction: Transaction<Schema>) => Promise<T>): Promise<T> {
    return this.#database.query.transaction().execute(run);
  }

  async #find(column: 'hash' | 'id', value: string): Promise<VirtualKey | undefined> {
    const row = await this.#database.query
      .selectFrom('virtual_keys')
      .selectAll()
      .where(column, '=', storable(value))
      .executeTakeFirst();
    return row && keyOf(row);
  }
}

function rowOf(key: VirtualKey): VirtualKeyRow {
  return {
    id: key.id,
    hash: key.hash,
    prefix: key.prefix,
    name: storable(key.name),
    owner: storableOrNull(key.owner),
    tags: JSON.stringify(key.tags),
    models: key.models && JSON.stringify(key.models),
    allowed_ips: key.allowedIps && JSON.stringify(key.allowedIps),
    rpm: key.rpm,
    tpm: key.tpm,
    concurrency: key.concurrency,
    budget_usd: key.budget?.usd ?? null,
    budget_per: key.budget?.per ?? null,
    expires_at: key.expiresAt,
    disabled: key.disabled ? 1 : 0,
    created_at: key.createdAt,
    previous_hash: null,
    previous_until: null,
    updated_at: key.createdAt,
    deleted_at: null,
  };
}

function keyOf(row: VirtualKeyRow): VirtualKey {
  const { budget_usd: usd, budget_per: per } = row;
  return {
    id: row.id,
    hash: row.hash,
    prefix: row.prefix,
    name: row.name,
    owner: row.owner,
    tags: strings(row.tags),
    models: row.models === null ? null : strings(row.models),
    allowedIps: row.allowed_ips === null ? null : strings(row.allowed_ips),
    rpm: row.rpm,
    tpm: row.tpm,
    concurrency: row.concurrency,
    budget: usd === null || per === null ? null : { usd, per: per as Budget['per'] },
    expiresAt: row.expires_at,
    disabled: row.disabled !== 0,
    createdAt: row.created_at,
  };
}

const strings = (json: string): readonly string[] => JSON.parse(json) as string[];
