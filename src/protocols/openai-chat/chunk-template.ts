import { stringEnd } from '../../domain/json-source.js';
import { lengthSaid } from '../framing/text-form.js';
import { isObject } from '../json.js';
import { type WireAnswer, type WireChoice } from './wire.js';

/** Strings that differ from chunk to chunk of plain text; all else of such a chunk is the same to the byte. */
const HOLES = ['content', 'reasoning_content', 'obfuscation'];

/** The one of them that is no text of the answer. */
const FILLER = 'obfuscation';

/** Consecutive events of one form. */
export interface TemplateRun {
  /** Where it ends. */
  readonly end: number;
  /** Characters of answer in it. */
  readonly said: number;
}

/**
 * The form of a stream's plain text chunks, learnt from one that was read in full. A chunk of the very same form
 * says no more than its text, so it is passed on without parsing it: that is most of what a gateway does all day.
 */
export class ChunkTemplate {
  readonly #same: boolean;
  /** Characters of answer in the event that was looked at last. */
  #said = 0;

  private constructor(
    /** What stands around the holes on the wire, and what is to stand there for the client. */
    private readonly wire: readonly string[],
    private readonly sent: readonly string[],
    /** Which hole is no text of the answer; -1: none. */
    private readonly filler: number,
  ) {
    this.#same = wire.every((literal, index) => literal === sent[index]);
  }

  /** `event` was received, `out` sent in its place; undefined where the chunk has no such form. */
  static learn(chunk: WireAnswer, event: string, out: string): ChunkTemplate | undefined {
    const holes = holesOf(chunk);
    const wire = cutAtHoles(event, holes);
    const sent = cutAtHoles(out, holes);
    if (wire === undefined || sent === undefined) return undefined;
    return new ChunkTemplate(wire.literals, sent.literals, wire.keys.indexOf(FILLER));
  }

  /** Where an event of this form that begins at `at` ends; -1 where it has another form. */
  #end(text: string, at: number): number {
    const { wire } = this;
    const first = wire[0] ?? '';
    if (!standsAt(text, at, first)) return -1;
    this.#said = 0;
    let position = at + first.length;
    for (let index = 1; index < wire.length; index += 1) {
      const literal = wire[index] ?? '';
      const hole = position;
      position = stringEnd(text, hole - 1) - 1;
      if (!standsAt(text, position, literal)) return -1;
      const length = lengthSaid(text.slice(hole, position));
      if (length === -1) return -1;
      if (index - 1 !== this.filler) this.#said += length;
      position += literal.length;
    }
    // A line break inside a string is not JSON; whatever this is, it has to be read in full.
    return text.indexOf('\n', at) === position - 2 ? position : -1;
  }

  /** The run of such events that begins at `at`; undefined where the first one has another form. */
  run(text: string, at: number): TemplateRun | undefined {
    let end = at;
    let said = 0;
    for (let next = this.#end(text, at); next !== -1; next = this.#end(text, next)) {
      end = next;
      said += this.#said;
    }
    return end === at ? undefined : { end, said };
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

/** A text cut at its holes: what stands around them, and which they are, in their order. */
interface Cut {
  readonly literals: readonly string[];
  readonly keys: readonly string[];
}

/** Undefined where a hole is not to be found just once. */
function cutAtHoles(text: string, holes: readonly Hole[]): Cut | undefined {
  const places: { readonly key: string; readonly start: number; readonly end: number }[] = [];
  for (const { key, value } of holes) {
    const member = `"${key}":${JSON.stringify(value)}`;
    const at = text.indexOf(member);
    if (at === -1 || text.includes(member, at + 1)) return undefined;
    places.push({ key, start: at + key.length + 4, end: at + member.length - 1 });
  }
  if (places.length === 0) return undefined;
  places.sort((a, b) => a.start - b.start);
  const literals = [...places, { start: text.length }].map(({ start }, index) =>
    text.slice(places[index - 1]?.end ?? 0, start),
  );
  return { literals, keys: places.map(({ key }) => key) };
}
