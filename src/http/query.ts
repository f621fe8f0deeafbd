import { InvalidRequestError } from '../domain/errors.js';

/** A query string as Express reads it: a parameter that is repeated or bracketed is no string. */
export type QueryParameters = Readonly<Record<string, unknown>>;

const LONGEST_TEXT = 256;
/** A cursor holds what the last row of a page is sorted by: names, each letter of which may take four of its own. */
const LONGEST_CURSOR = 8_192;

/** The parameter, or undefined where it is absent; throws InvalidRequestError where it is empty, repeated or too long. */
export function text(query: QueryParameters, name: string, longest = LONGEST_TEXT): string | undefined {
  const value = query[name];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value !== '' && value.length <= longest) return value;
  throw invalid(name, `must be given once, with 1 to ${longest} characters`);
}

/** One of a few words. */
export function oneOf<Word extends string>(
  query: QueryParameters,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const value = text(query, name);
  if (value === undefined) return undefined;
  const word = words.find((known) => known === value);
  if (word === undefined) throw invalid(name, `must be one of ${words.join(', ')}`);
  return word;
}

/** Several of a few words with commas between, each once; none where the parameter is absent. */
export function words<Word extends string>(
  query: QueryParameters,
  name: string,
  known: readonly Word[],
): readonly Word[] {
  const given = text(query, name)?.split(',') ?? [];
  const found = given.map((word) => known.find((each) => each === word.trim()));
  const all = found.filter((word) => word !== undefined);
  if (all.length < given.length || new Set(all).size < all.length)
    throw invalid(name, `must be some of ${known.join(', ')}, with commas between and none of them twice`);
  return all;
}

/** A whole number from 1 to `most`. */
function atMost(query: QueryParameters, name: string, most: number): number | undefined {
  const value = text(query, name);
  if (value === undefined) return undefined;
  const number = /^\d{1,9}$/.test(value) ? Number(value) : 0;
  if (number < 1 || number > most) throw invalid(name, `must be an integer from 1 to ${most}`);
  return number;
}

const PAGE = 100;
const LARGEST_PAGE = 500;

/** Which part of a list: `limit`, and the `cursor` that an earlier answer gave. */
export function page(query: QueryParameters): { readonly limit: number; readonly cursor: string | null } {
  return { limit: atMost(query, 'limit', LARGEST_PAGE) ?? PAGE, cursor: text(query, 'cursor', LONGEST_CURSOR) ?? null };
}

/** The instants `from` (inclusive) and `to` (exclusive) as epoch milliseconds; a bare day as `to` includes that day. */
export function period(query: QueryParameters): { readonly from?: number; readonly to?: number } {
  const from = instant(query, 'from', 0);
  const to = instant(query, 'to', DAY_MS);
  if (from !== undefined && to !== undefined && from >= to) throw invalid('from', 'must be before `to`');
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}

/** Throws for a parameter that is none of these: a filter misspelt would silently widen the answer. */
export function refuseOthers(query: QueryParameters, known: readonly string[]): void {
  const stranger = Object.keys(query).find((name) => !known.includes(name));
  if (stranger === undefined) return;
  const name = stranger.slice(0, LONGEST_TEXT);
  throw new InvalidRequestError(`Unknown query parameter: '${name}'. Known: ${known.join(', ')}.`, {
    code: 'unknown_parameter',
    param: name,
  });
}

export const DAY_MS = 86_400_000;
/** An offset's `+` that nobody escaped arrives as a space. */
const RFC_3339 = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d(?:\.\d{1,9})?)(Z|[+ -]\d\d:\d\d))?$/i;

function instant(query: QueryParameters, name: string, wholeDay: number): number | undefined {
  const value = text(query, name);
  if (value === undefined) return undefined;
  const [, day = '', time, offset = ''] = RFC_3339.exec(value) ?? [];
  const midnight = Date.parse(`${day}T00:00:00Z`);
  // Date.parse takes the 30th of February for the 2nd of March.
  const real = !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(day);
  const at =
    time === undefined ? midnight + wholeDay : Date.parse(`${day}T${time}${offset.replace(' ', '+')}`.toUpperCase());
  if (real && !Number.isNaN(at)) return at;
  throw invalid(name, 'must be a day (YYYY-MM-DD) or a time as in RFC 3339 (2026-11-22T10:00:00Z)');
}

function invalid(name: string, rule: string): InvalidRequestError {
  return new InvalidRequestError(`Query parameter '${name}' ${rule}.`, { param: name });
}
