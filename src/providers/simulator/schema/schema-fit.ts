import { type Keywords, listOf, numberOf, requiredNames, schemasOf } from './json-schema.js';
import type { Alternative, SchemaAlternatives } from './schema-alternatives.js';

interface Known {
  /** The least depth that is known to do, and the greatest that is known not to. */
  readonly fits: number;
  readonly fails: number;
}

const NOTHING_KNOWN: Known = { fits: Infinity, fails: -1 };

/** How deeply a value must be nested at the least to meet a schema: what a recursive schema is steered by. */
export class SchemaFit {
  readonly #known = new Map<object, Known>();

  constructor(private readonly alternatives: SchemaAlternatives) {}

  /** 0 for a scalar; undefined: nothing nested up to `limit` levels meets the schema. */
  leastDepth(schema: unknown, limit: number): number | undefined {
    for (let depth = 0; depth <= limit; depth += 1) if (this.#schemaFits(schema, depth)) return depth;
    return undefined;
  }

  /** Can it be met by a value nested `depth` levels or less? */
  fits({ type, keywords }: Alternative, depth: number): boolean {
    if (depth < 0) return false;
    if (listOf(keywords, 'enum') !== undefined) return true;
    if (type === 'array') return demandedItems(keywords).every((schema) => this.#schemaFits(schema, depth - 1));
    if (type !== 'object') return true;
    const properties = schemasOf(keywords, 'properties');
    return requiredNames(keywords).every((name) =>
      this.#schemaFits(
        Object.hasOwn(properties, name) ? properties[name] : keywords['additionalProperties'],
        depth - 1,
      ),
    );
  }

  #schemaFits(schema: unknown, depth: number): boolean {
    if (depth < 0) return false;
    const key = typeof schema === 'object' && schema !== null ? schema : undefined;
    const known = (key && this.#known.get(key)) ?? NOTHING_KNOWN;
    if (depth >= known.fits) return true;
    if (depth <= known.fails) return false;
    const fits = this.alternatives.of(schema).some((alternative) => this.fits(alternative, depth));
    if (key) this.#known.set(key, fits ? { ...known, fits: depth } : { ...known, fails: depth });
    return fits;
  }
}

function demandedItems(keywords: Keywords): readonly unknown[] {
  const least = numberOf(keywords, 'minItems') ?? 0;
  if (least <= 0) return keywords['contains'] === undefined ? [] : [keywords['contains']];
  const { items } = keywords;
  const first = listOf(keywords, 'prefixItems') ?? (Array.isArray(items) ? (items as readonly unknown[]) : []);
  return least > first.length && !Array.isArray(items) ? [...first, items] : first.slice(0, least);
}
