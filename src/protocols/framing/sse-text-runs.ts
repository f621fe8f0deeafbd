import type { Framing } from '../stream-reducer.js';
import { jsonEventAt, lastEvents, type JsonEvent } from './sse-json.js';
import { EventSplitter } from './sse.js';
import { TextForm, TextRun } from './text-form.js';

/** Server-sent events of one JSON object each, of which those that only say more of a text need not be parsed. */
export class SseTextRunFraming implements Framing<JsonEvent> {
  readonly #splitter = new EventSplitter();
  /** The event that was taken last, as it was written. */
  #last = '';
  #form: TextForm | undefined;
  #learnt = 0;

  take(bytes: Buffer): Iterable<JsonEvent | TextRun> {
    return this.#eventsIn(this.#splitter.take(bytes));
  }

  learn(said: string): void {
    if (this.#learnt >= MAX_FORMS) return;
    this.#learnt += 1;
    this.#form = TextForm.learn(this.#last, said);
  }

  rest(): Iterable<JsonEvent> {
    return lastEvents(this.#splitter.rest());
  }

  *#eventsIn(text: string): Iterable<JsonEvent | TextRun> {
    for (let at = 0; at < text.length;) {
      const run = new TextRun();
      at = this.#endOfRun(text, at, run);
      if (run.texts.length > 0) yield run;
      if (at >= text.length) return;
      const { event, end } = jsonEventAt(text, at);
      this.#last = text.slice(at, end);
      this.#form = undefined; // what it was learnt from may be over
      at = end;
      if (event !== undefined) yield event;
    }
  }

  #endOfRun(text: string, from: number, run: TextRun): number {
    if (this.#form === undefined) return from;
    let at = from;
    for (let next = this.#form.add(text, at, run); next !== -1; next = this.#form.add(text, at, run)) at = next;
    return at;
  }
}

/** A stream whose text events differ in more than their text would be learnt anew for ever. */
const MAX_FORMS = 64;
