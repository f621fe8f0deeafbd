import type { KeyFilter } from '../../access/virtual-key.store.js';
import { type RawBuilder, sql } from 'kysely';
import type { Position } from './cursor.js';
import type { SqlDatabase } from './sql-database.js';
import { storable } from './storable.js';

/** Keys newest first, from after a place of that order. */
export function listedKeys(database: SqlDatabase, filter: KeyFilter, after: Position | undefined) {
  const { search, owner, tag, disabled } = filter;
  let query = database.query.selectFrom('virtual_keys').selectAll().where('deleted_at', 'is', null);
  if (after !== undefined) {
    query = query.where((expression) =>
      expression(expression.refTuple('created_at', 'id'), '<', expression.tuple(after.createdAt, after.id)),
    );
  }
  if (search !== undefined) query = query.where(contains(search));
  if (owner !== undefined) query = query.where('owner', '=', storable(owner));
  if (tag !== undefined) query = query.where(isTagged(database, tag));
  if (disabled !== undefined) query = query.where('disabled', '=', disabled ? 1 : 0);
  return query.orderBy('created_at', 'desc').orderBy('id', 'desc');
}

/**
 * Both sides go through the database's own `lower`: it knows fewer letters than JavaScript does, and what is written
 * exactly as it stands there must be found.
 */
function contains(search: string): RawBuilder<boolean> {
  const pattern = `%${storable(search).replace(/[\\%_]/g, '\\$&')}%`;
  const alike = (column: string) => sql`lower(${sql.ref(column)}) like lower(${pattern}) escape '\\'`;
  return sql<boolean>`(${sql.join(['name', 'owner', 'id', 'prefix'].map(alike), sql` or `)})`;
}

function isTagged({ kind }: SqlDatabase, tag: string): RawBuilder<boolean> {
  const wanted = storable(tag);
  if (kind === 'sqlite') return sql<boolean>`exists (select 1 from json_each(tags) where value = ${wanted})`;
  return sql<boolean>`tags::jsonb ? ${wanted}`;
}
