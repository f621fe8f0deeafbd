import { stringEnd } from '../../domain/json-source.js';

/** Consecutive events that say more of one text and nothing else. */
export class TextRun {
  /** JSON strings without their quotes, as they came. */
  readonly texts: string[] = [];
  /** What they come to, in UTF-16 units. */
  length = 0;
}

/**
 * The form of an event that says a piece of text, learnt from one that was read in full. An event of the very same form
 * says no more than its text, so it need not be parsed: that is most of what comes in a stream.
 */
export class TextForm {
  private constructor(
    private readonly before: string,
    private readonly after: string,
  ) {}

  /** `event` was found to say just `said`; undefined where it is not clear where. */
  static learn(event: string, said: string): TextForm | undefined {
    const literal = JSON.stringify(said);
    const at = event.indexOf(literal);
    if (at === -1 || event.includes(literal, at + 1) || !event.endsWith('\n\n')) return undefined;
    return new TextForm(event.slice(0, at + 1), event.slice(at + literal.length - 1));
  }

  /** Adds the event that begins at `at` to the run and tells where it ends; -1: it has another form. */
  add(text: string, at: number, run: TextRun): number {
    const start = at + this.before.length;
    // A slice costs nothing until it is read, and V8 compares whole strings ten times as fast as `startsWith` does.
    if (text.slice(at, start) !== this.before) return -1;
    const end = stringEnd(text, start - 1) - 1;
    const next = end + this.after.length;
    if (end < start || text.slice(end, next) !== this.after) return -1;
    const said = text.slice(start, end);
    const length = lengthOf(said);
    if (length === undefined) return -1;
    run.texts.push(said);
    run.length += length;
    return next;
  }
}

/** A backslash or a control character: only these can make what stands between two quotes no string. */
const DOUBTFUL = /[^\u0020-\u005b\u005d-\uffff]/;

/** Undefined where it is no JSON string. */
function lengthOf(inner: string): number | undefined {
  if (!DOUBTFUL.test(inner)) return inner.length;
  try {
    return (JSON.parse(`"${inner}"`) as string).length;
  } catch {
    return undefined; // to be read in full, and refused there
  }
}
