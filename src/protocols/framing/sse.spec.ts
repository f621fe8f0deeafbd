import { EventSplitter, eventAt, type ServerSentEvent } from './sse.js';

/** All events of a stream that arrives in pieces of `size` bytes. */
function read(stream: string | Buffer, size = Infinity): readonly ServerSentEvent[] {
  const bytes = Buffer.from(stream);
  const splitter = new EventSplitter();
  const found: ServerSentEvent[] = [];
  const take = (text: string) => {
    for (let at = 0; at < text.length;) {
      const { event, end } = eventAt(text, at);
      if (event !== undefined) found.push(event);
      expect(end).toBeGreaterThan(at);
      at = end;
    }
  };
  for (let at = 0; at < bytes.length; at += size) take(splitter.take(bytes.subarray(at, at + size)));
  take(splitter.rest());
  return found;
}

const event = (data: string | undefined, name = '', canonical = false): ServerSentEvent => ({
  event: name,
  data,
  canonical,
});
const plain = (data: string): ServerSentEvent => event(data, '', true);

const STREAMS: readonly (readonly [what: string, stream: string, events: readonly ServerSentEvent[]])[] = [
  ['plain events', 'data: {"a":1}\n\ndata: [DONE]\n\n', [plain('{"a":1}'), plain('[DONE]')]],
  ['text of several bytes a character', 'data: é🦙中\n\n', [plain('é🦙中')]],
  ['CRLF', 'data: 1\r\n\r\ndata: 2\r\n\r\n', [event('1'), event('2')]],
  ['LF and CRLF mixed', 'data: 1\r\n\ndata: 2\n\r\ndata: 3\n\n', [event('1'), event('2'), plain('3')]],
  ['no space after the colon', 'data:1\n\n', [event('1')]],
  ['only the first space is cut', 'data:  1\n\n', [plain(' 1')]],
  ['comments alone', ': PROCESSING\n\n:\n\ndata: 1\n\n', [plain('1')]],
  ['comments inside', ': wait\ndata: 1\n: wait\n\n', [event('1')]],
  ['blank lines between', '\n\n\ndata: 1\n\n\n\ndata: 2\n\n', [event('1'), plain('2')]],
  ['data in several lines', 'data: {\ndata: "a":1\ndata:\ndata: }\n\n', [event('{\n"a":1\n\n}')]],
  ['a name', 'event: error\ndata: {"message":"no"}\n\n', [event('{"message":"no"}', 'error')]],
  ['a name after the data', 'data: 1\nevent: error\n\n', [event('1', 'error')]],
  ['a name alone', 'event: ping\n\ndata: 1\n\n', [event(undefined, 'ping'), plain('1')]],
  ['an `error` field', 'error: {"code":500}\n\n', [event('{"code":500}', 'error')]],
  ['`id` and `retry`', 'retry: 100\n\nid: 7\ndata: 1\n\n', [event('1')]],
  ['fields of no meaning', 'database: 1\ndata\n\nfoo\n\n', [event('')]],
  ['empty data', 'data:\n\ndata: \n\n', [event(''), plain('')]],
  ['a byte order mark', '\ufeffdata: 1\n\ndata: 2\n\n', [event('1'), plain('2')]],
  ['no last blank line', 'data: 1\n\ndata: 2\n', [plain('1'), event('2')]],
  ['no last line end', 'data: 1\n\ndata: 2', [plain('1'), event('2')]],
  ['a CR inside the data', 'data: a\rb\n\n', [plain('a\rb')]],
  ['nothing', '', []],
];

describe('server-sent events', () => {
  it.each(STREAMS)('reads %s, cut at every byte', (_, stream, events) => {
    expect(read(stream)).toEqual(events);
    // Whether an event counts as canonical may hang on where a stray blank line was cut; what it says may not.
    const said = (found: readonly ServerSentEvent[]) => found.map(({ event: name, data }) => [name, data]);
    for (let size = 1; size <= Math.min(40, stream.length); size += 1)
      expect({ size, said: said(read(stream, size)) }).toEqual({ size, said: said(events) });
  });

  it('gives only whole events, all there are', () => {
    const splitter = new EventSplitter();
    expect(splitter.take(Buffer.from('data: 1\n\ndata: 2\n\nda'))).toBe('data: 1\n\ndata: 2\n\n');
    expect(splitter.take(Buffer.from('ta: 3\n'))).toBe('');
    expect(splitter.take(Buffer.from('\ndata: 4'))).toBe('data: 3\n\n');
    expect(splitter.rest()).toBe('data: 4');
    expect(splitter.take(Buffer.from('data: 5\r\n\r\nda'))).toBe('data: 5\r\n\r\n');
    expect(splitter.rest()).toBe('da');
    expect(splitter.rest()).toBe('');
  });

  it('takes an event of many lines in tiny pieces in linear time', () => {
    const splitter = new EventSplitter();
    const line = Buffer.from('data: x\n');
    const start = performance.now();
    for (let count = 0; count < 40_000; count += 1) splitter.take(line);
    expect(splitter.take(Buffer.from('\n'))).toHaveLength(320_001);
    expect(performance.now() - start).toBeLessThan(500); // searching it for every line would read 6 GB
  });

  it('takes a long event in tiny pieces in linear time', () => {
    const splitter = new EventSplitter();
    const piece = Buffer.from('x'.repeat(10));
    const start = performance.now();
    splitter.take(Buffer.from('data: '));
    for (let count = 0; count < 200_000; count += 1) splitter.take(piece);
    expect(splitter.take(Buffer.from('\n\n'))).toHaveLength(2_000_008);
    expect(performance.now() - start).toBeLessThan(3000); // copying it for every piece would move 200 GB
  });
});
