import type { KeyTerms } from '../../access/virtual-key.store.js';
import type { VirtualKey } from '../../domain/virtual-key.js';
import { budgetOf, limitColumns } from './limit-columns.js';
import type { VirtualKeyRow } from './schema.js';
import { storable, storableOrNull } from './storable.js';

/** What stands in no row by itself: when it was changed is for the database to say. */
type NewRow = Omit<VirtualKeyRow, 'updated_at'>;

export function rowOf(key: VirtualKey): NewRow {
  return {
    id: key.id,
    hash: key.hash,
    prefix: key.prefix,
    name: storable(key.name),
    owner: storableOrNull(key.owner),
    tags: list(key.tags),
    models: key.models && list(key.models),
    allowed_ips: key.allowedIps && list(key.allowedIps),
    ...limitColumns(key),
    expires_at: key.expiresAt,
    disabled: key.disabled ? 1 : 0,
    created_at: key.createdAt,
    previous_hash: key.previous?.hash ?? null,
    previous_until: key.previous?.goodUntil ?? null,
    deleted_at: null,
  };
}

/** The columns of those terms that are named. */
export function termColumns(terms: Partial<KeyTerms>): Partial<NewRow> {
  const { name, owner, tags, models, allowedIps, expiresAt, disabled } = terms;
  return {
    ...(name !== undefined && { name: storable(name) }),
    ...(owner !== undefined && { owner: storableOrNull(owner) }),
    ...(tags !== undefined && { tags: list(tags) }),
    ...(models !== undefined && { models: models && list(models) }),
    ...(allowedIps !== undefined && { allowed_ips: allowedIps && list(allowedIps) }),
    ...limitColumns(terms),
    ...(expiresAt !== undefined && { expires_at: expiresAt }),
    ...(disabled !== undefined && { disabled: disabled ? 1 : 0 }),
  };
}

export function keyOf(row: VirtualKeyRow): VirtualKey {
  const { previous_hash: previous, previous_until: goodUntil } = row;
  return {
    id: row.id,
    hash: row.hash,
    ...(previous !== null && { previous: { hash: previous, goodUntil: goodUntil ?? 0 } }),
    prefix: row.prefix,
    name: row.name,
    owner: row.owner,
    tags: strings(row.tags),
    models: row.models === null ? null : strings(row.models),
    allowedIps: row.allowed_ips === null ? null : strings(row.allowed_ips),
    rpm: row.rpm,
    tpm: row.tpm,
    concurrency: row.concurrency,
    budget: budgetOf(row),
    expiresAt: row.expires_at,
    disabled: row.disabled !== 0,
    createdAt: row.created_at,
  };
}

/** PostgreSQL reads no JSON in which U+0000 is written, however it is escaped. */
const list = (texts: readonly string[]): string => JSON.stringify(texts.map(storable));
const strings = (json: string): readonly string[] => JSON.parse(json) as string[];
