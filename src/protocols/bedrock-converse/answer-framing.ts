import { TruncatedStreamError, UpstreamError } from '../../domain/errors.js';
import { AwsEventStreamFraming, type AwsEvent } from '../framing/aws-event-stream.js';
import { isObject, parsedJson, type Json } from '../json.js';
import type { Framing } from '../stream-reducer.js';
import { contentIn, listOf } from './answer-reading.js';

/** No answer is larger; a provider that sends more is not waited for. */
const MOST_BYTES = 24 * 1024 * 1024;
/** No event begins with it: it would be longer than any may be. */
const BRACE = 0x7b;

/**
 * The events of ConverseStream. Some models cannot stream calls of tools (Bedrock reference §7): their answer comes
 * whole, and is told as the events it would have been.
 */
export class ConverseFraming implements Framing<AwsEvent> {
  readonly #events = new AwsEventStreamFraming();
  #begun = false;
  /** The pieces of a whole answer. */
  #whole: Buffer[] | undefined;
  #held = 0;

  take(bytes: Buffer): Iterable<AwsEvent> {
    if (!this.#begun && bytes.length > 0) {
      this.#begun = true;
      if (bytes[0] === BRACE) this.#whole = [];
    }
    if (this.#whole === undefined) return this.#events.take(bytes);
    this.#whole.push(bytes);
    this.#held += bytes.length;
    if (this.#held > MOST_BYTES)
      throw new UpstreamError('The answer of the provider is too large.', { code: 'invalid_upstream_answer' });
    return [];
  }

  rest(): Iterable<AwsEvent> {
    if (this.#whole === undefined) return this.#events.rest();
    const wire = parsedJson(Buffer.concat(this.#whole).toString('utf8'));
    if (!isObject(wire)) throw new TruncatedStreamError();
    return eventsOf(wire);
  }
}

function eventsOf(wire: Json): readonly AwsEvent[] {
  const { stopReason, usage } = wire;
  const blocks = contentIn(wire).filter(isObject);
  return [
    event('messageStart', { role: 'assistant' }),
    ...blocks.flatMap((block, contentBlockIndex) => blockEvents(block, contentBlockIndex)),
    event('messageStop', { stopReason }),
    event('metadata', { usage }),
  ];
}

const event = (type: string, data: Json): AwsEvent => ({ kind: 'event', type, data });

function blockEvents(block: Json, contentBlockIndex: number): readonly AwsEvent[] {
  const { toolUse } = block;
  const start = isObject(toolUse) ? [event('contentBlockStart', { contentBlockIndex, start: { toolUse } })] : [];
  const deltas = deltasOf(block).map((delta) => event('contentBlockDelta', { contentBlockIndex, delta }));
  return [...start, ...deltas, event('contentBlockStop', { contentBlockIndex })];
}

function deltasOf({ text, toolUse, reasoningContent, citationsContent }: Json): readonly Json[] {
  if (typeof text === 'string') return [{ text }];
  if (isObject(toolUse)) return [{ toolUse }];
  if (isObject(reasoningContent)) return [{ reasoningContent }];
  if (!isObject(citationsContent)) return [];
  const { citations, content } = citationsContent;
  return [...listOf(citations).map((citation) => ({ citation })), ...listOf(content).filter(isObject)];
}
