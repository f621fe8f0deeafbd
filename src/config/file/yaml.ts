import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node, type Pair } from 'yaml';
import { emptyMap, pathTo, type Located, type Place } from '../shape/located.js';
import type { Reading } from '../shape/reading.js';
import { interpolate } from './interpolation.js';

/** Aliases may be followed this often; a file of a few lines could otherwise stand for billions of values. */
const MOST_ALIASES = 1_000;

/** Faults of one value, beside which the rest of the file can still be read. */
const LOCAL_FAULTS: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'this key is there twice',
  MULTIPLE_DOCS: 'a second document begins here; a config file is one',
  TAG_RESOLVE_FAILED: 'this tag has no meaning here',
};

/**
 * The values of a YAML 1.2 text, each with its line and column, variables put in.
 * Undefined where the text is no YAML; the reading then knows why.
 */
export function readYaml(source: string, file: string, reading: Reading): Located | undefined {
  const lines = new LineCounter();
  const document = parsed(source, lines);
  const tree = new Tree(document, file, lines, reading);
  const faults = [...document.errors, ...document.warnings];
  for (const { code, pos } of faults) {
    const local = LOCAL_FAULTS[code];
    if (local !== undefined) reading.refuse(tree.place(pos[0], ''), local);
  }
  // After the first fault of syntax the parser guesses, and what it says of the rest only leads astray.
  const broken = faults.find(({ code }) => LOCAL_FAULTS[code] === undefined);
  if (broken !== undefined) {
    const place = tree.place(broken.pos[0], '');
    return reading.refuse(place, `${broken.message.trim()}${unquoted(source, place)}`);
  }
  return document.contents === null ? emptyMap(tree.place(0, '')) : tree.locate(document.contents, '');
}

function parsed(source: string, lineCounter: LineCounter): Document {
  return parseDocument(source, {
    version: '1.2',
    lineCounter,
    stringKeys: true,
    prettyErrors: false,
    logLevel: 'error',
  });
}

/** The one mistake that YAML's own words do not explain: braces of a variable taken for those of a map. */
function unquoted(source: string, { line }: Place): string {
  const text = source.split('\n')[(line ?? 1) - 1] ?? '';
  return /[{[,:]\s*\$\{/.test(text) ? '; between { } or [ ] a value with ${…} must be in quotes' : '';
}

class Tree {
  #aliases = 0;

  constructor(
    private readonly document: Document,
    private readonly file: string,
    private readonly lines: LineCounter,
    private readonly reading: Reading,
  ) {}

  place(offset: number, path: string): Place {
    const { line, col } = this.lines.linePos(offset);
    return { file: this.file, line, column: col, path };
  }

  locate(node: Node, path: string): Located {
    const place = this.place(node.range?.[0] ?? 0, path);
    if (isAlias(node)) return this.#follow(node.resolve(this.document), place);
    if (isMap(node)) {
      return {
        kind: 'map',
        place,
        entries: node.items.map((pair) => this.#entry(pair as Pair<Node, Node | null>, path)),
      };
    }
    if (isSeq(node)) {
      return {
        kind: 'list',
        place,
        items: node.items.map((item, index) => this.locate(item as Node, `${path}[${index}]`)),
      };
    }
    return isScalar(node) ? this.#scalar(node.value, place) : { kind: 'unreadable', place };
  }

  #entry({ key, value }: Pair<Node, Node | null>, parent: string) {
    const name = isScalar(key) ? String(key.value) : '';
    const place = this.place(key.range?.[0] ?? 0, pathTo(parent, name));
    return { name, place, value: value === null ? this.#scalar(null, place) : this.locate(value, place.path) };
  }

  #follow(target: Node | undefined, place: Place): Located {
    this.#aliases += 1;
    if (target !== undefined && this.#aliases <= MOST_ALIASES) return this.locate(target, place.path);
    if (this.#aliases === MOST_ALIASES + 1) {
      this.reading.refuse(
        { ...place, path: '' },
        `more than ${MOST_ALIASES} aliases are followed here; does one contain itself?`,
      );
    }
    return { kind: 'unreadable', place };
  }

  #scalar(value: unknown, place: Place): Located {
    if (typeof value !== 'string') {
      const plain = typeof value === 'number' || typeof value === 'boolean' ? value : null;
      return { kind: 'scalar', place, value: plain, fromEnvironment: false };
    }
    const { text, fromEnvironment, faults } = interpolate(value, this.reading.environment);
    for (const fault of faults) this.reading.refuse(place, fault);
    if (faults.length > 0) return { kind: 'unreadable', place };
    // A variable that is empty is one that is not set: what it stands for is then absent.
    return { kind: 'scalar', place, value: fromEnvironment && text === '' ? null : text, fromEnvironment };
  }
}
