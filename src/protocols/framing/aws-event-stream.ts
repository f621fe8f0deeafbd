import type * as Smithy from '@smithy/eventstream-codec';
import type * as Utf8 from '@smithy/util-utf8';
import { TruncatedStreamError, UpstreamError } from '../../domain/errors.js';
import { isObject, parsedJson, type Json } from '../json.js';
import { lazily } from '../lazily.js';
import type { Framing } from '../stream-reducer.js';

/** One message of AWS's binary event stream (Bedrock reference §1). */
export type AwsEvent =
  | { readonly kind: 'event'; readonly type: string; readonly data: Json }
  /** A failure that the service's model names, as `throttlingException`. */
  | { readonly kind: 'exception'; readonly type: string; readonly data: Json }
  /** A failure of the transport: it has no payload. */
  | { readonly kind: 'error'; readonly code: string; readonly message: string };

/** Total length, length of the headers, and the checksum of both. */
const PRELUDE_BYTES = 12;
/** The shortest message: a prelude and the checksum of the whole. */
const LEAST_BYTES = 16;
/** AWS's own bound; a longer one is a broken length, for which nobody should wait. */
const MOST_BYTES = 24 * 1024 * 1024;

const smithy = lazily<typeof Smithy>('@smithy/eventstream-codec');
const utf8 = lazily<typeof Utf8>('@smithy/util-utf8');

let codec: Smithy.EventStreamCodec | undefined;

/** Cuts an AWS event stream into messages. What is unfinished is joined twice at most, however small the pieces are. */
export class AwsEventStreamFraming implements Framing<AwsEvent> {
  #pieces: Buffer[] = [];
  #held = 0;
  /** As long as fewer bytes are held, there is nothing to read. */
  #needed = PRELUDE_BYTES;

  *take(bytes: Buffer): Iterable<AwsEvent> {
    this.#pieces.push(bytes);
    this.#held += bytes.length;
    while (this.#held >= this.#needed) {
      const held = this.#joined();
      const length = lengthOf(held);
      if (held.length < length) {
        this.#needed = length;
        return;
      }
      this.#keep(held.subarray(length));
      yield eventIn(held.subarray(0, length));
    }
  }

  rest(): Iterable<AwsEvent> {
    if (this.#held > 0) throw new TruncatedStreamError();
    return [];
  }

  #joined(): Buffer {
    const [only] = this.#pieces;
    if (only !== undefined && this.#pieces.length === 1) return only;
    const joined = Buffer.concat(this.#pieces);
    this.#pieces = [joined];
    return joined;
  }

  #keep(rest: Buffer): void {
    this.#pieces = rest.length === 0 ? [] : [rest];
    this.#held = rest.length;
    this.#needed = PRELUDE_BYTES;
  }
}

function lengthOf(message: Buffer): number {
  const length = message.readUInt32BE(0);
  if (length < LEAST_BYTES || length > MOST_BYTES) throw broken('of an impossible length');
  return length;
}

function eventIn(bytes: Buffer): AwsEvent {
  const { headers, body } = decoded(bytes);
  const text = (name: string): string => {
    const header = headers[name];
    return header?.type === 'string' ? header.value : '';
  };
  const kind = text(':message-type');
  if (kind === 'error') return { kind, code: text(':error-code'), message: text(':error-message') };
  const payload = Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8');
  const data = body.length === 0 ? {} : parsedJson(payload);
  if (isObject(data))
    return kind === 'exception'
      ? { kind, type: text(':exception-type'), data }
      : { kind: 'event', type: text(':event-type'), data };
  if (kind !== 'exception') throw broken('that is not a JSON object');
  return { kind, type: text(':exception-type'), data: { message: payload } };
}

function decoded(bytes: Buffer) {
  try {
    codec ??= new (smithy().EventStreamCodec)(utf8().toUtf8, utf8().fromUtf8);
    return codec.decode(bytes);
  } catch (cause) {
    throw broken('that is damaged', cause);
  }
}

const broken = (how: string, cause?: unknown): UpstreamError =>
  new UpstreamError(`The provider sent an event ${how}.`, { code: 'invalid_upstream_answer', cause });
