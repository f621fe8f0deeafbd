import { InvalidRequestError } from '../../domain/errors.js';

/** The place of the last row of a page in a newest-first listing. */
export interface Position {
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly id: string;
}

/** Opaque to clients: what they get with a page and hand back for the next. */
function encodeCursor({ createdAt, id }: Position): string {
  return Buffer.from(JSON.stringify([createdAt, id])).toString('base64url');
}

/** Throws InvalidRequestError for what is not a cursor of ours. */
export function decodeCursor(cursor: string): Position {
  const [createdAt, id, ...rest] = parsed(cursor);
  const valid =
    typeof createdAt === 'number' &&
    Number.isSafeInteger(createdAt) &&
    typeof id === 'string' &&
    /^[\x21-\x7e]{1,128}$/.test(id) &&
    rest.length === 0;
  if (!valid)
    throw new InvalidRequestError('`cursor` must be the `next_cursor` of an earlier answer.', { param: 'cursor' });
  return { createdAt, id };
}

function parsed(cursor: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

/** The page of at most `limit` rows, where one row more was asked for to learn whether there are others. */
export function cutPage<Row>(
  rows: readonly Row[],
  limit: number,
  position: (row: Row) => Position,
): { readonly rows: readonly Row[]; readonly nextCursor: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { rows: page, nextCursor: rows.length > limit && last !== undefined ? encodeCursor(position(last)) : null };
}
