import { editedJson, findMembers, rememberSource, withFields } from './json-source.js';

type Fields = Readonly<Record<string, unknown>>;

/** A value that knows the text it was parsed from. */
function parsed(text: string): Fields {
  const value = JSON.parse(text) as Fields;
  rememberSource(value, { text, members: findMembers(text, Infinity) ?? [] });
  return value;
}

describe('editedJson', () => {
  it.each([
    ['integers beyond 2^53', '{"seed":12345678901234567890,"a":1}', '{"seed":12345678901234567890,"a":2}'],
    ['the form of numbers', '{"t":1.0,"u":1e-7,"v":-0,"a":1}', '{"t":1.0,"u":1e-7,"v":-0,"a":2}'],
    ['escapes and raw text', String.raw`{"s":"é\u00e9\/\ud800","a":1}`, String.raw`{"s":"é\u00e9\/\ud800","a":2}`],
    ['brackets in strings', '{"s":"}],{\\"a\\":9","a":1}', '{"s":"}],{\\"a\\":9","a":2}'],
    [
      'a string that ends in a backslash',
      String.raw`{"s":"\\","a":1,"t":"\\\""}`,
      String.raw`{"s":"\\","a":2,"t":"\\\""}`,
    ],
    ['members of the same name below', '{"x":{"a":[{"a":0}]},"a":1}', '{"x":{"a":[{"a":0}]},"a":2}'],
    ['hostile keys', '{"__proto__":{"x":1},"constructor":2,"a":1}', '{"__proto__":{"x":1},"constructor":2,"a":2}'],
    ['white space inside a value', '{"x": [ 1 ,\n2 ] , "a" :\t1 }', '{"x": [ 1 ,\n2 ],"a" :\t2}'],
    ['a key that stands twice: both are edited', '{"a":1,"b":[],"a":{"a":3}}', '{"a":2,"b":[],"a":2}'],
    ['a key written with escapes', String.raw`{"\u0061":1,"b":2}`, String.raw`{"\u0061":2,"b":2}`],
    ['a key that was not there: added at the end', '{"b":1.50}', '{"b":1.50,"a":2}'],
    ['an empty object', ' { } ', '{"a":2}'],
  ])('keeps %s', (_, text, expected) => {
    expect(editedJson(parsed(text), new Map([['a', 2]]))).toBe(expected);
  });

  it('takes out what is set to undefined, wherever it stands', () => {
    const gone = new Map([['a', undefined]]);
    expect(editedJson(parsed('{"a":1,"b":2.0,"a":3}'), gone)).toBe('{"b":2.0}');
    expect(editedJson(parsed('{"a":[1,{"b":"}"}]}'), gone)).toBe('{}');
    expect(editedJson(parsed('{"b":2.0}'), gone)).toBe('{"b":2.0}');
  });

  it('gives the very text where nothing is edited', () => {
    const text = ' {"a" : 1.0,"a":1}\n';
    expect(editedJson(parsed(text), new Map())).toBe(text);
  });

  it('serialises a value without a source, and a copy has none', () => {
    const original = parsed('{"a":1.0,"b":2}');
    const copy = { ...original, a: 7 };
    expect(editedJson(copy, new Map())).toBe('{"a":7,"b":2}');
    expect(editedJson(copy, new Map([['b', undefined]]))).toBe('{"a":7}');
    expect(JSON.stringify(original)).toBe('{"a":1,"b":2}');
    expect(Object.keys(original)).toEqual(['a', 'b']);
  });
});

describe('withFields', () => {
  it('gives a copy that knows its text, which can be edited again', () => {
    const original = parsed('{"model":"x","seed":12345678901234567890}');
    const copy = withFields(
      original,
      new Map<string, unknown>([
        ['model', 'y'],
        ['n', 1],
      ]),
    );
    expect(copy).toEqual({ model: 'y', seed: Number('12345678901234567890'), n: 1 });
    expect(editedJson(copy, new Map())).toBe('{"model":"y","seed":12345678901234567890,"n":1}');
    expect(editedJson(copy, new Map([['model', 'z']]))).toBe('{"model":"z","seed":12345678901234567890,"n":1}');
    expect(editedJson(original, new Map())).toBe('{"model":"x","seed":12345678901234567890}');
    expect(editedJson(withFields({ a: 1 }, new Map([['b', 2]])), new Map())).toBe('{"a":1,"b":2}');
  });
});

describe('findMembers', () => {
  it.each([
    ['{"a":1}', 1],
    ['{"a":[]}', 2],
    ['{"a":{"b":[{}]},"c":[]}', 4],
    ['{"a":"[[[[[[","b":[]}', 2],
  ])('%s is %i deep', (text, depth) => {
    expect(findMembers(text, depth)).toBeDefined();
    if (depth > 1) expect(findMembers(text, depth - 1)).toBeUndefined();
  });

  it('refuses a million brackets without walking them all', () => {
    expect(findMembers(`{"a":${'['.repeat(1_000_000)}`, 128)).toBeUndefined();
    expect(findMembers(`{"a":${'{"a":'.repeat(1_000_000)}`, 128)).toBeUndefined();
  });

  it.each([
    ['quotes', `{"a":${'"'.repeat(300_000)}`],
    ['backslashes before quotes', `{"a":"${'\\"'.repeat(150_000)}`],
    ['members without an end', `{${'"a":1,'.repeat(50_000)}`],
    ['spaces', `{"a":${' '.repeat(300_000)}`],
    ['colons', `{"a"${':'.repeat(300_000)}`],
    ['closing brackets', `{"a":1${'}'.repeat(300_000)}`],
  ])('reads many %s in linear time', (_, text) => {
    const start = performance.now();
    findMembers(text, 128);
    expect(performance.now() - start).toBeLessThan(1000); // a few milliseconds; seconds if it were quadratic
  });

  it('agrees with JSON.parse on whatever that accepts, and never fails on the rest', () => {
    const random = randomFrom(20_261_122);
    let accepted = 0;
    for (let round = 0; round < 20_000; round += 1) {
      const text = mutated(JSON.stringify(randomObject(random, 3)), random);
      const members = findMembers(text, 128);
      const value = objectIn(text);
      if (value === undefined || members === undefined) continue;
      accepted += 1;
      rememberSource(value, { text, members });
      const [key = 'new'] = Object.keys(value).slice(Math.floor(random() * 3));
      expect(JSON.parse(editedJson(value, new Map()))).toEqual(value);
      expect(JSON.parse(editedJson(value, new Map([[key, { is: ['set'] }]])))).toEqual(
        Object.fromEntries([...Object.entries(value), [key, { is: ['set'] }]]),
      );
      expect(JSON.parse(editedJson(value, new Map([[key, undefined]])))).toEqual(
        Object.fromEntries(Object.entries(value).filter(([name]) => name !== key)),
      );
    }
    expect(accepted).toBeGreaterThan(4000);
  });
});

function objectIn(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}

/** The same numbers for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const KEYS = ['a', 'b', '"', '\\', 'a"b', '{', '__proto__', 'constructor', 'é', '', ':', 'a,b'];
const LEAVES = ['', '"', '\\', '\\"', '}', ']', ',', ':', '\n', '\u2028', 0, 1.5, -1, true, false, null];

const pick = <Item>(list: readonly Item[], random: () => number): Item =>
  list[Math.floor(random() * list.length)] as Item;

function randomValue(random: () => number, depth: number): unknown {
  if (depth === 0 || random() < 0.4) return pick(LEAVES, random);
  if (random() < 0.5) return Array.from({ length: Math.floor(random() * 4) }, () => randomValue(random, depth - 1));
  return randomObject(random, depth - 1);
}

function randomObject(random: () => number, depth: number): Fields {
  const size = Math.floor(random() * 5);
  return Object.fromEntries(Array.from({ length: size }, () => [pick(KEYS, random), randomValue(random, depth)]));
}

const NOISE = [' ', '\n', '\t', '"', '\\', '{', '}', '[', ']', ',', ':', '1', '\\u0061', '"a":1,', ''];

/** The text with a few characters put in or replaced: often no JSON any more, often still some. */
function mutated(text: string, random: () => number): string {
  let changed = text;
  for (let count = Math.floor(random() * 4); count > 0; count -= 1) {
    const at = Math.floor(random() * (changed.length + 1));
    changed = changed.slice(0, at) + pick(NOISE, random) + changed.slice(at + Math.floor(random() * 2));
  }
  return changed;
}
