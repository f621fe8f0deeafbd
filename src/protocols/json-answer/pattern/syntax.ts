/** A regular expression as it is written, without what cannot be matched in linear time. */
export type Expression =
  /** One character: whether it fits. */
  | { readonly kind: 'character'; readonly fits: RegExp }
  /** A place between two characters. */
  | { readonly kind: 'edge'; readonly at: Edge }
  | { readonly kind: 'sequence'; readonly parts: readonly Expression[] }
  | { readonly kind: 'choice'; readonly options: readonly Expression[] }
  | { readonly kind: 'repeat'; readonly part: Expression; readonly min: number; readonly max: number };

export type Edge = '^' | '$' | '\\b' | '\\B';

/** Look-around, back references and inline flags: what a linear matcher cannot do. */
export class UnsupportedPatternError extends Error {}

/** One character or class. What an escape means is left to the engine's own RegExp, which is asked about single characters. */
const CHARACTER =
  /\\u\{[\da-f]+\}|\\ud[89ab][\da-f]{2}\\ud[c-f][\da-f]{2}|\\u[\da-f]{4}|\\x[\da-f]{2}|\\c[a-z]|\\p\{[^}]*\}|\\[^b1-9k]|\[(?:[^\]\\]|\\.)*\]|[^\\()[|*+?^$]/isuy;
const EDGE = /\^|\$|\\[bB]/y;
const GROUP = /\((?:\?:|\?<\w+>|(?!\?))/y;
const QUANTIFIER = /(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/y;

/** Reads a pattern. Throws SyntaxError where it is none, UnsupportedPatternError where it is too clever. */
export function readPattern(pattern: string): Expression {
  return new Reader(pattern, flagsFor(pattern)).read();
}

/** Strictly with `u`, as JSON Schema recommends; as old engines do where only these understand it. */
function flagsFor(pattern: string): string {
  try {
    new RegExp(pattern, 'u');
    return 'u';
  } catch {
    new RegExp(pattern);
    return '';
  }
}

class Reader {
  #at = 0;

  constructor(
    private readonly pattern: string,
    private readonly flags: string,
  ) {}

  read(): Expression {
    const expression = this.#choice();
    if (this.#at < this.pattern.length) throw new UnsupportedPatternError();
    return expression;
  }

  #choice(): Expression {
    const options = [this.#sequence()];
    while (this.pattern[this.#at] === '|') {
      this.#at += 1;
      options.push(this.#sequence());
    }
    return options.length === 1 && options[0] !== undefined ? options[0] : { kind: 'choice', options };
  }

  #sequence(): Expression {
    const parts: Expression[] = [];
    for (let part = this.#part(); part !== undefined; part = this.#part()) parts.push(this.#repeated(part));
    return { kind: 'sequence', parts };
  }

  #part(): Expression | undefined {
    const next = this.pattern[this.#at];
    if (next === undefined || next === '|' || next === ')') return undefined;
    const edge = this.#take(EDGE);
    if (edge !== undefined) return { kind: 'edge', at: edge[0] as Edge };
    if (this.#take(GROUP) !== undefined) {
      const inner = this.#choice();
      this.#at += 1; // the closing bracket: the pattern is known to be valid
      return inner;
    }
    const character = this.#take(CHARACTER);
    if (character === undefined) throw new UnsupportedPatternError();
    return { kind: 'character', fits: new RegExp(`^(?:${character[0]})$`, this.flags) };
  }

  #repeated(part: Expression): Expression {
    const quantifier = this.#take(QUANTIFIER);
    if (quantifier === undefined) return part;
    const [, sign, least, comma, most] = quantifier;
    if (sign !== undefined)
      return { kind: 'repeat', part, min: sign === '+' ? 1 : 0, max: sign === '?' ? 1 : Infinity };
    const min = Number(least);
    return { kind: 'repeat', part, min, max: comma === '' ? min : most === '' ? Infinity : Number(most) };
  }

  #take(form: RegExp): RegExpExecArray | undefined {
    form.lastIndex = this.#at;
    const found = form.exec(this.pattern);
    if (found === null) return undefined;
    this.#at = form.lastIndex;
    return found;
  }
}
