import { TruncatedStreamError, UpstreamError } from '../../../domain/errors.js';
import { SseJsonFraming } from '../../framing/sse-json.js';
import { parsedJson, type Json } from '../../json.js';
import type { Framing } from '../../stream-reducer.js';
import { objectsOf } from '../wire.js';

/**
 * Server-sent events, or the JSON list that Google sends where `alt=sse` was lost on the way (Gemini reference §1):
 * what begins with a bracket is read once it is whole.
 */
export class GeminiFraming implements Framing<Json> {
  readonly #events = new SseJsonFraming();
  /** Undefined as long as nothing has come but white space. */
  #isList: boolean | undefined;
  readonly #list: Buffer[] = [];
  #held = 0;

  *take(bytes: Buffer): Iterable<Json> {
    this.#isList ??= beginsAsList(bytes);
    if (this.#isList === true) this.#hold(bytes);
    else for (const { data } of this.#events.take(bytes)) yield data;
  }

  *rest(): Iterable<Json> {
    if (this.#isList !== true) {
      for (const { data } of this.#events.rest()) yield data;
      return;
    }
    const value = parsedJson(Buffer.concat(this.#list).toString('utf8'));
    if (value === undefined) throw new TruncatedStreamError();
    yield* objectsOf(Array.isArray(value) ? value : [value]);
  }

  #hold(bytes: Buffer): void {
    this.#held += bytes.length;
    if (this.#held > MAX_BYTES)
      throw new UpstreamError('The provider sent an answer that is too large.', { code: 'invalid_upstream_answer' });
    this.#list.push(bytes);
  }
}

const MAX_BYTES = 64 * 1024 * 1024;

const SPACE: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0a, 0x0d]);
const BRACKETS: ReadonlySet<number | undefined> = new Set([0x5b, 0x7b]);

function beginsAsList(bytes: Buffer): boolean | undefined {
  for (const byte of bytes) if (!SPACE.has(byte)) return BRACKETS.has(byte);
  return undefined;
}
