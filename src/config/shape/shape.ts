import type { JsonSchema } from '../../domain/chat.js';
import { isAbsent, type Located, type LocatedMap, pathTo } from './located.js';
import { suggestion } from './hint.js';
import type { Reading } from './reading.js';

/**
 * What a part of the config looks like, said once: it reads the part, finds what is wrong with it,
 * and describes it to editors.
 */
export interface Shape<T> {
  readonly schema: JsonSchema;
  /** The typed value, or undefined once the reading has been told what is wrong. `name` is the key in a map of such parts. */
  readonly read: (value: Located, reading: Reading, name: string) => T | undefined;
}

/** A field that must be there. */
export interface RequiredShape<T> extends Shape<T> {
  readonly required: true;
}

/** A field that has a value when nobody gives one. */
export interface DefaultedShape<T> extends Shape<T> {
  readonly fallback: T;
}

export function required<T>(shape: Shape<T>): RequiredShape<T> {
  return { ...shape, required: true };
}

/** `written` is the default as the file would say it, where that differs. */
export function defaulted<T>(shape: Shape<T>, fallback: NoInfer<T>, written: unknown = fallback): DefaultedShape<T> {
  return { ...shape, schema: { ...shape.schema, default: written }, fallback };
}

/** The same shape with a sentence for editors. */
export function described<S extends Shape<unknown>>(shape: S, description: string): S {
  return { ...shape, schema: { description, ...shape.schema } };
}

/** The shape read into something else. */
export function converted<T, U>(shape: Shape<T>, convert: (value: T, name: string) => U): Shape<U> {
  return {
    schema: shape.schema,
    read: (value, reading, name) => {
      const read = shape.read(value, reading, name);
      return read === undefined ? undefined : convert(read, name);
    },
  };
}

export type Fields = Readonly<Record<string, Shape<unknown>>>;
type ValueOf<S> = S extends Shape<infer T> ? T : never;
type Certain = { readonly required: true } | { readonly fallback: unknown };

/** What a map with these fields is read into: only the optional ones may be absent. */
export type FieldValues<F extends Fields> = {
  readonly [K in keyof F as F[K] extends Certain ? K : never]: ValueOf<F[K]>;
} & { readonly [K in keyof F as F[K] extends Certain ? never : K]?: ValueOf<F[K]> };

/** A map with fixed keys. */
export function object<F extends Fields>(fields: F): Shape<FieldValues<F>> {
  return {
    schema: objectSchema(fields),
    read: (value, reading) => {
      if (value.kind !== 'map') return reading.refuse(value.place, `must be a map of ${keysOf(fields).join(', ')}`);
      return readFields(fields, value, reading);
    },
  };
}

/** The JSON schema of a map with these fields and no others. */
export function objectSchema(fields: Fields): JsonSchema {
  const needed = Object.keys(fields).filter((name) => 'required' in (fields[name] ?? {}));
  return {
    type: 'object',
    additionalProperties: false,
    ...(needed.length > 0 && { required: needed }),
    properties: Object.fromEntries(Object.entries(fields).map(([name, { schema }]) => [name, schema])),
  };
}

/** Reads every field, so that every fault in the map is told, and refuses keys that are none. */
export function readFields<F extends Fields>(fields: F, map: LocatedMap, reading: Reading): FieldValues<F> | undefined {
  const found = new Map<string, Located>();
  for (const { name, place, value } of map.entries) {
    if (Object.hasOwn(fields, name)) found.set(name, value);
    else reading.refuse(place, `unknown key "${name}"${suggestion(name, keysOf(fields))}`);
  }
  let complete = true;
  const values: Record<string, unknown> = {};
  for (const [name, shape] of Object.entries(fields)) {
    const value = found.get(name);
    if (value !== undefined && !isAbsent(value)) {
      values[name] = readable(value) ? shape.read(value, reading, name) : undefined;
      complete &&= values[name] !== undefined;
    } else if ('fallback' in shape) values[name] = shape.fallback;
    else if ('required' in shape) {
      complete = false;
      reading.refuse({ ...map.place, path: pathTo(map.place.path, name) }, `"${name}" is missing`);
    }
  }
  return complete ? (values as FieldValues<F>) : undefined;
}

/** Those worth naming: what begins with `$` is for editors. */
function keysOf(fields: Fields): string[] {
  return Object.keys(fields).filter((name) => !name.startsWith('$'));
}

/** A map with names of the operator's choosing, in the order of the file. */
export function namedMap<T>(item: Shape<T>, what: string): Shape<readonly (readonly [name: string, value: T])[]> {
  return {
    schema: { type: 'object', additionalProperties: item.schema },
    read: (value, reading) => {
      if (value.kind !== 'map') return reading.refuse(value.place, `must be a map of ${what}`);
      return value.entries.flatMap((entry) => {
        const { name } = entry;
        const read = readable(entry.value) ? item.read(entry.value, reading, name) : undefined;
        return read === undefined ? [] : [[name, read] as const];
      });
    },
  };
}

/** As `namedMap`, read into a plain object. */
export function record<T>(item: Shape<T>, what: string): Shape<Readonly<Record<string, T>>> {
  // fromEntries defines own properties, so a key called __proto__ is a key like any other.
  return converted(namedMap(item, what), (entries) => Object.fromEntries(entries));
}

/** A list; items that an empty variable leaves blank are passed over. */
export function list<T>(item: Shape<T>, what: string, least = 0): Shape<readonly T[]> {
  return {
    schema: { type: 'array', items: item.schema, ...(least > 0 && { minItems: least }) },
    read: (value, reading, name) => {
      if (value.kind !== 'list') return reading.refuse(value.place, `must be a list of ${what}`);
      if (value.items.length < least) return reading.refuse(value.place, `must name at least ${least}`);
      const items = value.items.filter((item) => readable(item) && !(isAbsent(item) && isFromEnvironment(item)));
      return items.flatMap((each) => item.read(each, reading, name) ?? []);
    },
  };
}

function readable(value: Located): boolean {
  return value.kind !== 'unreadable';
}

function isFromEnvironment(value: Located): boolean {
  return value.kind === 'scalar' && value.fromEnvironment;
}

/** Any value, as it stands in the file. */
export function anything(): Shape<unknown> {
  return { schema: {}, read: (value) => plainValue(value) };
}

function plainValue(value: Located): unknown {
  switch (value.kind) {
    case 'map':
      return Object.fromEntries(value.entries.map((entry) => [entry.name, plainValue(entry.value)]));
    case 'list':
      return value.items.map(plainValue);
    case 'scalar':
      return value.value;
    case 'unreadable':
      return null;
  }
}
