import { UnsatisfiableSchemaError } from './json-schema.js';
import type { SeededRandom } from './seeded-random.js';

type Node =
  | { readonly kind: 'characters'; readonly characters: readonly string[] }
  | { readonly kind: 'sequence'; readonly parts: readonly Node[] }
  | { readonly kind: 'choice'; readonly branches: readonly Node[] }
  | { readonly kind: 'repeat'; readonly part: Node; readonly min: number; readonly max: number };

const MAX_CHARACTERS = 20_000;
const MAX_GROUPS_DEEP = 50;
const DIGITS = range('0', '9');
const WORD = [...range('a', 'z'), ...range('A', 'Z'), ...DIGITS, '_'];
const VISIBLE = [...range(' ', '~')];
const CLASSES: Readonly<Record<string, readonly string[]>> = {
  d: DIGITS,
  w: WORD,
  s: [' '],
  D: [...range('a', 'z')],
  W: ['-', ' ', '.'],
  S: [...range('a', 'z')],
};
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f', v: '\v' };

/**
 * A text that matches a plain regular expression and has `min` to `max` characters; undefined where the expression uses
 * what we do not read (look-around, back-references, Unicode classes) or no such text was found.
 * The expression is read, never run: a client could write one that takes for ever.
 */
export function samplePattern(pattern: string, random: SeededRandom, min: number, max: number): string | undefined {
  const tree = new PatternReader(pattern).read();
  if (tree === undefined) return undefined;
  for (const extra of [0, 1, 3, 8, 20, min]) {
    const text = new PatternWriter(random, extra).write(tree);
    if (text.length >= min && text.length <= max) return text;
  }
  return undefined;
}

class PatternWriter {
  #left = MAX_CHARACTERS;

  /** `extra`: how often beyond its least a repetition is written. */
  constructor(
    private readonly random: SeededRandom,
    private readonly extra: number,
  ) {}

  write(node: Node): string {
    this.#left -= 1;
    if (this.#left < 0) throw new UnsatisfiableSchemaError('The pattern asks for too long a text.');
    switch (node.kind) {
      case 'characters':
        return this.random.pick(node.characters);
      case 'sequence':
        return node.parts.map((part) => this.write(part)).join('');
      case 'choice':
        return this.write(this.random.pick(node.branches));
      case 'repeat': {
        const times = Math.min(node.max, node.min + this.extra);
        let text = '';
        for (let written = 0; written < times; written += 1) text += this.write(node.part);
        return text;
      }
    }
  }
}

/** Reads the part of the syntax that schemas use; `read` is undefined at the first thing beyond it. */
class PatternReader {
  #at = 0;
  #deep = 0;

  constructor(private readonly pattern: string) {}

  read(): Node | undefined {
    const tree = this.#choice();
    return this.#at === this.pattern.length ? tree : undefined;
  }

  #choice(): Node | undefined {
    const branches: Node[] = [];
    do {
      const branch = this.#sequence();
      if (branch === undefined) return undefined;
      branches.push(branch);
    } while (this.#take('|'));
    return { kind: 'choice', branches };
  }

  #sequence(): Node | undefined {
    const parts: Node[] = [];
    while (this.#at < this.pattern.length && this.#next !== '|' && this.#next !== ')') {
      if (this.#take('^') || this.#take('$')) continue;
      const part = this.#atom();
      const repeated = part && this.#repeated(part);
      if (repeated === undefined) return undefined;
      parts.push(repeated);
    }
    return { kind: 'sequence', parts };
  }

  #atom(): Node | undefined {
    if (this.#take('(')) return this.#group();
    if (this.#take('[')) return this.#set();
    if (this.#take('.')) return { kind: 'characters', characters: range('a', 'z') };
    if (this.#take('\\')) return charactersOf(this.#escape());
    return '*+?{'.includes(this.#next) ? undefined : charactersOf([this.#read()]);
  }

  #group(): Node | undefined {
    if (this.#take('?') && !this.#take(':')) return undefined;
    if (this.#deep === MAX_GROUPS_DEEP) return undefined;
    this.#deep += 1;
    const inner = this.#choice();
    this.#deep -= 1;
    return this.#take(')') ? inner : undefined;
  }

  #repeated(part: Node): Node | undefined {
    const bounds = this.#bounds();
    if (bounds === undefined) return undefined;
    this.#take('?');
    const [min, max] = bounds;
    return min === 1 && max === 1 ? part : { kind: 'repeat', part, min, max };
  }

  #bounds(): readonly [number, number] | undefined {
    if (this.#take('*')) return [0, Infinity];
    if (this.#take('+')) return [1, Infinity];
    if (this.#take('?')) return [0, 1];
    if (this.#next !== '{') return [1, 1];
    const counted = /^\{(\d+)(,?)(\d*)\}/.exec(this.pattern.slice(this.#at, this.#at + 40));
    if (counted === null) return undefined;
    const [all, min = '', comma = '', max = ''] = counted;
    this.#at += all.length;
    if (comma === '') return [Number(min), Number(min)];
    return [Number(min), max === '' ? Infinity : Number(max)];
  }

  #escape(): readonly string[] | undefined {
    const escaped = this.#read();
    if (Object.hasOwn(CLASSES, escaped)) return CLASSES[escaped];
    if (Object.hasOwn(CONTROLS, escaped)) return [CONTROLS[escaped] ?? ''];
    return /[A-Za-z0-9]|^$/.test(escaped) ? undefined : [escaped];
  }

  #set(): Node | undefined {
    const negated = this.#take('^');
    const members = new Set<string>();
    while (!this.#take(']')) {
      const found = this.#members();
      if (found === undefined) return undefined;
      for (const member of found) members.add(member);
    }
    return charactersOf(negated ? VISIBLE.filter((character) => !members.has(character)) : [...members]);
  }

  #members(): readonly string[] | undefined {
    const first = this.#take('\\') ? this.#escape() : [this.#read()];
    const [low = '', more] = first ?? [];
    if (low === '' || more !== undefined || this.#next !== '-' || this.pattern[this.#at + 1] === ']') {
      return low === '' ? undefined : first;
    }
    this.#at += 1;
    const [high = ''] = (this.#take('\\') ? this.#escape() : [this.#read()]) ?? [];
    return high < low ? undefined : range(low, high);
  }

  get #next(): string {
    return this.pattern[this.#at] ?? '';
  }

  #read(): string {
    const character = this.#next;
    this.#at += 1;
    return character;
  }

  #take(character: string): boolean {
    if (this.#next !== character) return false;
    this.#at += 1;
    return true;
  }
}

function charactersOf(characters: readonly string[] | undefined): Node | undefined {
  return characters === undefined || characters.length === 0 ? undefined : { kind: 'characters', characters };
}

/** The first 256 characters from `low` to `high`: enough to choose from. */
function range(low: string, high: string): readonly string[] {
  const from = low.charCodeAt(0);
  const length = Math.min(256, high.charCodeAt(0) - from + 1);
  return Array.from({ length }, (_, offset) => String.fromCharCode(from + offset));
}
