import type { ChatRequest } from '../../domain/chat.js';
import { countPrompt, loadTokenizer } from './token-count.js';

const request = (fields: object): ChatRequest => ({ model: 'simulator', messages: [], ...fields });
const user = (content: unknown): object => ({ role: 'user', content });

const example = (name: string, content: string): object => ({ role: 'system', name, content });

/** OpenAI's cookbook, "How to count tokens": 124 prompt tokens on gpt-4o, by its function and by the API. */
const COOKBOOK = [
  {
    role: 'system',
    content: 'You are a helpful, pattern-following assistant that translates corporate jargon into plain English.',
  },
  example('example_user', 'New synergies will help drive top-line growth.'),
  example('example_assistant', 'Things working well together will increase revenue.'),
  example(
    'example_user',
    "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
  ),
  example('example_assistant', "Let's talk later when we're less busy about how to do better."),
  user("This late pivot means we don't have time to boil the ocean for the client deliverable."),
];

describe('the tokenizer', () => {
  it.each([
    ['', 0],
    ['hello world', 2],
    ['Hello, world!', 4],
    ['antidisestablishmentarianism', 6],
    ['2 + 2 = 4', 7],
    ['<|endoftext|>', 7],
    ['お誕生日おめでとう', 8],
  ])('counts %j as OpenAI does', async (text, tokens) => {
    expect((await loadTokenizer()).count(text)).toBe(tokens);
  });

  it('counts a long text as a whole although it encodes it in parts', async () => {
    const { encode } = await import('gpt-tokenizer/encoding/o200k_base');
    const text =
      'The quick brown fox, aged 1234567, jumps over\n\n  the lazy dog — “twice”. 漢字かな交じり文。 👩‍👩‍👧 '.repeat(800);
    expect((await loadTokenizer()).count(text)).toBe(encode(text).length);
  });

  it.each(['a', ' ', '-', '漢', '👍', '\n'])('takes no time over a long run of %j', async (character) => {
    const tokenizer = await loadTokenizer();
    const startedAt = performance.now();
    expect(tokenizer.count(character.repeat(300_000))).toBeGreaterThan(1000);
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });

  it.each([
    ['one token after the other', 3, ['one', ' token', ' after'], false],
    ['whole', 5, ['whole'], true],
    ['', 5, [], true],
  ])('cuts %j after %i tokens', async (text, limit, pieces, whole) => {
    expect((await loadTokenizer()).cut(text, limit)).toEqual({ pieces, tokens: pieces.length, whole });
  });

  it('never cuts a character in two', async () => {
    const text = 'né 👩‍👩‍👧 漢字 🇩🇪 🏳️‍🌈 ﷽ 𝔘𝔫𝔦𝔠𝔬𝔡𝔢';
    const { pieces, whole } = (await loadTokenizer()).cut(text, 1000);
    expect(whole).toBe(true);
    expect(pieces.join('')).toBe(text);
    expect(pieces.join('|')).not.toContain('\ufffd');
  });
});

describe('countPrompt', () => {
  it.each<[string, ChatRequest, number]>([
    ['one word', request({ messages: [user('hello')] }), 3 + 1 + 1 + 3],
    ['the worked example of the cookbook', request({ messages: COOKBOOK }), 124],
    [
      'parts',
      request({
        messages: [
          user([
            { type: 'text', text: 'hello' },
            { type: 'text', text: ' world' },
          ]),
        ],
      }),
      3 + 1 + 2 + 3,
    ],
    [
      'images',
      request({
        messages: [
          user([
            { type: 'image_url', image_url: { url: 'https://example.com/a.png', detail: 'low' } },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(5000)}` } },
          ]),
        ],
      }),
      3 + 1 + 85 + 765 + 3,
    ],
    [
      'tool calls without content',
      request({
        messages: [
          {
            role: 'assistant',
            content: null,
            tool_calls: [{ id: 'c', type: 'function', function: { name: 'hello', arguments: '{}' } }],
          },
        ],
      }),
      3 + 1 + (3 + 1 + 1) + 3,
    ],
  ])('counts %s', async (_, body, tokens) => {
    expect(await countPrompt(body, await loadTokenizer())).toBe(tokens);
  });

  it('counts definitions, also such as are nested more deeply than a stack is', async () => {
    const deep = Array.from({ length: 100_000 }).reduce<object>((inner) => ({ inner }), {});
    const tokenizer = await loadTokenizer();
    const [without, withEmpty, withTool, withDeep] = await Promise.all(
      [
        {},
        { tools: [] },
        { tools: [{ type: 'function', function: { name: 'get_weather' } }] },
        { functions: [deep] },
      ].map((fields) => countPrompt(request(fields), tokenizer)),
    );
    expect(withEmpty).toBe(without);
    expect(withTool).toBeGreaterThan(without ?? 0);
    expect(withDeep).toBeGreaterThan(100_000);
  });
});
