import { isObject, isShallow, type Json } from '../../json.js';
import { invalid, type ConverseDraft } from './draft.js';

/** Deeper schemas would overflow the stack of whoever writes them. */
const DEEPEST = 100;
/** References to references may stand for a schema of any size. */
const MOST_PARTS = 10_000;

/** The schema of a tool's input: always of an object, and without what says only where the schema comes from. */
export function inputSchema(
  parameters: unknown,
  { draft, path }: { readonly draft: ConverseDraft; readonly path: string },
): Json {
  if (!isObject(parameters)) return { type: 'object', properties: {} };
  if (!isShallow(parameters, DEEPEST)) throw invalid(path, 'The schema is nested too deeply.');
  const { $schema: _schema, $id: _id, ...schema } = parameters;
  const whole: Json = schema['type'] === 'object' ? schema : { ...schema, type: 'object' };
  if (!draft.facts.plainSchemas) return whole;
  const plain = withoutReferences(whole);
  if (plain === undefined || plain === whole) return whole;
  draft.adapt(path, 'without references', 'the model does not follow them');
  return plain;
}

/** The schema with what it refers to in place of the references; undefined where it refers to itself. */
function withoutReferences(schema: Json): Json | undefined {
  if (!refersToItself(schema)) return schema;
  const left = { parts: MOST_PARTS };
  const { $defs: _defs, definitions: _definitions, ...rest } = schema;
  const plain = resolved(rest, { root: schema, path: [], left });
  return isObject(plain) ? plain : undefined;
}

function refersToItself(part: unknown): boolean {
  if (typeof part !== 'object' || part === null) return false;
  return (isObject(part) && typeof part['$ref'] === 'string') || Object.values(part).some(refersToItself);
}

interface Way {
  readonly root: Json;
  /** The references that led here. */
  readonly path: readonly string[];
  readonly left: { parts: number };
}

/** undefined: it has no end. */
function resolved(part: unknown, way: Way): unknown {
  way.left.parts -= 1;
  if (way.left.parts < 0) return undefined;
  if (Array.isArray(part)) {
    const items = part.map((item) => resolved(item, way));
    return items.includes(undefined) ? undefined : items;
  }
  if (!isObject(part)) return part;
  const { $ref: reference, ...beside } = part;
  if (typeof reference === 'string') return followed(reference, beside, way);
  const members = Object.entries(part).map(([key, value]) => [key, resolved(value, way)] as const);
  return members.some(([, value]) => value === undefined) ? undefined : Object.fromEntries(members);
}

function followed(reference: string, beside: Json, way: Way): unknown {
  if (way.path.includes(reference)) return undefined;
  const target = pointedAt(way.root, reference);
  if (!isObject(target)) return undefined;
  return resolved({ ...target, ...beside }, { ...way, path: [...way.path, reference] });
}

function pointedAt(root: Json, reference: string): unknown {
  if (!reference.startsWith('#/')) return undefined;
  let at: unknown = root;
  for (const step of reference.slice(2).split('/')) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
    at = isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }
  return at;
}
