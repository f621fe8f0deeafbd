import type { JsonSchema } from '../../domain/chat.js';
import { isObject, type Json } from '../json.js';

/** A schema as the provider's constrained decoder takes it. */
export interface StrictSchema {
  readonly schema: JsonSchema;
  /** Nothing was taken out: what the decoder lets through is valid against the client's own schema. */
  readonly exact: boolean;
}

/** What the decoder knows; all else is told to the model in words (Anthropic reference §2.6). */
const KEPT = new Set(['type', 'title', 'description', 'enum', 'const', 'default', 'required', '$ref']);
const SILENT = new Set(['$schema', '$id', '$comment', 'additionalProperties', 'strict']);
const FORMATS = 'date-time time date duration email hostname uri ipv4 ipv6 uuid'.split(' ');
const MOST_OPTIONAL = 10;
const DEEPEST = 100;

/** What was met on the way through a schema. */
interface Survey {
  exact: boolean;
  optional: number;
  suitable: boolean;
}

/** The schema for the decoder; undefined where it cannot take it: open maps, recursion, too much that is optional. */
export function strictSchema(schema: JsonSchema): StrictSchema | undefined {
  if (schema['type'] !== 'object' || isRecursive(schema)) return undefined;
  const survey: Survey = { exact: true, optional: 0, suitable: true };
  const strict = transformed(schema, survey, 0);
  if (!survey.suitable || survey.optional > MOST_OPTIONAL || !isObject(strict)) return undefined;
  return { schema: strict, exact: survey.exact };
}

function transformed(schema: unknown, survey: Survey, depth: number): unknown {
  if (!isObject(schema) || depth > DEEPEST) {
    survey.suitable = false; // `true` lets anything through
    return schema;
  }
  const known: [string, unknown][] = [];
  const told: [string, unknown][] = [];
  for (const [key, value] of Object.entries(schema)) {
    if (SILENT.has(key)) continue;
    const kept = member(key, value, { survey, depth });
    if (kept !== undefined) known.push(kept);
    else told.push([key, value]);
  }
  if (isMap(schema)) survey.suitable = false;
  if (isOfObjects(schema['type']) || isObject(schema['properties'])) {
    survey.optional += optionalIn(schema);
    known.push(['additionalProperties', false]);
  }
  return described(Object.fromEntries(known), Object.fromEntries(told), survey);
}

const isOfObjects = (type: unknown): boolean => type === 'object' || (Array.isArray(type) && type.includes('object'));

/** Keys beyond the named ones would be refused by the decoder, so a schema that wants them is none for it. */
function isMap({ type, properties, additionalProperties: open, patternProperties }: Json): boolean {
  if (patternProperties !== undefined || open === true || isObject(open)) return true;
  return isOfObjects(type) && (!isObject(properties) || Object.keys(properties).length === 0) && open !== false;
}

function optionalIn({ properties, required }: Json): number {
  const named = isObject(properties) ? Object.keys(properties) : [];
  const needed = new Set<unknown>(Array.isArray(required) ? required : []);
  return named.filter((name) => !needed.has(name)).length;
}

interface Within {
  readonly survey: Survey;
  readonly depth: number;
}

function member(key: string, value: unknown, { survey, depth }: Within): [string, unknown] | undefined {
  const inner = (part: unknown) => transformed(part, survey, depth + 1);
  switch (key) {
    case 'properties':
    case '$defs':
    case 'definitions':
      return isObject(value)
        ? [key, Object.fromEntries(Object.entries(value).map(([name, part]) => [name, inner(part)]))]
        : undefined;
    case 'items':
      return [key, inner(value)];
    case 'anyOf':
    case 'allOf':
    case 'oneOf':
      if (key === 'oneOf') survey.exact = false; // the decoder may let through what fits two of them
      return Array.isArray(value) ? [key === 'oneOf' ? 'anyOf' : key, value.map(inner)] : undefined;
    default:
      return isKnown(key, value) ? [key, value] : undefined;
  }
}

function isKnown(key: string, value: unknown): boolean {
  if (key === 'format') return typeof value === 'string' && FORMATS.includes(value);
  return key === 'minItems' ? value === 0 || value === 1 : KEPT.has(key);
}

function described(schema: Json, told: Json, survey: Survey): Json {
  if (Object.keys(told).length === 0) return schema;
  survey.exact = false;
  const words = `Must also satisfy: ${JSON.stringify(told)}`;
  const before = typeof schema['description'] === 'string' ? `${schema['description']}\n` : '';
  return { ...schema, description: before + words };
}

/** Whether a definition reaches itself through references. */
function isRecursive(schema: JsonSchema): boolean {
  const links = new Map<string, ReadonlySet<string>>();
  for (const holder of ['$defs', 'definitions']) {
    const defs = schema[holder];
    if (isObject(defs))
      for (const [name, part] of Object.entries(defs)) links.set(`#/${holder}/${name}`, refsIn(part, new Set(), 0));
  }
  const { $defs: _defs, definitions: _definitions, ...root } = schema;
  links.set('#', refsIn(root, new Set(), 0));
  const finished = new Set<string>();
  const reachesItself = (ref: string, path: ReadonlySet<string>): boolean => {
    if (path.has(ref) || path.size > DEEPEST) return true;
    if (finished.has(ref)) return false;
    const further = new Set(path).add(ref);
    const found = [...(links.get(ref) ?? [])].some((next) => reachesItself(next, further));
    finished.add(ref);
    return found;
  };
  return [...links.keys()].some((ref) => reachesItself(ref, new Set()));
}

function refsIn(part: unknown, found: Set<string>, depth: number): ReadonlySet<string> {
  if (typeof part !== 'object' || part === null || depth > DEEPEST) return found;
  if (isObject(part) && typeof part['$ref'] === 'string') found.add(part['$ref']);
  for (const value of Object.values(part)) refsIn(value, found, depth + 1);
  return found;
}
