import { isObject, isShallow, type Json } from '../../json.js';

/** What Gemini understands of a schema for its answer (Gemini reference §2.5); `const` and `definitions` are renamed. */
const KEYWORDS: ReadonlySet<string> = new Set([
  ...['$id', '$defs', '$ref', '$anchor', 'type', 'format', 'title', 'description', 'enum', 'items', 'prefixItems'],
  ...['minItems', 'maxItems', 'minimum', 'maximum', 'anyOf', 'oneOf', 'properties', 'additionalProperties', 'required'],
  ...['propertyOrdering'],
]);

/** Words without which a schema fits the very same values. */
const WITHOUT_MEANING: ReadonlySet<string> = new Set([
  ...['$schema', '$comment', 'default', 'example', 'examples', 'deprecated', 'readOnly', 'writeOnly', 'nullable'],
  ...['strict', 'contentEncoding', 'contentMediaType'],
]);

const MAPS: ReadonlySet<string> = new Set(['properties', '$defs']);
const LISTS: ReadonlySet<string> = new Set(['anyOf', 'oneOf', 'prefixItems']);
const SINGLES: ReadonlySet<string> = new Set(['items', 'additionalProperties']);

export interface AnswerSchema {
  readonly schema: Json;
  /** Something of it Gemini would not see to. */
  readonly loose: boolean;
}

/** The schema in the words Gemini knows; undefined for one that is nested beyond reason. */
export function answerSchema(schema: Json): AnswerSchema | undefined {
  if (!isShallow(schema, DEEPEST)) return undefined;
  const lost = { any: false };
  return { schema: translated(schema, lost), loose: lost.any };
}

/** Levels of JSON, two or three of which make one of the schema. */
const DEEPEST = 200;

interface Lost {
  any: boolean;
}

function translated(given: Json, lost: Lost): Json {
  const schema = nullApart(withoutAllOf(given, lost));
  const entries = Object.entries(alone(schema, lost)).flatMap(([key, value]) => entryOf(key, value, lost));
  const ordering = orderOf(schema);
  return Object.fromEntries(ordering === undefined ? entries : [...entries, ['propertyOrdering', ordering] as const]);
}

/** All of one are that one; of several, Gemini knows nothing. */
function withoutAllOf(schema: Json, lost: Lost): Json {
  const { allOf, ...others } = schema;
  if (allOf === undefined) return schema;
  const only: unknown = Array.isArray(allOf) && allOf.length === 1 ? allOf[0] : undefined;
  const isOne = isObject(only) && Object.keys(only).every((key) => !(key in others) || DESCRIBES.has(key));
  lost.any ||= !isOne;
  return isOne ? { ...only, ...others } : others;
}

/** Only strings and numbers may be listed, so a null among them, as strict schemas have it, is one more kind of value. */
function nullApart(schema: Json): Json {
  const { enum: listed, type, ...others } = schema;
  if (!Array.isArray(listed) || !listed.includes(null) || 'anyOf' in others) return schema;
  const values: readonly unknown[] = listed.filter((value) => value !== null);
  const types: unknown = Array.isArray(type) ? type.filter((word) => word !== 'null') : type;
  const named = Array.isArray(types) && types.length === 1 ? (types as readonly unknown[])[0] : types;
  return { ...others, anyOf: [{ ...(named !== undefined && { type: named }), enum: values }, { type: 'null' }] };
}

/** Beside a reference only names may stand. */
function alone(schema: Json, lost: Lost): Json {
  if (typeof schema['$ref'] !== 'string') return schema;
  const [names, others] = [true, false].map((isName) =>
    Object.entries(schema).filter(([key]) => (key.startsWith('$') || key === 'definitions') === isName),
  );
  lost.any ||= others?.some(([key]) => !DESCRIBES.has(key) && !WITHOUT_MEANING.has(key)) === true;
  return Object.fromEntries(names ?? []);
}

const DESCRIBES: ReadonlySet<string> = new Set(['title', 'description']);

/** The order in which the client wrote the properties is the order it wants them in; older models go by the alphabet. */
function orderOf({ properties, propertyOrdering: given, $ref }: Json): readonly string[] | undefined {
  if (!isObject(properties) || given !== undefined || typeof $ref === 'string') return undefined;
  const names = Object.keys(properties);
  return names.length < 2 ? undefined : names;
}

function entryOf(key: string, value: unknown, lost: Lost): readonly (readonly [string, unknown])[] {
  switch (key) {
    case 'const':
      return enumOf([value], lost);
    case 'enum':
      return enumOf(value, lost);
    case '$ref':
      return [[key, typeof value === 'string' ? value.replace('#/definitions/', '#/$defs/') : value]];
    case 'definitions':
      return [['$defs', mapped(value, lost)]];
    default:
      if (KEYWORDS.has(key)) return [[key, valueOf(key, value, lost)]];
      lost.any ||= !WITHOUT_MEANING.has(key);
      return [];
  }
}

function valueOf(key: string, value: unknown, lost: Lost): unknown {
  if (MAPS.has(key)) return mapped(value, lost);
  if (LISTS.has(key) && Array.isArray(value)) return value.map((each) => subschema(each, lost));
  return SINGLES.has(key) ? subschema(value, lost) : value;
}

const subschema = (value: unknown, lost: Lost): unknown => (isObject(value) ? translated(value, lost) : value);

const mapped = (value: unknown, lost: Lost): unknown =>
  isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, subschema(each, lost)]))
    : value;

/** Only strings and numbers may be listed. */
function enumOf(values: unknown, lost: Lost): readonly (readonly [string, unknown])[] {
  const listed = Array.isArray(values) && values.every((each) => typeof each === 'string' || typeof each === 'number');
  lost.any ||= !listed;
  return listed ? [['enum', values]] : [];
}
