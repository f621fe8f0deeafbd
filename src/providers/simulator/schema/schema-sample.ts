import {
  isObject,
  type JsonValue,
  type Keywords,
  listOf,
  numberOf,
  requiredNames,
  schemasOf,
  UnsatisfiableSchemaError,
} from './json-schema.js';
import { sampleNumber, sampleText } from './scalar-sample.js';
import { type Alternative, SchemaAlternatives } from './schema-alternatives.js';
import { SchemaFit } from './schema-fit.js';
import { SeededRandom } from './seeded-random.js';

/** Deeper than this only what the schema demands is written: that ends recursive schemas. */
const GENEROUS_DEPTH = 5;
const MAX_DEPTH = 48;
/** A schema with more properties than this gets its required ones only. */
const MANY_PROPERTIES = 100;
const MAX_VALUES = 20_000;
const MAX_CHARACTERS = 400_000;
/** How often a list of distinct items tries for one it does not have yet. */
const TRIES = 64;

/**
 * The JSON text of a value that meets a JSON schema, the same for the same seed. It covers what strict structured outputs
 * allow and what tool schemas use beyond that; `not`, `if` and the `dependent…` keywords are not looked at. Throws
 * UnsatisfiableSchemaError, after bounded work, where no value of reasonable size is found.
 */
export function sampleJson(schema: unknown, seed: number): string {
  try {
    return JSON.stringify(new Sampler(schema, new SeededRandom(seed)).sample(schema, 0));
  } catch (error) {
    // Constants may be nested more deeply than the stack allows.
    if (error instanceof RangeError) throw new UnsatisfiableSchemaError('The schema is nested too deeply.');
    throw error;
  }
}

class Sampler {
  readonly #alternatives: SchemaAlternatives;
  readonly #fit: SchemaFit;
  #values = 0;
  #characters = 0;

  constructor(
    root: unknown,
    private readonly random: SeededRandom,
  ) {
    this.#alternatives = new SchemaAlternatives(root);
    this.#fit = new SchemaFit(this.#alternatives);
  }

  sample(schema: unknown, depth: number): JsonValue {
    this.#values += 1;
    if (this.#values > MAX_VALUES) throw new UnsatisfiableSchemaError('The schema asks for too many values.');
    return this.#write(this.#choose(schema, depth), depth);
  }

  #choose(schema: unknown, depth: number): Alternative {
    const least = this.#fit.leastDepth(schema, MAX_DEPTH - depth);
    if (least === undefined) {
      throw new UnsatisfiableSchemaError(`No value nested up to ${String(MAX_DEPTH)} levels meets the schema.`);
    }
    const left = this.#isLean(depth) ? least : MAX_DEPTH - depth;
    const fitting = this.#alternatives.of(schema).filter((alternative) => this.#fit.fits(alternative, left));
    const telling = fitting.filter(({ type }) => type !== 'null');
    return this.random.pick(telling.length === 0 || this.#isLean(depth) ? fitting : telling);
  }

  #isLean(depth: number): boolean {
    return depth >= GENEROUS_DEPTH || this.#values > MAX_VALUES / 20;
  }

  #write({ type, keywords }: Alternative, depth: number): JsonValue {
    const values = listOf(keywords, 'enum');
    if (values !== undefined) return this.random.pick(values) as JsonValue;
    switch (type) {
      case 'null':
        return null;
      case 'boolean':
        return this.random.next() < 0.5;
      case 'integer':
      case 'number':
        return sampleNumber(keywords, type === 'integer', this.random);
      case 'string':
        return this.#text(keywords);
      case 'array':
        return this.#array(keywords, depth);
      case 'object':
        return this.#object(keywords, depth);
    }
  }

  #text(keywords: Keywords): string {
    const text = sampleText(keywords, this.random);
    this.#characters += text.length;
    if (this.#characters > MAX_CHARACTERS) throw new UnsatisfiableSchemaError('The schema asks for too much text.');
    return text;
  }

  #array(keywords: Keywords, depth: number): readonly JsonValue[] {
    const min = Math.ceil(numberOf(keywords, 'minItems') ?? (keywords['contains'] === undefined ? 0 : 1));
    const max = Math.floor(numberOf(keywords, 'maxItems') ?? Infinity);
    if (min > max) throw new UnsatisfiableSchemaError('No list lies within the lengths of the schema.');
    const [first, rest] = itemSchemas(keywords);
    const wanted = this.#isLean(depth) ? min : Math.min(max, Math.max(min, first.length, this.random.between(1, 3)));
    const items: JsonValue[] = [];
    const taken = keywords['uniqueItems'] === true ? new Set<string>() : undefined;
    for (let index = 0; index < wanted; index += 1) {
      const schema = index < first.length ? first[index] : rest;
      const item = this.#item(schema, depth, taken);
      if (item !== undefined) items.push(item);
      else if (items.length >= min) break;
      else throw new UnsatisfiableSchemaError('No list long enough meets the schema.');
    }
    return items;
  }

  /** An item whose JSON text is not `taken` yet; undefined: there is none. */
  #item(schema: unknown, depth: number, taken: Set<string> | undefined): JsonValue | undefined {
    if (this.#fit.leastDepth(schema, MAX_DEPTH - depth - 1) === undefined) return undefined;
    for (let tries = 0; tries < TRIES; tries += 1) {
      const item = this.sample(schema, depth + 1);
      if (taken === undefined) return item;
      const text = JSON.stringify(item);
      if (!taken.has(text)) {
        taken.add(text);
        return item;
      }
    }
    return undefined;
  }

  #object(keywords: Keywords, depth: number): JsonValue {
    const properties = schemasOf(keywords, 'properties');
    const required = new Set(requiredNames(keywords));
    const members = new Map<string, JsonValue>();
    const most = Math.floor(numberOf(keywords, 'maxProperties') ?? Infinity);
    for (const name of this.#names(properties, required, depth)) {
      const schema = Object.hasOwn(properties, name) ? properties[name] : keywords['additionalProperties'];
      const may = members.size < most && this.#fit.leastDepth(schema, MAX_DEPTH - depth - 1) !== undefined;
      if (may || required.has(name)) members.set(name, this.sample(schema, depth + 1));
    }
    this.#addExtras(members, keywords, depth);
    // Not an object literal: a property may be called `__proto__`.
    return Object.fromEntries(members);
  }

  /** In the order of the schema; where there is reason to be brief, the required ones only. */
  #names(properties: Keywords, required: ReadonlySet<string>, depth: number): ReadonlySet<string> {
    const declared = Object.keys(properties);
    const brief = this.#isLean(depth) || declared.length > MANY_PROPERTIES;
    return new Set([...declared.filter((name) => !brief || required.has(name)), ...required]);
  }

  /** Members the schema does not name: as many as it demands, and one where it is all about such members. */
  #addExtras(members: Map<string, JsonValue>, keywords: Keywords, depth: number): void {
    const schema = extraSchema(keywords);
    const open = isObject(keywords['additionalProperties']) && members.size === 0 && !this.#isLean(depth);
    const least = Math.max(Math.ceil(numberOf(keywords, 'minProperties') ?? 0), open ? 1 : 0);
    if (least > MAX_VALUES) throw new UnsatisfiableSchemaError('The schema asks for too many values.');
    for (let tries = 0; members.size < least && tries < least + TRIES; tries += 1) {
      const name = this.#extraName(keywords, tries);
      if (members.has(name)) continue;
      if (this.#fit.leastDepth(schema, MAX_DEPTH - depth - 1) === undefined) break;
      members.set(name, this.sample(schema, depth + 1));
    }
    if (members.size < least && !open)
      throw new UnsatisfiableSchemaError('No object with enough properties meets the schema.');
  }

  #extraName(keywords: Keywords, index: number): string {
    if (isObject(keywords['propertyNames'])) {
      const name = this.sample({ allOf: [{ type: 'string' }, keywords['propertyNames']] }, 0);
      return typeof name === 'string' ? name : JSON.stringify(name);
    }
    const [pattern] = Object.keys(schemasOf(keywords, 'patternProperties'));
    return pattern === undefined ? `property_${String(index + 1)}` : this.#text({ pattern, minLength: 1 });
  }
}

/** The schemas of the leading items, and that of all others. */
function itemSchemas(keywords: Keywords): readonly [readonly unknown[], unknown] {
  const { items, contains } = keywords;
  const first = listOf(keywords, 'prefixItems') ?? (Array.isArray(items) ? (items as readonly unknown[]) : []);
  const others = Array.isArray(items) ? keywords['additionalItems'] : items;
  return [first, contains === undefined ? others : { allOf: [others ?? true, contains] }];
}

/** An unnamed member is named after the first name pattern, so that pattern's schema holds for it. */
function extraSchema(keywords: Keywords): unknown {
  const [schema] = Object.values(schemasOf(keywords, 'patternProperties'));
  return schema ?? keywords['additionalProperties'];
}
