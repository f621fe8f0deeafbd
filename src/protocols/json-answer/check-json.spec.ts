import { refuseUncheckable, checkJson } from './check-json.js';
import type { JsonSchema } from '../../domain/chat.js';
import { GatewayError } from '../../domain/errors.js';

const PERSON = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer', minimum: 0 } },
  required: ['name', 'age'],
  additionalProperties: false,
};
const ANN = '{"name":"Ann","age":7}';

const outcome = (text: string, schema?: JsonSchema): string => {
  try {
    return checkJson(text, { ...(schema && { schema }) });
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    expect(error).toMatchObject({ status: 502, code: 'invalid_structured_output' });
    return error.message.replace("The model's answer is not the JSON that was asked for: ", '!');
  }
};

describe('the JSON in a text', () => {
  it.each<[string, string, JsonSchema | undefined, string]>([
    ['as it is', ` ${ANN}\n`, PERSON, ` ${ANN}\n`],
    ['numbers as they are written', '{"a":12345678901234567890}', {}, '{"a":12345678901234567890}'],
    ['in a fence', '```json\n' + ANN + '\n```', PERSON, ANN],
    ['in prose with brackets of its own', `Of {name}, see [1]: ${ANN} and {"name":1}`, PERSON, ANN],
    ['brackets in its strings', 'So: {"a":"}\\"]{"} done', {}, '{"a":"}\\"]{"}'],
    ['a list where one is wanted', 'Here: [1,2]', { type: 'array' }, '[1,2]'],
    ['any object', 'x {"a":[]}', undefined, '{"a":[]}'],
    ['a list where an object is wanted', '[1]', undefined, '!it is no JSON object.'],
    ['prose', 'I am sorry.', PERSON, '!it is not JSON.'],
    ['nothing', '', PERSON, '!it is not JSON.'],
    ['half an object', 'So: {"name":"Ann"', PERSON, '!it is not JSON.'],
    ['a wrong type', '{"name":"Ann","age":"7"}', PERSON, '!`$.age` must be integer.'],
    ['a missing member', '{"name":"Ann"}', PERSON, "!`$` must have required property 'age'."],
    ['one too many', '{"name":"Ann","age":7,"secret":1}', PERSON, '!`$` must NOT have additional properties.'],
    [
      'a name that is the model’s own, which is not quoted',
      '{"hush":{"list":[1,"x"]}}',
      { additionalProperties: { properties: { list: { items: { type: 'number' } } } } },
      '!`$.*.list[1]` must be number.',
    ],
  ])('%s', (_, text, schema, expected) => {
    expect(outcome(text, schema)).toBe(expected);
  });

  it('is looked for in linear time', () => {
    const started = performance.now();
    outcome('{'.repeat(200_000));
    outcome('x "' + '\\"'.repeat(200_000), PERSON);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe('a schema', () => {
  it.each<[string, JsonSchema, valid: unknown, invalid: unknown]>([
    ['of today', { prefixItems: [{ type: 'string' }], items: false }, ['a'], ['a', 1]],
    [
      'of draft 7',
      { $schema: 'http://json-schema.org/draft-07/schema#', items: [{ type: 'string' }], additionalItems: false },
      ['a'],
      [1],
    ],
    ['of draft 7 that does not say so', { items: [{ type: 'string' }], additionalItems: false }, ['a'], ['a', 1]],
    [
      'with references',
      { $ref: '#/$defs/n', $defs: { n: { properties: { next: { $ref: '#/$defs/n' } }, additionalProperties: false } } },
      { next: { next: {} } },
      { next: { n: 1 } },
    ],
    ['that refers to itself', { type: 'array', items: { $ref: '#' } }, [[], [[]]], [[1]]],
    ['with names of its own', { $id: 'https://x/y', $ref: 'z', $defs: { a: { $id: 'z', type: 'string' } } }, 'a', 1],
    ['with formats', { format: 'date-time' }, '2026-11-22T00:00:00Z', 'today'],
    ['with a format nobody knows', { type: 'string', format: 'shoe-size' }, 'x', 1],
    [
      'with words nobody knows',
      { 'x-order': 1, id: 'a', nullable: true, type: 'string', example: { $ref: 'x' } },
      'x',
      1,
    ],
    ['that would be a promise', { $async: true, type: 'string' }, 'x', 1],
    ['with a pattern', { type: 'string', pattern: '^[a-z]+(-[a-z]+)*$' }, 'a-slug', 'a--slug'],
    [
      'with patterns for names',
      { patternProperties: { '^x-': { type: 'string' } }, additionalProperties: false },
      { 'x-a': '' },
      { y: '' },
    ],
    [
      'with unique items',
      { uniqueItems: true },
      [{ a: 1, b: 2 }, { a: 1 }],
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
    ],
    [
      'with a value that looks like a schema',
      { const: { type: 'string', properties: {} } },
      { type: 'string', properties: {} },
      {},
    ],
    [
      'that wants what every object inherits',
      { required: ['constructor', '__proto__'] },
      JSON.parse('{"constructor":1,"__proto__":2}'),
      {},
    ],
  ])('%s', (_, schema, valid, invalid) => {
    expect(outcome(JSON.stringify(valid), schema)).toBe(JSON.stringify(valid));
    expect(outcome(JSON.stringify(invalid), schema)).toMatch(/^!/);
  });

  const names = (count: number) => Array.from({ length: count }, (__, at) => `n${at}`);
  let deep: JsonSchema = { type: 'string' };
  for (let depth = 0; depth < 100; depth += 1) deep = { items: deep };

  it.each<[string, JsonSchema]>([
    ['no type there is', { type: 'shoe' }],
    ['a reference to nowhere', { $ref: '#/$defs/none' }],
    ['a reference to elsewhere', { $ref: 'https://example.com/schema.json' }],
    ['a pattern that is none', { pattern: '(' }],
    ['too many parts', { properties: Object.fromEntries(Array.from({ length: 3_000 }, (__, at) => [`p${at}`, {}])) }],
    ['too deep', deep],
    ['too long', { description: 'x'.repeat(200_000) }],
    [
      'too many parts that say yes',
      { properties: Object.fromEntries(Array.from({ length: 3_000 }, (__, at) => [`p${at}`, true])) },
    ],
    [
      'too many names that depend',
      { dependentRequired: Object.fromEntries(Array.from({ length: 3_000 }, (__, at) => [`p${at}`, []])) },
    ],
    [
      'patterns that stand for too much',
      { allOf: Array.from({ length: 200 }, (__, at) => ({ pattern: `\\p{L}{1000}${at}` })) },
    ],
    ['references in values', { const: { $ref: '#/const' }, $ref: '#/const' }],
  ])('is refused before anything is asked: %s', (_, schema) => {
    expect(() => refuseUncheckable({ json: { schema } })).toThrow(
      expect.objectContaining({ status: 400, code: 'invalid_json_schema', param: 'response_format' }),
    );
  });

  const twice = (to: string) => ({ allOf: [{ $ref: to }, { $ref: to }] });
  const doubling = Object.fromEntries(Array.from({ length: 40 }, (__, at) => [`d${at}`, twice(`#/$defs/d${at + 1}`)]));

  it.each<[string, JsonSchema, unknown]>([
    ['references that double', { $ref: '#/$defs/d0', $defs: { ...doubling, d40: { type: 'string' } } }, 'x'],
    [
      'references that double in places nobody knows',
      JSON.parse(
        JSON.stringify({ $ref: '#/$defs/d0', $defs: { ...doubling, d40: { type: 'string' } } }).replaceAll(
          '$defs',
          'x',
        ),
      ) as JsonSchema,
      'x',
    ],
    ['a reference to itself', { $ref: '#' }, 'x'],
    ['names in every item', { items: { required: names(5_000) } }, Array(3_000).fill({})],
    ['names that depend', { items: { dependencies: { a: names(900) } } }, Array(20_000).fill({ a: 1 })],
    ['values in every item', { items: { enum: names(15_000) } }, Array(50_000).fill('x')],
    [
      'many faults in every item',
      { items: { type: 'null', const: 2, minLength: 5, maxLength: 0 } },
      Array(300_000).fill('x'),
    ],
    [
      'patterns for every name',
      { patternProperties: Object.fromEntries(names(300).map((name) => [`^(a|b)*${name}$`, {}])) },
      Object.fromEntries(names(20_000).map((name) => [name, 1])),
    ],
    ['a pattern for every item', { items: { pattern: '^(?:[a-z]?){1000}1$' } }, Array(1_000).fill('x'.repeat(900))],
    ['lengths in every part', { allOf: Array(900).fill({ minLength: 1 }) }, 'x'.repeat(1_000_000)],
    [
      'an answer as deep as the sea',
      { $ref: '#/$defs/l', $defs: { l: { items: { $ref: '#/$defs/l' } } } },
      '['.repeat(50_000) + ']'.repeat(50_000),
    ],
  ])('costs no more than its share: %s', (_, schema, value) => {
    const started = performance.now();
    expect(outcome(typeof value === 'string' && value.startsWith('[') ? value : JSON.stringify(value), schema)).toMatch(
      /^!/,
    );
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
