import { SseTextRunFraming } from './sse-text-runs.js';
import { TextRun } from './text-form.js';

const event = (text: string, index = 0) =>
  `event: delta\ndata: {"type":"delta","index":${index},"said":${JSON.stringify(text)}}\n\n`;

/** What is taken of a stream: what a run says, or the event itself; the first event is learnt from. */
function taken(stream: string, said: string, size = Infinity): unknown[] {
  const framing = new SseTextRunFraming();
  const found: unknown[] = [];
  const bytes = Buffer.from(stream);
  for (let at = 0; at < bytes.length; at += size)
    for (const each of framing.take(bytes.subarray(at, at + size))) {
      if (found.length === 0) framing.learn(said);
      if (each instanceof TextRun) found.push(...each.texts.map((text) => JSON.parse(`"${text}"`) as string));
      else found.push(each.data);
    }
  return found;
}

const data = (text: string, index = 0) => ({ type: 'delta', index, said: text });

describe('server-sent events in runs of text', () => {
  it.each<readonly [what: string, more: string, rest: readonly unknown[]]>([
    ['the same form', event('b') + event('c'), ['b', 'c']],
    ['text with quotes, breaks and signs', event('"\\\n\t') + event('é 日本 🎉\u2028'), ['"\\\n\t', 'é 日本 🎉\u2028']],
    ['no text', event('') + event('x'), ['', 'x']],
    ['text that looks like the end of an event', event('"}\n\ndata: {') + event('x'), ['"}\n\ndata: {', 'x']],
    ['another block: read in full, as is all after it', event('b', 1) + event('c', 1), [data('b', 1), data('c', 1)]],
    ['another kind', `event: stop\ndata: {"type":"stop"}\n\n${event('b')}`, [{ type: 'stop' }, data('b')]],
    [
      'one field more',
      'event: delta\ndata: {"type":"delta","index":0,"said":"b","more":1}\n\n',
      [{ ...data('b'), more: 1 }],
    ],
    ['a ping between', `: ping\n\n${event('b')}`, [data('b')]],
  ])('%s', (_, more, rest) => {
    for (const size of [Infinity, 1, 7]) expect(taken(event('a') + more, 'a', size)).toEqual([data('a'), ...rest]);
  });

  it('puts a run together as the model wrote it', () => {
    const framing = new SseTextRunFraming();
    expect([...framing.take(Buffer.from(event('first')))]).toHaveLength(1);
    framing.learn('first');
    const [run] = [...framing.take(Buffer.from(event('🎉\n') + event('ab')))];
    expect(run).toMatchObject({ texts: ['🎉\\n', 'ab'], text: '🎉\nab' });
  });

  describe('with counts', () => {
    const counted = (said: string, count: number, index = 0) =>
      `data: {"said":${JSON.stringify(said)},"index":${index},"counts":{"a":${count},"b":[${count},1]}}\r\n\r\n`;
    const read = (said: string, count: number, index = 0) => ({
      data: { said, index, counts: { a: count, b: [count, 1] } },
    });

    it('passes on what differs in its counts, and reads the last of them', () => {
      const framing = new SseTextRunFraming('"counts"');
      const take = (text: string) =>
        [...framing.take(Buffer.from(text))].map((each) =>
          each instanceof TextRun ? each.texts : { data: each.data },
        );
      expect(take(counted('said a', 1))).toEqual([read('said a', 1)]);
      framing.learn('said a');
      expect(take(counted('said b', 22) + counted('said c', 3) + counted('said d', 444))).toEqual([
        ['said b', 'said c'],
        read('said d', 444),
      ]);
      framing.learn('said d');
      expect(take(counted('said e', 5))).toEqual([read('said e', 5)]);
      expect(take(counted('said f', 6) + counted('said g', 7))).toEqual([['said f'], read('said g', 7)]);
      expect(take(counted('said h', 8, 1) + counted('said i', 9, 1))).toEqual([
        read('said h', 8, 1),
        read('said i', 9, 1),
      ]);
    });
  });

  it.each([
    ['the text stands there twice', 'delta'],
    ['the text does not stand there', 'nowhere'],
  ])('learns nothing where %s', (_, said) => {
    expect(taken(event('delta') + event('b'), said)).toEqual([data('delta'), data('b')]);
  });

  it('refuses what is no string, in its place', () => {
    const broken = event('b').replace('"b"', '"b\u0001"');
    expect(() => taken(event('a') + broken, 'a')).toThrow('not JSON');
    expect(() => taken(event('a') + event('b').replace('"b"', '"\\q"'), 'a')).toThrow('not JSON');
  });
});
