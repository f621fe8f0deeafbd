import { EventStreamCodec } from '@smithy/eventstream-codec';
import { fromUtf8, toUtf8 } from '@smithy/util-utf8';

const codec = new EventStreamCodec(toUtf8, fromUtf8);

/** One message of AWS's binary event stream, whatever its headers say. */
export const awsMessage = (headers: Readonly<Record<string, string>>, body: string): Buffer =>
  Buffer.from(
    codec.encode({
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, { type: 'string', value }])),
      body: Buffer.from(body),
    }),
  );

/** An event as Bedrock sends it, or an exception. */
export const awsEvent = (type: string, payload: object, kind: 'event' | 'exception' = 'event'): Buffer =>
  awsMessage(
    { ':message-type': kind, [`:${kind}-type`]: type, ':content-type': 'application/json' },
    JSON.stringify(payload),
  );
