import { isDeepStrictEqual } from 'node:util';
import { isObject, type Keywords } from './json-schema.js';

type Merge = (one: unknown, other: unknown) => unknown;

const larger: Merge = (one, other) =>
  typeof one === 'number' && typeof other === 'number' ? Math.max(one, other) : other;
const smaller: Merge = (one, other) =>
  typeof one === 'number' && typeof other === 'number' ? Math.min(one, other) : other;
const both: Merge = (one, other) => ({ allOf: [one, other] });
const strictest: Merge = (one, other) => (one === false || other === false ? false : both(one, other));

const union: Merge = (one, other) => [...new Set([one, other].flat())];

const shared: Merge = (one, other) =>
  Array.isArray(one) && Array.isArray(other)
    ? one.filter((value) => other.some((candidate) => isDeepStrictEqual(candidate, value)))
    : other;

const byName: Merge = (one, other) => {
  if (!isObject(one) || !isObject(other)) return other;
  const merged = new Map(Object.entries(one));
  for (const [name, schema] of Object.entries(other)) {
    merged.set(name, merged.has(name) ? both(merged.get(name), schema) : schema);
  }
  return Object.fromEntries(merged);
};

/** What a value must meet to be an integer and a number is to be an integer. */
const types: Merge = (one, other) => {
  const ours = [one].flat();
  const theirs = [other].flat();
  return ours.flatMap((type) => {
    if (theirs.includes(type)) return [type];
    if (type === 'number' && theirs.includes('integer')) return ['integer'];
    return type === 'integer' && theirs.includes('number') ? ['integer'] : [];
  });
};

const MERGES: Readonly<Record<string, Merge>> = {
  type: types,
  enum: shared,
  required: union,
  properties: byName,
  patternProperties: byName,
  items: both,
  contains: both,
  propertyNames: both,
  additionalProperties: strictest,
  minimum: larger,
  exclusiveMinimum: larger,
  minLength: larger,
  minItems: larger,
  minProperties: larger,
  maximum: smaller,
  exclusiveMaximum: smaller,
  maxLength: smaller,
  maxItems: smaller,
  maxProperties: smaller,
};

/** Keywords that hold where both arguments hold; where we cannot tell, the other's. */
export function mergeKeywords(one: Keywords, other: Keywords): Keywords {
  const merged = new Map(Object.entries(one));
  for (const [key, value] of Object.entries(other)) {
    const merge = Object.hasOwn(MERGES, key) ? MERGES[key] : undefined;
    merged.set(key, merge !== undefined && merged.has(key) ? merge(merged.get(key), value) : value);
  }
  return Object.fromEntries(merged);
}
