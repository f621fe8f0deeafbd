import type { Usage } from '../../domain/chat.js';
import { TruncatedStreamError } from '../../domain/errors.js';
import { openaiChat } from './index.js';

const FACTS = { id: 'chatcmpl-ours', created: 1_700_000_000, model: 'asked-model', asked: {} };
const HEAD = {
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1_750_000_000,
  model: 'wire-model',
};
const USAGE = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
const DONE = 'data: [DONE]\n\n';

const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`;
const choice = (fields: object) => ({ ...HEAD, choices: [{ index: 0, ...fields }] });
const chunk = (delta: object, finish: string | null = null, index = 0) =>
  choice({ index, delta, finish_reason: finish });
const ROLE = chunk({ role: 'assistant', content: '' });
const HI = chunk({ content: 'Hi' });
const END = chunk({}, 'stop');
/** The deltas of ROLE, HI and END. */
const AS_SAID = [{ role: 'assistant', content: '' }, { content: 'Hi' }, {}];
const stream = (...data: readonly object[]) => data.map(event).join('');

interface Outcome {
  readonly text: string;
  readonly usage: Usage | undefined;
  /** What was sent before the provider closed. */
  readonly frames: number;
  readonly error: unknown;
}

interface Options {
  readonly includeUsage?: boolean;
  readonly size?: number;
  readonly thinkTags?: boolean;
}

function decode(
  wire: string | Buffer,
  { includeUsage = false, size = Infinity, thinkTags = false }: Options = {},
): Outcome {
  const decoder = openaiChat({ thinkTags }).stream(FACTS, includeUsage);
  const bytes = Buffer.from(wire);
  const outcome = { text: '', usage: undefined as Usage | undefined, frames: 0, error: undefined as unknown };
  const emit = (frame: { bytes: Uint8Array; usage: Usage | undefined }) => {
    outcome.text += Buffer.from(frame.bytes).toString();
    outcome.usage = frame.usage ?? outcome.usage;
    outcome.frames += 1;
  };
  try {
    for (let at = 0; at < bytes.length; at += size) decoder.next(bytes.subarray(at, at + size), emit);
    decoder.end(emit);
  } catch (error) {
    outcome.error = error;
  }
  return outcome;
}

const chunksIn = (text: string): readonly Record<string, unknown>[] =>
  text
    .split('\n\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line.slice(6)) as Record<string, unknown>);

describe('a stream of the OpenAI family', () => {
  it('that is right goes on as the bytes it came in, but for the end word', () => {
    const wire =
      event(ROLE) +
      'data: {"id":"chatcmpl-1", "object":"chat.completion.chunk","created":1750000000,"model":"wire-model","choices":[{"index":0,"delta":{"content":"\\u00e9"},"finish_reason":null}],"n":1.0}\n\n' +
      event(END);
    expect(decode(wire + DONE)).toEqual({ text: wire, usage: undefined, frames: 2, error: undefined });
  });

  it('says the same in whatever pieces it comes', () => {
    const wire = Buffer.from(
      `: hi\n\n${event(ROLE)}${event(chunk({ content: 'é🦙' }))}\r\n${event(chunk({ content: 'b' }))}${stream(END, { ...HEAD, choices: [], usage: USAGE })}${DONE}`,
    );
    const whole = decode(wire, { includeUsage: true });
    expect(whole).toMatchObject({ usage: USAGE, error: undefined });
    for (let size = 1; size < wire.length; size += 1) {
      const { text, usage, error } = decode(wire, { includeUsage: true, size });
      expect({ size, text, usage, error }).toEqual({ size, text: whole.text, usage: USAGE, error: undefined });
    }
  });

  it.each<readonly [string, readonly object[]]>([
    ['a chunk of its own', [ROLE, HI, END, { ...HEAD, choices: [], usage: USAGE }]],
    ['the last chunk', [ROLE, HI, { ...END, usage: USAGE }]],
    [
      'every chunk',
      [ROLE, HI, END].map((each, at) => ({
        ...each,
        usage: { ...USAGE, completion_tokens: at, total_tokens: 3 + at },
      })),
    ],
    [
      'null until it comes',
      [...[ROLE, HI, END].map((each) => ({ ...each, usage: null })), { ...HEAD, choices: [], usage: USAGE }],
    ],
    ['null at the front', [{ usage: null, ...ROLE }, HI, { ...HEAD, usage: USAGE, choices: [] }, END]],
    ['x_groq', [ROLE, HI, { ...END, x_groq: { id: 'q', usage: USAGE } }]],
    ['the choice (Moonshot)', [ROLE, HI, choice({ delta: {}, finish_reason: 'stop', usage: USAGE })]],
    ['a chunk after the end with a delta', [ROLE, HI, END, { ...chunk({ content: '' }), usage: USAGE }]],
  ])('tells of usage as asked, wherever it came: %s', (_, data) => {
    const plain = decode(stream(...data) + DONE);
    expect(plain.usage).toEqual(USAGE);
    expect(plain.text).not.toContain('"usage"');
    const asked = chunksIn(decode(stream(...data) + DONE, { includeUsage: true }).text);
    expect(asked.at(-1)).toMatchObject({ ...HEAD, choices: [], usage: USAGE });
    expect(asked.slice(0, -1).map(({ usage }) => usage)).toEqual([null, null, null]);
    expect(asked.slice(0, -1).every(({ choices }) => (choices as unknown[]).length === 1)).toBe(true);
  });

  it.each<readonly [string, string, readonly object[]]>([
    [
      'Azure’s first and late frames',
      stream({ id: '', object: '', created: 0, model: '', choices: [], prompt_filter_results: [] }, ROLE, HI, END, {
        ...HEAD,
        id: '',
        choices: [{ index: 0, finish_reason: null, content_filter_results: {}, content_filter_offsets: {} }],
      }),
      AS_SAID,
    ],
    [
      'Perplexity’s whole message beside each delta',
      stream(
        choice({ delta: { content: 'H' }, message: { content: 'H' }, finish_reason: null }),
        choice({ delta: { content: 'i' }, message: { content: 'Hi' }, finish_reason: 'stop' }),
      ),
      [{ role: 'assistant', content: 'H' }, { content: 'i' }, {}],
    ],
    [
      'MiniMax’s whole answer at the end',
      stream(ROLE, HI, END, {
        ...HEAD,
        object: 'chat.completion',
        choices: [{ index: 0, message: { content: 'Hi' }, finish_reason: 'stop' }],
      }),
      AS_SAID,
    ],
    [
      'a role in every chunk, null and empty fields',
      stream(
        chunk({ role: 'assistant', content: null }),
        chunk({ role: 'assistant', content: 'Hi', tool_calls: null }),
        chunk({ role: null, content: '', reasoning: null }),
        chunk({ role: 'assistant', content: '' }, 'stop'),
      ),
      [{ role: 'assistant', content: null }, { content: 'Hi' }, {}],
    ],
    ['two ends', stream(ROLE, HI, END, END), AS_SAID],
    ['an end that is an empty word first', stream(ROLE, chunk({ content: 'Hi' }, ''), END), AS_SAID],
    [
      'no index, no id, a created that is a float',
      stream(
        {
          choices: [{ delta: { role: 'assistant', content: 'Hi' } }],
          created: 1_750_000_000.7,
          ...{ id: HEAD.id, model: HEAD.model },
        },
        { choices: [{ delta: {}, finish_reason: 'stop' }] },
      ),
      [{ role: 'assistant', content: 'Hi' }, {}],
    ],
    ['an id that changes', stream(ROLE, { ...HI, id: 'other', created: 1, model: 'x' }, END), AS_SAID],
    ['no [DONE]', stream(ROLE, HI, END), AS_SAID],
    ['no last blank line', stream(ROLE, HI, END).trimEnd(), AS_SAID],
    [
      'late pieces of arguments',
      stream(
        chunk({
          role: 'assistant',
          content: null,
          tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '{"a"' } }],
        }),
        chunk({}, 'tool_calls'),
        chunk({ tool_calls: [{ index: 0, function: { arguments: ':1}' } }] }),
      ),
      [
        { role: 'assistant', content: null, tool_calls: [expect.objectContaining({ id: 'c' })] },
        { tool_calls: [{ index: 0, function: { arguments: ':1}' } }] },
        {},
      ],
    ],
    [
      'calls without arguments',
      stream(
        chunk({
          role: 'assistant',
          tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '' } }],
        }),
        chunk({}, 'tool_calls'),
      ),
      [
        { role: 'assistant', tool_calls: [expect.objectContaining({ id: 'c' })] },
        { tool_calls: [{ index: 0, function: { arguments: '{}' } }] },
        {},
      ],
    ],
  ])('is put right: %s', (_, wire, deltas) => {
    const { text, error } = decode(wire);
    expect(error).toBeUndefined();
    const chunks = chunksIn(text);
    for (const each of chunks) expect(each).toMatchObject(HEAD);
    const choices = chunks.flatMap(
      (each) => each['choices'] as { delta: object; finish_reason: unknown; index: number }[],
    );
    const end = 'tool_calls' in (deltas[0] ?? {}) ? 'tool_calls' : 'stop';
    expect(choices.map(({ delta }) => delta)).toEqual(deltas);
    expect(choices.map(({ finish_reason: reason }) => reason)).toEqual([...deltas.slice(1).map(() => null), end]);
    expect(choices.every(({ index }) => index === 0)).toBe(true);
  });

  it('of several choices needs the end of each', () => {
    const wire = [0, 1].map((index) => chunk({ role: 'assistant', content: 'a' }, null, index));
    const ends = [0, 1].map((index) => chunk({}, index === 0 ? 'stop' : 'length', index));
    expect(decode(stream(...wire, ...ends) + DONE)).toMatchObject({ text: stream(...wire, ...ends), error: undefined });
    expect(decode(stream(...wire, ends[0] ?? {}) + DONE).error).toBeInstanceOf(TruncatedStreamError);
  });

  it('that is a whole answer is told as a stream', () => {
    const message = {
      role: 'assistant',
      content: 'Hi',
      tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
    };
    const body = {
      ...HEAD,
      object: 'chat.completion',
      choices: [{ index: 0, message, finish_reason: 'tool_calls' }],
      usage: USAGE,
    };
    for (const size of [Infinity, 1]) {
      const { text, usage } = decode(` \n${JSON.stringify(body, null, 1)}`, { includeUsage: true, size });
      expect(usage).toEqual(USAGE);
      const chunks = chunksIn(text);
      expect(chunks.map(({ choices }) => choices)).toEqual([
        [
          expect.objectContaining({
            delta: expect.objectContaining({
              role: 'assistant',
              content: 'Hi',
              tool_calls: [{ index: 0, ...message.tool_calls[0] }],
            }),
          }),
        ],
        [expect.objectContaining({ delta: {}, finish_reason: 'tool_calls' })],
        [],
      ]);
      expect(chunks.at(-1)).toMatchObject({ ...HEAD, usage: USAGE });
    }
  });
});
