import { LinearPattern } from './linear-pattern.js';
import { StepBudget } from './step-budget.js';

const matcher = (pattern: string) => {
  const budget = new StepBudget(2_000_000);
  const linear = new LinearPattern(pattern, budget);
  return (text: string) => {
    budget.refill();
    return linear.test(text);
  };
};

const TEXTS = [
  '',
  'a',
  'b',
  'ab',
  'abc',
  'aab',
  'aaa',
  'a-b',
  'A1',
  '12',
  '2026-11-22',
  'x y',
  'é',
  '😀',
  '\n',
  'a\nb',
  'a.b@c.de',
  '\\',
  ']',
  '{',
  'foo bar',
];

describe('a pattern', () => {
  it.each([
    '',
    'a',
    '^a',
    'a$',
    '^$',
    '^a*$',
    '^a+b?$',
    '^(?:a|b)+$',
    '^(a|ab)(c|bcd)*$',
    '^[^a-c]$',
    '^.$',
    '^\\d{4}-\\d{2}-\\d{2}$',
    '^[a-z]+(-[a-z]+)*$',
    '\\bbar\\b',
    '\\Ba',
    '^\\p{L}+$',
    '^\\u{1F600}$',
    '^\\ud83d\\ude00$',
    '^[\\w.]+@[\\w.]+\\.[a-z]{2,}$',
    '^(?<year>\\d+)',
    '[]',
    '[^]',
    '\\\\',
    '^[\\]]$',
    '^\\x61$',
    '(a*)*b',
    '(?:)*',
    '^a{0}$',
    '^a{2,3}$',
    '^a{2,}$',
    '\\cJ',
    '{',
    'a||b',
    '^\\-|\\]$',
    '\\S\\s\\S',
  ])('%s means what it means to JavaScript', (pattern) => {
    let native: RegExp;
    try {
      native = new RegExp(pattern, 'u');
    } catch {
      native = new RegExp(pattern);
    }
    const test = matcher(pattern);
    expect(TEXTS.filter((text) => test(text))).toEqual(TEXTS.filter((text) => native.test(text)));
  });

  it.each([
    '^(?=.*[A-Z]).+$',
    '(?<!a)b',
    '(a)\\1',
    '(?<x>a)\\k<x>',
    '(a{1000}){1000}',
    '((){1000}){1000}',
    'x'.repeat(3_000),
  ])('%s is not tested, as it cannot be in linear time', (pattern) => expect(matcher(pattern)('anything')).toBe(true));

  it('takes no longer for a text that JavaScript never finishes', () => {
    const started = performance.now();
    expect(matcher('^(a+)+$')(`${'a'.repeat(5_000)}!`)).toBe(false);
    expect(matcher('^(a?){50}a{50}$')('a'.repeat(49))).toBe(false);
    expect(() => matcher('(.*a){30}')('b'.repeat(1_000_000))).toThrow();
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('that is none is a fault', () => expect(() => matcher('(')).toThrow(SyntaxError));
});
