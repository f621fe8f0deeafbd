import { TruncatedStreamError, UpstreamError } from '../../domain/errors.js';
import { piecesOf } from '../../../test/support/pieces.js';
import { AwsEventStreamFraming, type AwsEvent } from './aws-event-stream.js';
import { awsMessage as frame } from '../../../test/support/aws-event.js';

/** The frames of the Bedrock reference §9. */
const DELTA = Buffer.from(
  '0000009400000057b4ab9aee0b3a6576656e742d74797065070011636f6e74656e74426c6f636b44656c74610d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b22636f6e74656e74426c6f636b496e646578223a302c2264656c7461223a7b2274657874223a224869227d7d1f944657',
  'hex',
);
const THROTTLED = Buffer.from(
  '00000090000000618e91a9b70f3a657863657074696f6e2d747970650700137468726f74746c696e67457863657074696f6e0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d74797065070009657863657074696f6e7b226d657373616765223a22546f6f206d616e79207265717565737473227de67f8005',
  'hex',
);

function read(pieces: readonly Buffer[]): readonly AwsEvent[] {
  const framing = new AwsEventStreamFraming();
  const events = pieces.flatMap((piece) => [...framing.take(piece)]);
  return [...events, ...framing.rest()];
}

const hi: AwsEvent = {
  kind: 'event',
  type: 'contentBlockDelta',
  data: { contentBlockIndex: 0, delta: { text: 'Hi' } },
};

describe('the AWS event stream', () => {
  it.each([1, 2, 7, 64, 148, 149, 1000])('reads messages from pieces of %i bytes', (size) => {
    expect(read(piecesOf(Buffer.concat([DELTA, DELTA, THROTTLED]), size))).toEqual([
      hi,
      hi,
      { kind: 'exception', type: 'throttlingException', data: { message: 'Too many requests' } },
    ]);
  });

  it('reads errors of the transport, and messages without a payload', () => {
    const error = { ':message-type': 'error', ':error-code': 'InternalError', ':error-message': 'broken' };
    expect(read([frame(error, '')])).toEqual([{ kind: 'error', code: 'InternalError', message: 'broken' }]);
    expect(read([frame({ ':message-type': 'event', ':event-type': 'new' }, '')])).toEqual([
      { kind: 'event', type: 'new', data: {} },
    ]);
    expect(read([frame({}, '{}')])).toEqual([{ kind: 'event', type: '', data: {} }]);
  });

  it('reads what a failure says, though it is no JSON', () => {
    const headers = { ':message-type': 'exception', ':exception-type': 'throttlingException' };
    expect(read([frame(headers, 'Slow down')])).toEqual([
      { kind: 'exception', type: 'throttlingException', data: { message: 'Slow down' } },
    ]);
  });

  it('gives what came before a damaged message', () => {
    const damaged = Buffer.from(DELTA);
    damaged[100] = 0;
    const framing = new AwsEventStreamFraming();
    const seen: AwsEvent[] = [];
    const readAll = () => {
      for (const event of framing.take(Buffer.concat([DELTA, damaged]))) seen.push(event);
    };
    expect(readAll).toThrow(UpstreamError);
    expect(seen).toEqual([hi]);
  });

  const shortLength = Buffer.from(DELTA);
  shortLength.writeUInt32BE(8, 0);
  const longLength = Buffer.from(DELTA);
  longLength.writeUInt32BE(0x7fffffff, 0);
  const badPrelude = Buffer.from(DELTA);
  badPrelude.writeUInt32BE(1, 4);
  it.each([
    ['too short a length', shortLength],
    ['too long a length', longLength],
    ['a damaged prelude', badPrelude],
    ['text', frame({ ':message-type': 'event' }, 'hello')],
    ['a list', frame({ ':message-type': 'event' }, '[]')],
  ])('refuses %s', (_what, bytes) => {
    expect(() => read([bytes])).toThrow(expect.objectContaining({ code: 'invalid_upstream_answer' }));
  });

  it.each([1, 11, 12, 100, 147])('says that a stream of %i bytes was cut short', (length) => {
    expect(() => read([DELTA.subarray(0, length)])).toThrow(TruncatedStreamError);
    expect(() => read([DELTA, DELTA.subarray(0, length)])).toThrow(TruncatedStreamError);
  });

  it('reads a large message in small pieces in linear time', () => {
    const text = 'x'.repeat(4_000_000);
    const large = frame({ ':message-type': 'event', ':event-type': 'large' }, JSON.stringify({ text }));
    const started = performance.now();
    expect(read(piecesOf(large, 16))).toEqual([{ kind: 'event', type: 'large', data: { text } }]);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});
