import { stringEnd } from '../../domain/json-source.js';
import { isObject } from '../json.js';
import { type WireAnswer, type WireChoice } from './wire.js';

/** Strings that differ from chunk to chunk of plain text; all else of such a chunk is the same to the byte. */
const HOLES = ['content', 'reasoning_content', 'obfuscation'];

/**
 * The form of a stream's plain text chunks, learnt from one that was read in full. A chunk of the very same form
 * says no more than its text, so it is passed on without parsing it: that is most of what a gateway does all day.
 */
export class ChunkTemplate {
  readonly #same: boolean;

  private constructor(
    /** What stands around the holes on the wire, and what is to stand there for the client. */
    private readonly wire: readonly string[],
    private readonly sent: readonly string[],
  ) {
    this.#same = wire.every((literal, index) => literal === sent[index]);
  }

  /** `event` was received, `out` sent in its place; undefined where the chunk has no such form. */
  static learn(chunk: WireAnswer, event: string, out: string): ChunkTemplate | undefined {
    const holes = holesOf(chunk);
    const wire = literalsAround(event, holes);
    const sent = literalsAround(out, holes);
    return wire === undefined || sent === undefined ? undefined : new ChunkTemplate(wire, sent);
  }

  /** Where an event of this form that begins at `at` ends; -1 where it has another form. */
  #end(text: string, at: number): number {
    const [first = '', ...others] = this.wire;
    if (!standsAt(text, at, first)) return -1;
    let position = at + first.length;
    for (const literal of others) {
      const hole = position;
      position = stringEnd(text, hole - 1) - 1;
      if (!standsAt(text, position, literal) || !isString(text.slice(hole, position))) return -1;
      position += literal.length;
    }
    // A line break inside a string is not JSON; whatever this is, it has to be read in full.
    return text.indexOf('\n', at) === position - 2 ? position : -1;
  }

  /** Where a run of such events that begins at `at` ends; `at` itself where the first one has another form. */
  endOfRun(text: string, at: number): number {
    let end = at;
    for (let next = this.#end(text, at); next !== -1; next = this.#end(text, next)) end = next;
    return end;
  }

  /** What is sent for the run that stands between `at` and `end`. */
  fill(text: string, at: number, end: number): string {
    if (this.#same) return text.slice(at, end);
    let filled = '';
    for (let position = at; position < end;) {
      this.wire.forEach((literal, index) => {
        const hole = position + literal.length;
        position = index === this.wire.length - 1 ? hole : stringEnd(text, hole - 1) - 1;
        filled += (this.sent[index] ?? '') + text.slice(hole, position);
      });
    }
    return filled;
  }
}

/** A slice costs nothing until it is read, and V8 compares whole strings ten times as fast as `startsWith` does. */
const standsAt = (text: string, at: number, literal: string): boolean =>
  text.slice(at, at + literal.length) === literal;

/** A backslash or a control character: only these can make what stands between two quotes no string. */
const DOUBTFUL = /[^\u0020-\u005b\u005d-\uffff]/;

function isString(inner: string): boolean {
  if (!DOUBTFUL.test(inner)) return true;
  try {
    return typeof JSON.parse(`"${inner}"`) === 'string';
  } catch {
    return false; // to be read in full, and refused there
  }
}

interface Hole {
  readonly key: string;
  readonly value: string;
}

function holesOf(chunk: WireAnswer): readonly Hole[] {
  const [choice] = (chunk.choices ?? []) as readonly WireChoice[];
  const strings = { ...(isObject(choice?.delta) ? choice.delta : {}), obfuscation: chunk['obfuscation'] } as Record<
    string,
    unknown
  >;
  return HOLES.flatMap((key) => {
    const value = strings[key];
    return typeof value === 'string' ? [{ key, value }] : [];
  });
}

/** The text cut at its holes; undefined where a hole is not to be found just once. */
function literalsAround(text: string, holes: readonly Hole[]): readonly string[] | undefined {
  const places: { readonly start: number; readonly end: number }[] = [];
  for (const { key, value } of holes) {
    const member = `"${key}":${JSON.stringify(value)}`;
    const at = text.indexOf(member);
    if (at === -1 || text.includes(member, at + 1)) return undefined;
    places.push({ start: at + key.length + 4, end: at + member.length - 1 });
  }
  if (places.length === 0) return undefined;
  places.sort((a, b) => a.start - b.start);
  return [...places, { start: text.length, end: text.length }].map(({ start }, index) =>
    text.slice(places[index - 1]?.end ?? 0, start),
  );
}
