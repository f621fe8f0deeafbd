import type * as Re2Js from 're2js';
import { lazily } from '../lazily.js';
import type { StepBudget } from './step-budget.js';

const re2js = lazily<typeof Re2Js>('re2js');

/** Even a text of one letter takes some. */
const STEPS_TO_BEGIN = 30;
/** Of a pattern's program, for each character of the text. */
const INSTRUCTIONS_PER_STEP = 16;
/** No longer pattern is read; the longest of the wild are for e-mail addresses. */
const MAX_LENGTH = 2_000;
/** RE2JS takes the reference for letters. */
const NAMED_REFERENCE = '\\k<';
/** JavaScript writes what lies beyond U+FFFF in halves, too. */
const HALVES = /\\u(d[89ab][\da-f]{2})\\u(d[c-f][\da-f]{2})/gi;

/**
 * A client's regular expression, matched in linear time: JavaScript's own engine can be kept busy for years by twenty
 * characters. What RE2 cannot do (look-around, back references, huge repetitions) is not tested, and every text fits.
 */
export class LinearPattern {
  readonly #compiled: Re2Js.RE2JS | undefined;
  /** Its instructions: a few characters may stand for many thousand. */
  readonly size: number;

  /** Throws SyntaxError where it is no regular expression. */
  constructor(
    private readonly pattern: string,
    private readonly budget: StepBudget,
  ) {
    this.#compiled = compiled(pattern);
    this.size = this.#compiled?.programSize() ?? 0;
  }

  /** Whether the pattern is found anywhere in the text. Throws OutOfStepsError. */
  test(text: string): boolean {
    if (this.#compiled === undefined) return true;
    this.budget.take(STEPS_TO_BEGIN + (this.size * text.length) / INSTRUCTIONS_PER_STEP);
    return this.#compiled.matcher(text).find();
  }

  toString(): string {
    return this.pattern; // ajv knows patterns apart by this
  }
}

function compiled(pattern: string): Re2Js.RE2JS | undefined {
  if (pattern.length > MAX_LENGTH || pattern.includes(NAMED_REFERENCE)) return undefined;
  const whole = pattern.replace(HALVES, (_, high: string, low: string) =>
    String.fromCharCode(Number.parseInt(high, 16), Number.parseInt(low, 16)),
  );
  const { RE2JS } = re2js();
  try {
    return RE2JS.compile(RE2JS.translateRegExp(whole));
  } catch {
    new RegExp(pattern); // one that JavaScript does not know either is the client's mistake
    return undefined;
  }
}
