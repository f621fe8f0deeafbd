/**
 * A JSON object as it came over the wire: its text, and where each top-level member stands in it.
 * Forwarding the text with a few members replaced keeps what a parse and a new serialisation lose:
 * integers beyond 2^53, number formats, unknown fields, keys such as `__proto__`.
 */
export interface JsonSource {
  readonly text: string;
  readonly members: readonly Member[];
}

export interface Member {
  readonly key: string;
  /** Index of the key's opening quote. */
  readonly start: number;
  readonly valueStart: number;
  /** Index after the value's last character. */
  readonly end: number;
}

const SOURCE = Symbol('source');

/** Remembers where a parsed value came from. A copy of the value has no source, as it may differ from the text. */
export function rememberSource(value: object, source: JsonSource): void {
  Object.defineProperty(value, SOURCE, { value: source });
}

function sourceOf(value: { readonly [SOURCE]?: JsonSource }): JsonSource | undefined {
  return value[SOURCE];
}

/** JSON that goes into a text as it is: a number a parse would have rounded. */
export class RawJson {
  constructor(readonly text: string) {}
}

/** A member of a parsed value as it stands in the value's source, where that is known. */
export function rawMember(value: object, key: string): RawJson | undefined {
  const source = sourceOf(value);
  const member = source?.members.findLast((candidate) => candidate.key === key);
  return source && member && new RawJson(source.text.slice(member.valueStart, member.end));
}

/** A field's new value, RawJson where the source is known; `undefined` takes the field out. */
export type Edits = ReadonlyMap<string, unknown>;

/** The JSON text of `value`: as it came where that is known, else by serialising. */
export const sourceText = (value: Readonly<Record<string, unknown>>): string =>
  sourceOf(value)?.text ?? JSON.stringify(value);

/** The same with `edits` made. */
export function editedJson(value: Readonly<Record<string, unknown>>, edits: Edits): string {
  const source = sourceOf(value);
  if (source === undefined) return JSON.stringify({ ...value, ...Object.fromEntries(edits) });
  return edits.size === 0 ? source.text : splice(source, edits);
}

/** A copy with some fields set, which knows its text as `value` does. */
export function withFields(value: Readonly<Record<string, unknown>>, fields: Edits): Readonly<Record<string, unknown>> {
  const copy = { ...value, ...Object.fromEntries(fields) };
  if (sourceOf(value) !== undefined) {
    const text = editedJson(value, fields);
    const members = findMembers(text, Infinity);
    if (members !== undefined) rememberSource(copy, { text, members });
  }
  return copy;
}

/** Copies the members one by one, so a key that stands twice is edited in both places. */
function splice({ text, members }: JsonSource, edits: Edits): string {
  const parts: string[] = [];
  const missing = new Map(edits);
  for (const { key, start, valueStart, end } of members) {
    if (!edits.has(key)) {
      parts.push(text.slice(start, end));
      continue;
    }
    missing.delete(key);
    const value = jsonOf(edits.get(key));
    if (value !== undefined) parts.push(text.slice(start, valueStart) + value);
  }
  for (const [key, edit] of missing) {
    const value = jsonOf(edit);
    if (value !== undefined) parts.push(`${JSON.stringify(key)}:${value}`);
  }
  return `{${parts.join(',')}}`;
}

const jsonOf = (edit: unknown): string | undefined => (edit instanceof RawJson ? edit.text : JSON.stringify(edit));

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;

/**
 * Finds the members of a JSON object without parsing it, and `undefined` where it is nested deeper than
 * `maxDepth`: a parser would build such a thing first and every later walk would overflow the stack.
 * The text need not be valid; what is returned means something only if `JSON.parse` accepts it.
 */
export function findMembers(text: string, maxDepth: number): readonly Member[] | undefined {
  const members: Member[] = [];
  let at = text.indexOf('{') + 1;
  if (at === 0) return members;
  while (at < text.length) {
    const start = text.indexOf('"', at);
    if (start === -1) break;
    const keyEnd = stringEnd(text, start);
    const colon = text.indexOf(':', keyEnd);
    if (colon === -1) break;
    const valueStart = skipSpace(text, colon + 1);
    const end = valueEnd(text, valueStart, maxDepth - 1);
    if (end === -1) return undefined;
    members.push({ key: keyText(text.slice(start + 1, keyEnd - 1)), start, valueStart, end });
    at = end;
  }
  return members;
}

function keyText(raw: string): string {
  if (!raw.includes('\\')) return raw;
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    return raw; // not JSON: the parse of the whole text will say so
  }
}

/** Index after the closing quote of the string that opens at `open`. */
export function stringEnd(text: string, open: number): number {
  let close = text.indexOf('"', open + 1);
  while (close !== -1) {
    let slashes = 0;
    while (text.charCodeAt(close - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return close + 1;
    close = text.indexOf('"', close + 1);
  }
  return text.length;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) <= 0x20) at += 1;
  return at;
}

/** Index after the value that starts at `start`; -1 where it is nested deeper than `maxDepth`. */
function valueEnd(text: string, start: number, maxDepth: number): number {
  let depth = 0;
  let at = start;
  while (at < text.length) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = stringEnd(text, at);
        if (depth === 0) return at;
        continue;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        depth += 1;
        if (depth > maxDepth) return -1;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        if (depth === 0) return trimEnd(text, start, at); // the end of the object a bare value stands in
        depth -= 1;
        if (depth === 0) return at + 1;
        break;
      case COMMA:
        if (depth === 0) return trimEnd(text, start, at);
        break;
      default:
    }
    at += 1;
  }
  return at;
}

function trimEnd(text: string, start: number, end: number): number {
  let at = end;
  while (at > start && text.charCodeAt(at - 1) <= 0x20) at -= 1;
  return at;
}
