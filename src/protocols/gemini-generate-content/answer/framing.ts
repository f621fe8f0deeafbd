import { TruncatedStreamError, UpstreamError } from '../../../domain/errors.js';
import { SseTextRunFraming } from '../../framing/sse-text-runs.js';
import type { TextRun } from '../../framing/text-form.js';
import { parsedJson } from '../../json.js';
import type { Framing } from '../../stream-reducer.js';
import { objectsOf } from '../wire.js';
import type { GeminiEvent } from './stream.js';

/**
 * Server-sent events, or the JSON list that Google sends where `alt=sse` was lost on the way (Gemini reference §1):
 * what begins with a bracket is read once it is whole.
 */
export class GeminiFraming implements Framing<GeminiEvent> {
  readonly #events = new SseTextRunFraming('"usageMetadata"');
  /** Undefined as long as nothing has come but white space. */
  #isList: boolean | undefined;
  readonly #list: Buffer[] = [];
  #held = 0;

  learn(said: string): void {
    this.#events.learn(said);
  }

  take(bytes: Buffer): Iterable<GeminiEvent | TextRun> {
    this.#isList ??= beginsAsList(bytes);
    if (this.#isList !== true) return this.#events.take(bytes);
    this.#hold(bytes);
    return [];
  }

  rest(): Iterable<GeminiEvent> {
    if (this.#isList !== true) return this.#events.rest();
    const value = parsedJson(Buffer.concat(this.#list).toString('utf8'));
    if (value === undefined) throw new TruncatedStreamError();
    return objectsOf(Array.isArray(value) ? value : [value]).map((data) => ({ data }));
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
