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

/**
 * A copy of a schema with a step to count in each of its parts, and without what would make its check something else
 * than a check: `$async` turns it into a promise. Unknown members are parts too, as references may lead there.
 */
export function countedSchema(schema: JsonSchema): JsonSchema {
  return new SchemaCopy().part(schema, 0);
}

class SchemaCopy {
  #parts = 0;

  part(schema: JsonSchema, depth: number): JsonSchema {
    this.#parts += 1;
    if (depth > MAX_DEPTH || this.#parts > MAX_PARTS) throw new UncheckableSchemaError('it is too large');
    const copy: [string, unknown][] = [[STEP_KEYWORD, true]];
    for (const [key, value] of Object.entries(schema)) {
      if (isForeign(key, schema)) continue;
      copy.push([key, this.#member(key, value, depth)]);
    }
    return Object.fromEntries(copy);
  }

  #member(key: string, value: unknown, depth: number): unknown {
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
    return isObject(value) ? this.part(value, depth) : value;
  }

  #any(value: unknown, depth: number): unknown {
    if (Array.isArray(value)) {
      if (depth > MAX_DEPTH) throw new UncheckableSchemaError('it is too deep');
      return value.map((part: unknown) => this.#any(part, depth + 1));
    }
    return this.#named(value, depth);
  }
}

/** Old or foreign words that ajv refuses to see. */
const isForeign = (key: string, schema: JsonSchema): boolean =>
  key === '$async' || key === 'id' || (key === 'nullable' && schema['type'] === undefined);
