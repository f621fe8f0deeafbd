import { stringEnd } from '../../domain/json-source.js';

/** Consecutive events that say more of one text and nothing else. */
export class TextRun {
  /** JSON strings without their quotes, as they came. */
  readonly texts: string[] = [];
  #said = 0;
  #lastSaid = 0;

  /** How many characters the model wrote: an escape stands for one. */
  get said(): number {
    return this.#said;
  }

  add(text: string, said: number): void {
    this.texts.push(text);
    this.#said += said;
    this.#lastSaid = said;
  }

  /** Takes back what was added last. */
  drop(): void {
    this.texts.pop();
    this.#said -= this.#lastSaid;
    this.#lastSaid = 0;
  }

  /** All of it, as the model wrote it. */
  get text(): string {
    return JSON.parse(`"${this.texts.join('')}"`) as string;
  }
}

/**
 * The form of an event that says a piece of text, learnt from one that was read in full. An event of the very same form
 * says no more than its text, so it need not be parsed: that is most of what comes in a stream.
 */
export class TextForm {
  private constructor(
    private readonly before: string,
    /** What stands behind the text, cut where numbers may be other ones. */
    private readonly after: readonly string[],
  ) {}

  /**
   * `event` was found to say just `said`; undefined where it is not clear where. Behind the word `counts`, numbers may
   * differ from event to event.
   */
  static learn(event: string, said: string, counts?: string): TextForm | undefined {
    const literal = JSON.stringify(said);
    const at = event.indexOf(literal);
    if (at === -1 || event.includes(literal, at + 1) || !/\n\r?\n$/.test(event)) return undefined;
    return new TextForm(event.slice(0, at + 1), cutAtNumbers(event.slice(at + literal.length - 1), counts));
  }

  /** Adds the event that begins at `at` to the run and tells where it ends; -1: it has another form. */
  add(text: string, at: number, run: TextRun): number {
    const start = at + this.before.length;
    // A slice costs nothing until it is read, and V8 compares whole strings ten times as fast as `startsWith` does.
    if (text.slice(at, start) !== this.before) return -1;
    const end = stringEnd(text, start - 1) - 1;
    const next = end < start ? -1 : this.#endOfRest(text, end);
    if (next === -1) return -1;
    const said = text.slice(start, end);
    const length = lengthSaid(said);
    if (length === -1) return -1; // to be read in full, and refused there
    run.add(said, length);
    return next;
  }

  #endOfRest(text: string, from: number): number {
    let at = from;
    for (const literal of this.after) {
      if (at > from) while (isDigit(text.charCodeAt(at))) at += 1;
      const end = at + literal.length;
      if (text.slice(at, end) !== literal) return -1;
      at = end;
    }
    return at;
  }
}

function cutAtNumbers(text: string, counts: string | undefined): readonly string[] {
  const from = counts === undefined ? -1 : text.indexOf(counts);
  if (from === -1) return [text];
  const [first = '', ...others] = text.slice(from).split(/\d+/);
  return [text.slice(0, from) + first, ...others];
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/** A backslash or a control character: only these can make what stands between two quotes no string. */
const DOUBTFUL = /[^\u0020-\u005b\u005d-\uffff]/;

/** How many characters a JSON string says, given what stands between its quotes; -1 where that is no string. */
export function lengthSaid(inner: string): number {
  if (!DOUBTFUL.test(inner)) return inner.length;
  try {
    return (JSON.parse(`"${inner}"`) as string).length;
  } catch {
    return -1;
  }
}
