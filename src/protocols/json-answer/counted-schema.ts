import type { JsonSchema } from '../../domain/chat.js';
import { isObject } from '../json.js';

/** What no check is made for: too large, too deep, or unclear. */
export class UncheckableSchemaError extends Error {}

/** The keyword that stands in every part of a schema, so that the work of a check can be counted. */
export const STEP_KEYWORD = 'x-parley-step';

const MAX_DEPTH = 64;
/** Compiling takes up to a fifth of a millisecond for each. */
const MAX_PARTS = 1_000;

/** Members that are compared with what the model wrote, word for word. */
const VALUES: readonly string[] = ['const', 'enum'];
/** Members that name or say something and hold no schema. */
const WORDS: readonly string[] = ['required', 'type', 'dependentRequired'];
/** Members that hold schemas under names of the client's choosing. */
const MAPS: readonly string[] = [
  '$defs',
  'definitions',
  'dependencies',
  'dependentSchemas',
  'patternProperties',
  'properties',
];

const LISTS: readonly string[] = [...VALUES, ...WORDS, 'dependencies'];
const CHARACTERS_PER_STEP = 16;
const MEMBERS_PER_STEP = 4;

/**
 * A copy of a schema with the steps to count in each of its parts, and without what would make its check something else
 * than a check: `$async` turns it into a promise. Unknown members are parts too, as references may lead there.
 */
export function countedSchema(schema: JsonSchema): JsonSchema {
  return new SchemaCopy().part(schema, 0);
}

class SchemaCopy {
  #parts = 0;

  part(schema: JsonSchema, depth: number): JsonSchema {
    if (depth > MAX_DEPTH) throw new UncheckableSchemaError('it is too deep');
    const copy: [string, unknown][] = [];
    let steps = 1;
    for (const [key, value] of Object.entries(schema)) {
      if (key === STEP_KEYWORD || isForeign(key, schema)) continue;
      steps += stepsOf(key, value);
      copy.push([key, this.#member(key, value, depth)]);
    }
    return Object.fromEntries([[STEP_KEYWORD, steps], ...copy]);
  }

  #member(key: string, value: unknown, depth: number): unknown {
    if (key === 'dependentRequired' && isObject(value))
      Object.values(value).forEach((names) => this.#countNames(names));
    if (typeof value !== 'object' || value === null || WORDS.includes(key)) return value;
    if (VALUES.includes(key)) {
      if (/"\$(?:ref|dynamicRef|recursiveRef)"/.test(JSON.stringify(value)))
        throw new UncheckableSchemaError(`there are references in its \`${key}\``);
      return value;
    }
    if (!MAPS.includes(key)) return this.#any(value, depth + 1);
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, this.#named(part, depth + 1)]));
  }

  /** In `dependencies` a list holds names. */
  #named(value: unknown, depth: number): unknown {
    if (Array.isArray(value)) this.#countNames(value);
    else if (isObject(value) || typeof value === 'boolean') this.#count(1);
    return isObject(value) ? this.part(value, depth) : value;
  }

  /** Of those that depend on a name: each is code of its own in the check. */
  #countNames(names: unknown): void {
    this.#count(Array.isArray(names) ? names.length + 1 : 1);
  }

  #count(parts: number): void {
    this.#parts += parts;
    if (this.#parts > MAX_PARTS) throw new UncheckableSchemaError('it is too large');
  }

  #any(value: unknown, depth: number): unknown {
    if (Array.isArray(value)) {
      if (depth > MAX_DEPTH) throw new UncheckableSchemaError('it is too deep');
      return value.map((part: unknown) => this.#any(part, depth + 1));
    }
    return this.#named(value, depth);
  }
}

/** For what is gone through each time: names that are looked for, values to be equal to. */
function stepsOf(key: string, value: unknown): number {
  if (LISTS.includes(key)) return JSON.stringify(value).length / CHARACTERS_PER_STEP;
  return MAPS.includes(key) && isObject(value) ? Object.keys(value).length / MEMBERS_PER_STEP : 0;
}

/** Old or foreign words that ajv refuses to see. */
const isForeign = (key: string, schema: JsonSchema): boolean =>
  key === '$async' || key === 'id' || (key === 'nullable' && schema['type'] === undefined);
