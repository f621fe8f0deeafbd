import type { Framing } from '../stream-reducer.js';
import { jsonEventAt, lastEvents, type JsonEvent } from './sse-json.js';
import { EventSplitter } from './sse.js';
import { TextForm, TextRun } from './text-form.js';

/**
 * Server-sent events of one JSON object each, of which those that only say more of a text need not be parsed.
 * `counts`: behind this word, numbers differ from event to event, and the last ones count. So that they are known, the
 * last event of what has come is then always parsed.
 */
export class SseTextRunFraming implements Framing<JsonEvent> {
  readonly #splitter = new EventSplitter();
  /** The event that was taken last, as it was written. */
  #last = '';
  #form: TextForm | undefined;
  #learnt = 0;

  constructor(private readonly counts?: string) {}

  take(bytes: Buffer): Iterable<JsonEvent | TextRun> {
    return this.#eventsIn(this.#splitter.take(bytes));
  }

  learn(said: string): void {
    if (this.#form !== undefined || this.#learnt >= MAX_FORMS) return;
    this.#learnt += 1;
    this.#form = TextForm.learn(this.#last, said, this.counts);
  }

  rest(): Iterable<JsonEvent> {
    return lastEvents(this.#splitter.rest());
  }

  *#eventsIn(text: string): Iterable<JsonEvent | TextRun> {
    for (let at = 0; at < text.length;) {
      const run = new TextRun();
      const { end, isLast } = this.#run(text, at, run);
      at = end;
      if (run.texts.length > 0) yield run;
      if (at >= text.length) return;
      const next = jsonEventAt(text, at);
      this.#last = text.slice(at, next.end);
      if (!isLast) this.#form = undefined; // what it was learnt from may be over
      at = next.end;
      if (next.event !== undefined) yield next.event;
    }
  }

  /** Where the run that begins at `from` ends, and whether the last event has its form and is left to be parsed. */
  #run(text: string, from: number, run: TextRun): { readonly end: number; readonly isLast: boolean } {
    if (this.#form === undefined) return { end: from, isLast: false };
    for (let at = from; ;) {
      const next = this.#form.add(text, at, run);
      if (next === -1) return { end: at, isLast: false };
      if (this.counts !== undefined && next >= text.length) {
        run.drop();
        return { end: at, isLast: true };
      }
      at = next;
    }
  }
}

/** A stream whose text events differ in more than their text would be learnt anew for ever. */
const MAX_FORMS = 64;
