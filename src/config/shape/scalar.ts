import type { JsonSchema } from '../../domain/chat.js';
import { Secret } from '../../domain/secret.js';
import type { Located, LocatedScalar } from './located.js';
import { didYouMean } from './hint.js';
import { converted, type Shape } from './shape.js';

export interface ScalarForm<T> {
  readonly schema: JsonSchema;
  /** Ends the sentence "must be …". */
  readonly wanted: string;
  /** Undefined where the value is not of this form. */
  readonly parse: (value: LocatedScalar) => T | undefined;
  /** The value must not be repeated in a message. */
  readonly secret?: boolean;
}

/** One value of a form of its own. */
export function scalar<T>({ schema, wanted, parse, secret = false }: ScalarForm<T>): Shape<T> {
  return {
    schema,
    read: (value, reading) => {
      const parsed = value.kind === 'scalar' ? parse(value) : undefined;
      if (parsed !== undefined) return parsed;
      return reading.refuse(value.place, `must be ${wanted}${secret ? '' : found(value)}`);
    },
  };
}

/** A text that `parse` can make something of. */
export function parsedText<T>(form: Omit<ScalarForm<T>, 'parse' | 'schema'> & TextForm<T>): Shape<T> {
  return scalar({
    ...form,
    schema: { type: 'string', ...form.schema },
    parse: (value) => mapped(textOf(value), form.parse),
  });
}

interface TextForm<T> {
  readonly schema?: JsonSchema;
  readonly parse: (text: string) => T | undefined;
}

/** Text that is not empty. */
export function text(wanted = 'text'): Shape<string> {
  return parsedText({ wanted, schema: { minLength: 1 }, parse: (written) => (written === '' ? undefined : written) });
}

/** Text that fits a pattern as a whole. */
export function textLike(pattern: RegExp, wanted: string): Shape<string> {
  return parsedText({ wanted, parse: (written) => (pattern.test(written) ? written : undefined) });
}

/** One of these words. */
export function choice<const T extends string>(words: readonly T[]): Shape<T> {
  return {
    schema: orVariable({ enum: words }),
    read: (value, reading) => {
      const written = textOf(value);
      const word = words.find((each) => each === written);
      if (word !== undefined) return word;
      const hint = written === undefined || isFromVariable(value) ? '' : didYouMean(written, words);
      return reading.refuse(value.place, `must be one of ${words.join(', ')}${found(value)}${hint}`);
    },
  };
}

export function boolean(): Shape<boolean> {
  return scalar({
    schema: orVariable({ type: 'boolean' }),
    wanted: 'true or false',
    parse: ({ value, fromEnvironment }) => {
      if (typeof value === 'boolean') return value;
      return fromEnvironment && (value === 'true' || value === 'false') ? value === 'true' : undefined;
    },
  });
}

/** A number from `least` to `most`, both included. */
export function number(least: number, most = Number.MAX_VALUE): Shape<number> {
  return scalar({
    schema: orVariable({ type: 'number', ...bounds(least, most) }),
    wanted: `a number${range(least, most)}`,
    parse: (value) => mapped(numberOf(value), (read) => (read >= least && read <= most ? read : undefined)),
  });
}

/** A whole number from `least` to `most`, both included. */
export function integer(least: number, most = Number.MAX_SAFE_INTEGER): Shape<number> {
  const fits = (read: number) => (Number.isInteger(read) && read >= least && read <= most ? read : undefined);
  return scalar({
    schema: orVariable({ type: 'integer', ...bounds(least, most) }),
    wanted: `a whole number${range(least, most)}`,
    parse: (value) => mapped(numberOf(value), fits),
  });
}

/** A whole number of at least 1, or `auto`. */
export function integerOrAuto(): Shape<number | 'auto'> {
  return scalar<number | 'auto'>({
    schema: { anyOf: [{ type: 'integer', minimum: 1 }, { const: 'auto' }, VARIABLE] },
    wanted: 'a whole number of at least 1, or auto',
    parse: (value) => {
      if (value.value === 'auto') return 'auto';
      return mapped(numberOf(value), (read) => (Number.isSafeInteger(read) && read >= 1 ? read : undefined));
    },
  });
}

/** A credential that goes into an HTTP header. One copied from a file often ends in a line break, which is dropped. */
export function credential(least = 1): Shape<Secret> {
  const wanted = least === 1 ? 'a key in printable ASCII' : `a key of ${least} characters or more in printable ASCII`;
  const shape = parsedText({
    secret: true,
    schema: { minLength: 1 },
    wanted,
    parse: (written) => {
      const trimmed = written.trim();
      return trimmed.length >= least && /^[\x20-\x7e]+$/.test(trimmed) ? trimmed : undefined;
    },
  });
  return converted(shape, (key) => new Secret(key));
}

export function textOf(value: Located): string | undefined {
  return value.kind === 'scalar' && typeof value.value === 'string' ? value.value : undefined;
}

/** Out of a variable comes text, so there, and nowhere else, a number may be text. */
export function numberOf({ value, fromEnvironment }: LocatedScalar): number | undefined {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  const written = fromEnvironment && typeof value === 'string' ? value.trim() : '';
  return /^-?\d+(\.\d+)?$/.test(written) ? Number(written) : undefined;
}

export function mapped<T, U>(value: T | undefined, change: (value: T) => U | undefined): U | undefined {
  return value === undefined ? undefined : change(value);
}

const VARIABLE: JsonSchema = { type: 'string', pattern: '\\$\\{' };

/** Where no text is wanted, a variable may still stand. */
function orVariable(schema: JsonSchema): JsonSchema {
  return { anyOf: [schema, VARIABLE] };
}

function bounds(least: number, most: number): JsonSchema {
  return { minimum: least, ...(most < Number.MAX_SAFE_INTEGER && { maximum: most }) };
}

function range(least: number, most: number): string {
  return most < Number.MAX_SAFE_INTEGER ? ` from ${least} to ${most}` : ` of at least ${least}`;
}

function isFromVariable(value: Located): boolean {
  return value.kind === 'scalar' && value.fromEnvironment;
}

/** What was there instead. The value of a variable is not repeated: it may be a key that went to the wrong place. */
function found(value: Located): string {
  if (value.kind !== 'scalar') return `, not a ${value.kind}`;
  if (value.value === null) return ', not nothing';
  if (value.fromEnvironment) return '';
  const written = JSON.stringify(value.value);
  return `, not ${written.length > 60 ? `${written.slice(0, 60)}…` : written}`;
}
