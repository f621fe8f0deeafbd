import { TruncatedStreamError, UpstreamError } from '../../domain/errors.js';
import { isObject, type Json } from '../json.js';
import type { Framing } from '../stream-reducer.js';
import { eventAt, EventSplitter } from './sse.js';

/** A JSON object of a server-sent event, and the event's name where it has one. */
export interface JsonEvent {
  readonly event: string;
  readonly data: Json;
}

/** Server-sent events that each carry one JSON object, as Anthropic and Gemini send them. */
export class SseJsonFraming implements Framing<JsonEvent> {
  readonly #splitter = new EventSplitter();

  take(bytes: Buffer): Iterable<JsonEvent> {
    return eventsIn(this.#splitter.take(bytes));
  }

  /** Some providers leave out the last blank line; half an event is not JSON. */
  rest(): Iterable<JsonEvent> {
    return lastEvents(this.#splitter.rest());
  }
}

/** The events of what was left when the stream ended. Throws TruncatedStreamError for half an event. */
export function lastEvents(text: string): readonly JsonEvent[] {
  try {
    return [...eventsIn(text)];
  } catch (cause) {
    throw new TruncatedStreamError(cause);
  }
}

function* eventsIn(text: string): Iterable<JsonEvent> {
  for (let at = 0; at < text.length;) {
    const { event, end } = jsonEventAt(text, at);
    at = end;
    if (event !== undefined) yield event;
  }
}

/** The event that begins at `at`, if it carries anything, and where the next one begins. */
export function jsonEventAt(text: string, at: number): { readonly event: JsonEvent | undefined; readonly end: number } {
  const { event, end } = eventAt(text, at);
  if (event?.data === undefined || event.data === '') return { event: undefined, end };
  return { event: { event: event.event, data: objectIn(event.data) }, end };
}

function objectIn(data: string): Json {
  try {
    const parsed: unknown = JSON.parse(data);
    // Google reports a failure of a stream as a list of one.
    const value: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
    if (isObject(value)) return value;
  } catch (cause) {
    throw new UpstreamError('The provider sent an event that is not JSON.', { code: 'invalid_upstream_answer', cause });
  }
  throw new UpstreamError('The provider sent an event that is not an object.', { code: 'invalid_upstream_answer' });
}
