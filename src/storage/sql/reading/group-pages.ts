import { createHash } from 'node:crypto';
import { InvalidRequestError } from '../../../domain/errors.js';
import type { Dimension, PageOf, PageWish, SumFilter, UsageGroup } from '../../../usage/usage.store.js';
import { storable } from '../storable.js';
import { DAY_MS, type FoundGroup, type GroupQuery, type GroupValues } from './usage-groups.js';

type Find = (query: GroupQuery) => Promise<readonly FoundGroup[]>;

/** Pages begin with the newest day, so a page reads days from the end of the period: first few, then more at a time. */
const FIRST_DAYS = 1;
const GROWTH = 4;

/** One page of groups, and where the next one begins. */
export async function groupPage(
  find: Find,
  {
    filter,
    by: asked,
    page,
  }: { readonly filter: SumFilter; readonly by: readonly Dimension[]; readonly page: PageWish },
): Promise<PageOf<UsageGroup>> {
  const by = asked.includes('day') ? (['day', ...asked.filter((each) => each !== 'day')] as const) : asked;
  const mark = markOf(filter, asked);
  const after = page.cursor === null ? undefined : decoded(page.cursor, { mark, by });
  const query = { filter, by, after, limit: page.limit + 1 };
  const found = by[0] === 'day' ? await byDays(find, query) : await find(query);
  const last = found.length > page.limit ? found[page.limit - 1] : undefined;
  return {
    items: found.slice(0, page.limit).map(({ values, sum }) => ({ ...sum, by: named(asked, { by, values }) })),
    nextCursor: last === undefined ? null : encoded(mark, last.values),
  };
}

async function byDays(find: Find, query: GroupQuery): Promise<readonly FoundGroup[]> {
  const { filter, after, limit } = query;
  const { from, to } = afterwards(filter, after);
  if (from === undefined) return find({ ...query, filter: { ...filter, ...(to !== undefined && { to }) } });
  const found: FoundGroup[] = [];
  let end = to;
  for (let days = FIRST_DAYS; found.length < limit; days *= GROWTH) {
    // Where the period has no end, its first piece has none either: clocks differ, and records may be of tomorrow.
    const start = Math.max(from, dayBefore(end ?? Date.now()) - (days - 1) * DAY_MS);
    const piece = { ...filter, from: start, ...(end !== undefined && { to: end }) };
    found.push(...(await find({ ...query, filter: piece, limit: limit - found.length })));
    if (start <= from) break;
    end = start;
  }
  return found;
}

/** Of the period, what can come after a group. */
function afterwards({ from, to }: SumFilter, after: GroupValues | undefined): Pick<SumFilter, 'from' | 'to'> {
  const day = after?.[0];
  const end = typeof day === 'number' ? Math.min((day + 1) * DAY_MS, to ?? Infinity) : to;
  return { ...(from !== undefined && { from }), ...(end !== undefined && { to: end }) };
}

/** The beginning of the last day that lies before `end`, in whole or in part. */
const dayBefore = (end: number): number => Math.floor((end - 1) / DAY_MS) * DAY_MS;

interface Groups {
  readonly by: readonly Dimension[];
  readonly values: GroupValues;
}

function named(asked: readonly Dimension[], { by, values }: Groups): UsageGroup['by'] {
  return Object.fromEntries(
    asked.map((dimension) => {
      const value = values[by.indexOf(dimension)] ?? '';
      if (typeof value === 'number') return [dimension, new Date(value * DAY_MS).toISOString().slice(0, 10)];
      // A client may leave the model's name empty; of all else '' says that there is none.
      return [dimension, value === '' && dimension !== 'model' ? null : value];
    }),
  );
}

/** A cursor goes on with the list that it comes from, and with no other. */
function markOf(filter: SumFilter, by: readonly Dimension[]): string {
  const { from, to, keyId, owner, model, provider, tag } = filter;
  const question = JSON.stringify([by, from, to, keyId, owner, model, provider, tag]);
  return createHash('sha256').update(question).digest('base64url').slice(0, 12);
}

function encoded(mark: string, values: GroupValues): string {
  return Buffer.from(JSON.stringify([mark, ...values])).toString('base64url');
}

interface Expected {
  readonly mark: string;
  readonly by: readonly Dimension[];
}

function decoded(cursor: string, { mark, by }: Expected): GroupValues {
  const [given, ...values] = parsed(cursor);
  const valid =
    given === mark &&
    values.length === by.length &&
    values.every((value, at) =>
      by[at] === 'day' ? isDay(value) : typeof value === 'string' && value === storable(value),
    );
  if (!valid)
    throw new InvalidRequestError('`cursor` must be the `next_cursor` of an earlier answer to the same question.', {
      param: 'cursor',
    });
  return values as GroupValues;
}

/** The last day that a Date can name, counted from 1970 like all of them. */
const LAST_DAY = 100_000_000;

const isDay = (value: unknown): boolean => Number.isSafeInteger(value) && Math.abs(Number(value)) <= LAST_DAY;

function parsed(cursor: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
