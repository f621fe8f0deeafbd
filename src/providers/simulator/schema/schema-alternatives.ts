import {
  isObject,
  JSON_TYPES,
  type JsonType,
  type Keywords,
  listOf,
  schemasOf,
  typeOfValue,
  UnsatisfiableSchemaError,
} from './json-schema.js';
import { mergeKeywords } from './schema-merge.js';

/** One way to meet a schema: a single type and its keywords, without `$ref`, `allOf`, `anyOf`, `oneOf` and `const`. */
export interface Alternative {
  readonly type: JsonType;
  readonly keywords: Keywords;
}

const MAX_ALTERNATIVES = 64;
const MAX_COMBINATORS_DEEP = 64;
/** Bounds the work on one document: a keyword or property merged costs one. */
const MAX_MERGED = 100_000;

/** Which keywords tell the type where a schema does not. */
const TELLING: readonly (readonly [JsonType, readonly string[]])[] = [
  ['object', ['properties', 'required', 'additionalProperties', 'patternProperties', 'minProperties']],
  ['array', ['items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems', 'contains']],
  ['number', ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']],
];

/** Resolves references and combinators of one document, each schema once. */
export class SchemaAlternatives {
  readonly #known = new Map<object, readonly Alternative[]>();
  readonly #open = new Set<object>();
  #merged = 0;

  constructor(private readonly root: unknown) {}

  /** In the order of the schema; none: nothing meets it. */
  of(schema: unknown): readonly Alternative[] {
    if (!isObject(schema)) return this.#expand(schema).flatMap(byType);
    const known = this.#known.get(schema);
    if (known !== undefined) return known;
    const found = this.#expand(schema).flatMap(byType);
    this.#known.set(schema, found);
    return found;
  }

  #expand(schema: unknown): readonly Keywords[] {
    if (schema === undefined || schema === true) return [{}];
    if (schema === false) return [];
    if (!isObject(schema)) throw new UnsatisfiableSchemaError('A schema must be an object or a boolean.');
    // A schema that is met only by itself is met by nothing.
    if (this.#open.has(schema)) return [];
    if (this.#open.size >= MAX_COMBINATORS_DEEP) throw tooManyCombined();
    this.#spend(schema);
    this.#open.add(schema);
    try {
      return this.#combine(schema);
    } finally {
      this.#open.delete(schema);
    }
  }

  #combine(schema: Keywords): readonly Keywords[] {
    const { $ref, allOf: _allOf, anyOf: _anyOf, oneOf: _oneOf, const: constant, not, ...own } = schema;
    if (not === true || (isObject(not) && Object.keys(not).length === 0)) return [];
    let found: readonly Keywords[] = [constant === undefined ? own : mergeKeywords(own, { enum: [constant] })];
    if (typeof $ref === 'string') found = this.#crossed(found, this.#expand(this.#target($ref)));
    for (const part of listOf(schema, 'allOf') ?? []) found = this.#crossed(found, this.#expand(part));
    for (const key of ['anyOf', 'oneOf']) {
      const branches = listOf(schema, key);
      if (branches !== undefined) found = this.#crossed(found, this.#branches(branches));
    }
    return found;
  }

  #branches(branches: readonly unknown[]): readonly Keywords[] {
    return branches.slice(0, MAX_ALTERNATIVES).flatMap((branch) => this.#expand(branch));
  }

  #crossed(ours: readonly Keywords[], theirs: readonly Keywords[]): readonly Keywords[] {
    const found: Keywords[] = [];
    for (const one of ours) {
      for (const other of theirs) {
        if (found.length === MAX_ALTERNATIVES) return found;
        const merged = mergeKeywords(one, other);
        this.#spend(merged);
        found.push(merged);
      }
    }
    return found;
  }

  #spend(keywords: Keywords): void {
    this.#merged += 1 + Object.keys(keywords).length + Object.keys(schemasOf(keywords, 'properties')).length;
    if (this.#merged > MAX_MERGED) throw tooManyCombined();
  }

  #target(reference: string): unknown {
    if (!reference.startsWith('#')) throw unresolved(reference);
    let target: unknown = this.root;
    for (const step of pointerSteps(reference)) {
      if (typeof target !== 'object' || target === null || !Object.hasOwn(target, step)) throw unresolved(reference);
      target = (target as Readonly<Record<string, unknown>>)[step];
    }
    return target;
  }
}

function byType(keywords: Keywords): readonly Alternative[] {
  const values = listOf(keywords, 'enum');
  if (values !== undefined) {
    const allowed = values.filter((value) => isOfType(value, keywords['type']));
    const [first] = allowed;
    return allowed.length === 0 ? [] : [{ type: typeOfValue(first), keywords: { ...keywords, enum: allowed } }];
  }
  return typesOf(keywords).map((type) => ({ type, keywords }));
}

function typesOf(keywords: Keywords): readonly JsonType[] {
  if (keywords['type'] !== undefined) return [keywords['type']].flat().filter(isJsonType);
  const told = TELLING.find(([, keys]) => keys.some((key) => Object.hasOwn(keywords, key)));
  return [told?.[0] ?? 'string'];
}

function isOfType(value: unknown, type: unknown): boolean {
  if (type === undefined) return true;
  const actual = typeOfValue(value);
  const types = [type].flat();
  return types.includes(actual) || (actual === 'integer' && types.includes('number'));
}

function isJsonType(type: unknown): type is JsonType {
  return JSON_TYPES.some((known) => known === type);
}

function pointerSteps(reference: string): readonly string[] {
  const pointer = reference.slice(1);
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) throw unresolved(reference);
  return pointer
    .slice(1)
    .split('/')
    .map((step) => decoded(step, reference).replaceAll('~1', '/').replaceAll('~0', '~'));
}

function decoded(step: string, reference: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    throw unresolved(reference);
  }
}

function tooManyCombined(): UnsatisfiableSchemaError {
  return new UnsatisfiableSchemaError('The schema combines too many others.');
}

function unresolved(reference: string): UnsatisfiableSchemaError {
  return new UnsatisfiableSchemaError(
    `The reference ${JSON.stringify(reference.slice(0, 100))} leads nowhere in this schema.`,
  );
}
