import { Readable } from 'node:stream';
import { groupBody, groupMembers } from './usage-body.js';
import type { Dimension, PageOf, SumFilter, UsageGroup, UsageStore } from './usage.store.js';

const ROWS_AT_ONCE = 2_000;
const LINE = '\r\n';

/**
 * All pages as one table by RFC 4180. Each page is read when the one before it has gone to the client, so no more than
 * two are held; the first is read before anything is sent, so that what fails at once is an error like any other.
 */
export async function csvOf(store: UsageStore, filter: SumFilter, by: readonly Dimension[]): Promise<Readable> {
  const read = (cursor: string | null) => store.groups(filter, by, { limit: ROWS_AT_ONCE, cursor });
  return Readable.from(pages(read, await read(null), by), { objectMode: false });
}

type Read = (cursor: string | null) => Promise<PageOf<UsageGroup>>;

async function* pages(read: Read, first: PageOf<UsageGroup>, by: readonly Dimension[]): AsyncGenerator<string> {
  yield lineOf(groupMembers(by));
  for (let page = first; ; page = await read(page.nextCursor)) {
    if (page.items.length > 0) yield page.items.map((group) => lineOf(Object.values(groupBody(group, by)))).join('');
    if (page.nextCursor === null) return;
  }
}

const lineOf = (values: readonly (string | number | null)[]): string => values.map(cellOf).join(',') + LINE;

/** Names come from clients, and a spreadsheet would compute what begins like a formula. */
function cellOf(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const harmless = /^[=+\-@\t\r\n]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
