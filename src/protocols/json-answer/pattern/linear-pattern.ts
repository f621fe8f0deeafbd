import type { StepBudget } from '../step-budget.js';
import { programOf, type Instruction } from './program.js';
import { readPattern, UnsupportedPatternError, type Edge } from './syntax.js';

/** No longer pattern is read; the longest of the wild are for e-mail addresses. */
const MAX_LENGTH = 2_000;

/**
 * A client's regular expression, matched without going back: JavaScript's own engine can be kept busy for years by
 * twenty characters. What such a matcher cannot do is not tested, and every text fits.
 */
export class LinearPattern {
  readonly #program: readonly Instruction[] | undefined;

  /** Throws SyntaxError where it is no regular expression. */
  constructor(
    private readonly pattern: string,
    private readonly budget: StepBudget,
  ) {
    this.#program = pattern.length > MAX_LENGTH ? undefined : readProgram(pattern);
  }

  /** Whether the pattern is found anywhere in the text. Throws OutOfStepsError. */
  test(text: string): boolean {
    if (this.#program === undefined) return true;
    const characters = Array.from(text);
    const search = new Search(this.#program, characters, this.budget);
    return search.succeeds();
  }

  toString(): string {
    return this.pattern; // ajv knows patterns apart by this
  }
}

function readProgram(pattern: string): readonly Instruction[] | undefined {
  try {
    return programOf(readPattern(pattern));
  } catch (error) {
    if (error instanceof UnsupportedPatternError) return undefined;
    throw error;
  }
}

class Search {
  /** Where each instruction was last reached: once for every place in the text is enough. */
  readonly #reached: Int32Array;

  constructor(
    private readonly program: readonly Instruction[],
    private readonly text: readonly string[],
    private readonly budget: StepBudget,
  ) {
    this.#reached = new Int32Array(program.length).fill(-1);
  }

  succeeds(): boolean {
    let waiting: number[] = [];
    for (let at = 0; at <= this.text.length; at += 1) {
      const readers = this.#follow([...waiting, 0], at); // a match may begin anywhere
      if (readers === undefined) return true;
      const character = this.text[at] ?? '';
      waiting = readers.filter((reader) => this.#reads(reader, character)).map((reader) => reader + 1);
    }
    return false;
  }

  /** The reading instructions that can be reached without reading; undefined where the end can. */
  #follow(from: number[], at: number): number[] | undefined {
    const readers: number[] = [];
    for (let next = from.pop(); next !== undefined; next = from.pop()) {
      if (this.#reached[next] === at) continue;
      this.#reached[next] = at;
      this.budget.take();
      const instruction = this.program[next];
      if (instruction === undefined || instruction.do === 'accept') return undefined;
      if (instruction.do === 'read') readers.push(next);
      else if (instruction.do === 'fork') from.push(...instruction.to);
      else if (this.#stands(instruction.at, at)) from.push(next + 1);
    }
    return readers;
  }

  #reads(reader: number, character: string): boolean {
    const instruction = this.program[reader];
    return instruction?.do === 'read' && instruction.fits.test(character);
  }

  #stands(edge: Edge, at: number): boolean {
    if (edge === '^') return at === 0;
    if (edge === '$') return at === this.text.length;
    const between = isWord(this.text[at - 1]) !== isWord(this.text[at]);
    return between === (edge === '\\b');
  }
}

const isWord = (character: string | undefined): boolean => character !== undefined && /^\w$/.test(character);
