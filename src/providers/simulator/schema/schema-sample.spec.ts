import { Ajv2020 } from 'ajv/dist/2020.js';
import { UnsatisfiableSchemaError } from './json-schema.js';
import { sampleJson } from './schema-sample.js';

/** Formats are checked by their shape; the validator itself knows none. */
const FORMATS: Readonly<Record<string, RegExp>> = {
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  date: /^\d{4}-\d\d-\d\d$/,
  time: /^\d\d:\d\d:\d\dZ$/,
  duration: /^P\d+D$/,
  email: /^[^@ ]+@[^@ ]+\.[a-z]+$/,
  hostname: /^[a-z.]+$/,
  ipv4: /^(\d{1,3}\.){3}\d{1,3}$/,
  ipv6: /^[0-9a-f:]+$/,
  uri: /^https:\/\/\S+$/,
  uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
};

const string = { type: 'string' };
const object = (properties: object, more: object = {}): object => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more,
});

const SCHEMAS: Readonly<Record<string, unknown>> = {
  'nothing said': {},
  'anything goes': true,
  'a weather tool': object({ city: string, unit: { type: 'string', enum: ['c', 'f'] } }),
  'optional as union with null': object({
    name: { type: ['string', 'null'] },
    age: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
  }),
  'no type, only properties': {
    properties: { a: string, b: { minimum: 3 }, c: { items: string } },
    required: ['a', 'b', 'c'],
  },
  'required but not declared': { type: 'object', required: ['loose'] },
  'const and mixed enum': object({ kind: { const: 'circle' }, any: { enum: [1, 'two', null, { deep: [3] }] } }),
  'enum narrowed by type': { type: 'integer', enum: ['x', 7] },
  definitions: {
    ...object({ at: { $ref: '#/$defs/point' } }),
    $defs: { point: object({ x: { type: 'number' }, y: { type: 'number' } }) },
  },
  'escaped reference': { $ref: '#/$defs/a~1b%20c', $defs: { 'a/b c': { type: 'boolean' } } },
  'reference with siblings': { $ref: '#/$defs/n', maximum: 4, $defs: { n: { type: 'integer', minimum: 3 } } },
  'linked list': object({ value: { type: 'integer' }, next: { anyOf: [{ $ref: '#' }, { type: 'null' }] } }),
  tree: object({ label: string, children: { type: 'array', items: { $ref: '#' } } }),
  'expression grammar': {
    ...object({ root: { $ref: '#/$defs/expr' } }),
    $defs: {
      expr: { anyOf: [{ $ref: '#/$defs/sum' }, { $ref: '#/$defs/literal' }] },
      sum: object({ op: { const: '+' }, left: { $ref: '#/$defs/expr' }, right: { $ref: '#/$defs/expr' } }),
      literal: object({ number: { type: 'number' } }),
    },
  },
  'mutually recursive': {
    $ref: '#/$defs/a',
    $defs: {
      a: object({ b: { anyOf: [{ type: 'null' }, { $ref: '#/$defs/b' }] } }),
      b: object({ as: { type: 'array', items: { $ref: '#/$defs/a' }, maxItems: 2 } }),
    },
  },
  'all of': {
    allOf: [
      object({ a: string }, { additionalProperties: true }),
      { properties: { b: { type: 'integer' } }, required: ['b'] },
    ],
  },
  'same property twice': {
    allOf: [
      { properties: { n: { type: 'number', minimum: 5 } } },
      { properties: { n: { type: 'integer', maximum: 6 } }, required: ['n'] },
    ],
  },
  'union of objects': {
    oneOf: [object({ type: { const: 'a' }, a: string }), object({ type: { const: 'b' }, b: { type: 'integer' } })],
  },
  'union below a base': {
    type: 'object',
    properties: { id: string },
    required: ['id'],
    anyOf: [{ required: ['x'] }, { required: ['y'] }],
  },
  'never as an option': object({ a: { anyOf: [{ not: {} }, string] } }),
  'impossible option left out': { type: 'object', properties: { ok: string, never: false }, required: ['ok'] },
  'integer bounds': { type: 'integer', minimum: -3, maximum: -1 },
  'excluded bounds': object({
    a: { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 0.001 },
    b: { type: 'integer', exclusiveMinimum: 4, exclusiveMaximum: 6 },
  }),
  'one-sided bounds': object({
    low: { type: 'number', minimum: 1e12 },
    high: { type: 'integer', maximum: -1000 },
    small: { type: 'number', maximum: 0.5 },
  }),
  multiples: object({
    a: { type: 'integer', multipleOf: 7, minimum: 50 },
    b: { type: 'number', multipleOf: 0.1 },
    c: { type: 'integer', multipleOf: 0.5 },
    d: { multipleOf: 1000 },
  }),
  lengths: object({
    long: { type: 'string', minLength: 300 },
    short: { type: 'string', maxLength: 2 },
    none: { type: 'string', maxLength: 0 },
  }),
  patterns: object({
    plate: { type: 'string', pattern: '^[A-Z]{2}-\\d{3,5}(-x|-y)?$' },
    slug: { type: 'string', pattern: '^[a-z0-9]+(?:-[a-z0-9]+)*$', minLength: 12 },
    escaped: { type: 'string', pattern: '^\\$\\d+\\.\\d{2}\\s[^a-y0-9]\\w$' },
    loose: { type: 'string', pattern: 'colou?r' },
  }),
  formats: object(Object.fromEntries(Object.keys(FORMATS).map((format) => [format, { type: 'string', format }]))),
  'list lengths': object({
    some: { type: 'array', items: string, minItems: 4, maxItems: 6 },
    none: { type: 'array', items: false },
    empty: { type: 'array', maxItems: 0 },
  }),
  'distinct items': { type: 'array', items: { enum: ['a', 'b', 'c'] }, minItems: 3, uniqueItems: true },
  tuple: { type: 'array', prefixItems: [string, { type: 'integer' }], items: false, minItems: 2 },
  contains: { type: 'array', contains: { const: 5 } },
  record: { type: 'object', additionalProperties: { type: 'number' } },
  'record with named keys': {
    type: 'object',
    propertyNames: { enum: ['red', 'green'] },
    additionalProperties: { type: 'integer' },
  },
  'property patterns': {
    type: 'object',
    patternProperties: { '^x-[a-z]{3}$': { type: 'integer' } },
    additionalProperties: false,
    minProperties: 2,
  },
  'number of properties': { type: 'object', properties: { a: string, b: string, c: string }, maxProperties: 1 },
  'unusual names': object({
    constructor: string,
    toString: { type: 'integer' },
    $ref: { type: 'boolean' },
    'a/b': { type: 'null' },
  }),
  'a property called __proto__': JSON.parse(
    '{"type":"object","properties":{"__proto__":{"type":"integer"}},"required":["__proto__"]}',
  ),
  'deep but finite': Array.from({ length: 30 }).reduce<object>((inner) => object({ inner }), string),
};

const IMPOSSIBLE: Readonly<Record<string, unknown>> = {
  false: false,
  'no schema': 7,
  'reference to itself': { $ref: '#' },
  'references in a circle': { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } },
  'required recursion': object({ next: { $ref: '#' } }),
  'reference to nowhere': { $ref: '#/$defs/missing' },
  'reference elsewhere': { $ref: 'https://example.com/schema' },
  'reference through a prototype': { $ref: '#/constructor' },
  'malformed reference': { $ref: '#/%E0%A4' },
  'too many items': { type: 'array', items: string, minItems: 1e9 },
  'too many items in items': { type: 'array', minItems: 900, items: { type: 'array', minItems: 900, items: string } },
  'distinct beyond number': { type: 'array', items: { type: 'boolean' }, minItems: 3, uniqueItems: true },
  'too long a text': { type: 'string', minLength: 1e9 },
  'too much text': { type: 'array', minItems: 1000, items: { type: 'string', minLength: 1000 } },
  'too long a pattern': { type: 'string', pattern: 'a{999999999}' },
  'too long a nested pattern': { type: 'string', pattern: '((((a{99}){99}){99}){99}){99}' },
  'too many properties': { type: 'object', minProperties: 1e12 },
  'closed, yet more wanted': object({ a: string }, { minProperties: 3 }),
  'bounds crossed': { type: 'number', minimum: 5, maximum: 4 },
  'lengths crossed': { type: 'string', minLength: 5, maxLength: 4 },
  'types apart': { allOf: [string, { type: 'integer' }] },
  'nested too deeply': Array.from({ length: 20_000 }).reduce<object>((inner) => object({ inner }), string),
  'combined too deeply': Array.from({ length: 20_000 }).reduce<object>((inner) => ({ allOf: [inner] }), string),
  'a constant nested too deeply': { const: Array.from({ length: 100_000 }).reduce<unknown>((inner) => [inner], 1) },
  'combinations without end': {
    allOf: Array.from({ length: 5000 }, (_, part) => ({
      anyOf: Array.from({ length: 60 }, (__, branch) => ({ title: `${part} ${branch}` })),
    })),
  },
  'every branch twice': {
    $ref: '#/$defs/d0',
    $defs: Object.fromEntries(
      Array.from({ length: 61 }, (_, level) => [
        `d${level}`,
        { anyOf: [{ $ref: `#/$defs/d${level + 1}` }, { $ref: `#/$defs/d${level + 1}` }] },
      ]),
    ),
  },
};

describe('sampleJson', () => {
  const ajv = new Ajv2020({ strict: false, formats: FORMATS, validateSchema: false });

  it.each(Object.entries(SCHEMAS))('meets the schema: %s', (_, schema) => {
    const validate = ajv.compile(schema as object);
    for (let seed = 0; seed < 40; seed += 1) {
      const text = sampleJson(schema, seed);
      expect({ text, errors: validate(JSON.parse(text)) ? null : validate.errors }).toEqual({ text, errors: null });
    }
  });

  it.each(Object.entries(IMPOSSIBLE))('refuses what it cannot meet, soon: %s', (_, schema) => {
    const startedAt = performance.now();
    expect(() => sampleJson(schema, 1)).toThrow(UnsatisfiableSchemaError);
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });

  it('repeats itself for one seed and differs between seeds', () => {
    const texts = [1, 1, 2, 2 ** 40 + 1].map((seed) => sampleJson(SCHEMAS['tree'], seed));
    expect(texts[0]).toBe(texts[1]);
    expect(new Set(texts).size).toBe(3);
  });

  it('keeps a property called __proto__ as a member', () => {
    expect(sampleJson(SCHEMAS['a property called __proto__'], 3)).toMatch(/^\{"__proto__":\d+\}$/);
  });

  it('never runs a pattern that would take for ever', () => {
    expect(sampleJson({ type: 'string', pattern: '^(a+)+b(?=c)$' }, 1)).toEqual(expect.any(String));
  });
});
