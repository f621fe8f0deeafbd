import type { ChatFrame } from '../../domain/chat-frame.js';
import { openaiChat } from './index.js';

const FACTS = { id: 'ours', created: 1, model: 'asked', asked: {} };
const HEAD = { id: 'c', object: 'chat.completion.chunk', created: 1_750_000_000, model: 'm' };

const chunk = (delta: object, finish: string | null = null, more: object = {}) =>
  JSON.stringify({ ...HEAD, choices: [{ index: 0, delta, finish_reason: finish }], ...more });

/** The same chunk with its members in another order: no chunk of this stream has the form of the one before. */
function reordered(data: string, by: number): string {
  const members = Object.entries(JSON.parse(data) as object);
  const turn = by % members.length;
  return JSON.stringify(Object.fromEntries([...members.slice(turn), ...members.slice(0, turn)]));
}

const decode = (data: readonly string[], includeUsage: boolean, size = Infinity): string =>
  read(data, includeUsage, size).text;

/** What the client gets, and how much the frames say was said. */
function read(data: readonly string[], includeUsage: boolean, size = Infinity) {
  const decoder = openaiChat({}).stream(FACTS, includeUsage);
  let text = '';
  let said = 0;
  const emit = (frame: ChatFrame) => {
    text += Buffer.from(frame.bytes).toString();
    said += frame.said;
  };
  const wire = Buffer.from(data.map((each) => `data: ${each}\n\n`).join(''));
  for (let at = 0; at < wire.length; at += size) decoder.next(wire.subarray(at, at + size), emit);
  decoder.end(emit);
  return { text, said };
}

const chunksIn = (text: string) =>
  text
    .split('\n\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line.slice(6)) as object);

const TEXTS = [
  'a',
  '',
  '"',
  '\\',
  '\\"',
  '\n',
  '\u2028',
  '🦙',
  '"content":"x"',
  '},"finish_reason":"stop"',
  '{}',
  '\u0000',
  '"usage":null',
];
const START = chunk({ role: 'assistant', content: '' });
const END = [chunk({}, 'stop'), '[DONE]'];
const many = (make: (text: string, at: number) => string) =>
  Array.from({ length: 600 }, (_, at) => make(TEXTS[(at * 7) % TEXTS.length] ?? '', at));

/** Streams in which most chunks are plain text, and some look so and are not. */
const STREAMS: Readonly<Record<string, readonly string[]>> = {
  'plain text': many((content) => chunk({ content })),
  'reasoning, then text': many((text, at) => chunk(at < 300 ? { reasoning_content: text } : { content: text })),
  'padding of any length': many((content, at) => chunk({ content }, null, { obfuscation: 'x'.repeat(at % 9) })),
  'padding that is the text': many((content) => chunk({ content }, null, { obfuscation: content })),
  'usage that is null': many((content) => chunk({ content }, null, { usage: null })),
  'usage that is null at times': many((content, at) => chunk({ content }, null, at % 5 === 0 ? { usage: null } : {})),
  'usage that is null in two places': many((content) =>
    chunk({ content }, null, { x: { a: 1, usage: null }, usage: null, y: { a: 1, usage: null } }),
  ),
  'usage that is null and comes first': many((content) =>
    JSON.stringify({ usage: null, ...(JSON.parse(chunk({ content }, null, { x: { a: 1, usage: null } })) as object) }),
  ),
  'log probabilities at times': many((content, at) =>
    chunk({ content }, null, at % 50 === 0 ? { logprobs: [{ content }] } : {}),
  ),
  'another id at times': many((content, at) => chunk({ content }, null, at % 50 === 0 ? { id: 'other' } : {})),
  'text and reasoning in one': many((text) => chunk({ reasoning_content: text, content: text })),
  'a tool call on the way': many((content, at) =>
    chunk(
      at === 200
        ? { tool_calls: [{ index: 0, id: 'x', type: 'function', function: { name: 'f', arguments: '{}' } }] }
        : { content },
    ),
  ),
  'a longer end of the same beginning': many((content, at) =>
    chunk({ content }, null, { x: at % 40 === 0 ? { y: 1 } : 1 }),
  ),
  'padding in one order or the other': many((content, at) =>
    at % 3 === 0
      ? chunk({ content }, null, { obfuscation: 'a' })
      : reordered(chunk({ content }, null, { obfuscation: 'a' }), 1),
  ),
};

describe('a stream of hundreds of plain chunks', () => {
  it.each(Object.entries(STREAMS))('says the same as one that must be read chunk by chunk: %s', (_, chunks) => {
    const fast = [START, ...chunks, ...END];
    const slow = [START, ...chunks.map((data, at) => reordered(data, at)), ...END];
    for (const includeUsage of [false, true]) {
      const text = decode(fast, includeUsage);
      expect(chunksIn(text)).toEqual(chunksIn(decode(slow, includeUsage)));
      const nulls = chunksIn(text).filter((each) => 'usage' in each && each.usage === null);
      expect(nulls).toHaveLength(includeUsage ? chunksIn(text).length : 0);
      expect(decode(fast, includeUsage, 1000)).toBe(text);
    }
  });

  it.each(Object.entries(STREAMS))('tells how many characters were said, and no padding: %s', (_, chunks) => {
    const data = [START, ...chunks, ...END];
    const deltas = data
      .slice(0, -1)
      .map((each) => (JSON.parse(each) as { choices: [{ delta: Record<string, unknown> }] }).choices[0].delta);
    const expected = deltas.reduce((sum, { content = '', reasoning_content: reasoning = '', tool_calls: calls }) => {
      const called = calls === undefined ? 0 : 'f{}'.length;
      return sum + (content as string).length + (reasoning as string).length + called;
    }, 0);
    for (const size of [Infinity, 1000, 7]) expect(read(data, true, size).said).toBe(expected);
  });

  it('goes on byte for byte where it is right', () => {
    const chunks = [START, ...(STREAMS['padding of any length'] ?? []), ...END];
    expect(decode(chunks, false)).toBe(
      chunks
        .slice(0, -1)
        .map((data) => `data: ${data}\n\n`)
        .join(''),
    );
  });

  it('ends with its end, though more of the same follows', () => {
    const plain = Array.from({ length: 50 }, () => chunk({ content: 'a' }));
    const text = decode([START, ...plain, chunk({}, 'stop'), ...plain, '[DONE]'], false);
    expect(text).toBe(decode([START, ...plain, ...END], false));
  });

  it.each([
    ['a string without an end', chunk({ content: 'a' }).replace('"a"}', '"a}')],
    ['an escape that is none', chunk({ content: 'a#b' }).replace('#', '\\q')],
    ['an escape that is cut', chunk({ content: 'a#' }).replace('#', '\\u00e')],
    ['a tab in a string', chunk({ content: 'a#b' }).replace('#', '\t')],
    ['a line break in a string', chunk({ content: 'a#b' }).replace('#', '\n')],
    ['an end that is cut', chunk({ content: 'a' }).slice(0, -3)],
    ['something behind the end', `${chunk({ content: 'a' })}}`],
  ])('stops at %s', (_, broken) => {
    const before = Array.from({ length: 50 }, () => chunk({ content: 'a' }));
    expect(() => decode([START, ...before, broken, ...END], false)).toThrow('not JSON');
  });
});
