import type { ModelCatalog } from '../catalog/model-catalog.js';
import type { ChatRequest } from '../domain/chat.js';
import { rememberSource, findMembers } from '../domain/json-source.js';
import type { TokenCounts } from '../domain/usage.js';
import { promptSize } from './prompt-size.js';
import { TokenEstimates } from './token-estimates.js';

const CATALOG = {
  find: (_: string, model: string) => (model === 'short' ? { maxOutputTokens: 4_096 } : undefined),
} as unknown as ModelCatalog;

const model = (name: string) =>
  ({ provider: 'p', model: name, baseModel: name, endpoint: { type: 'openai' } }) as never;
const counts = (promptTokens: number, completionTokens: number): TokenCounts => ({
  promptTokens,
  completionTokens,
  cachedTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
  audioTokens: 0,
});

describe('the size of a prompt', () => {
  const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(1_000_000)}` } };
  const tool = { type: 'function', function: { name: 'f', parameters: { type: 'object' } } };
  it.each<[string, object, number]>([
    [
      'texts',
      {
        messages: [
          { role: 'user', content: 'four' },
          { role: 'user', content: [{ type: 'text', text: 'six sy' }] },
        ],
      },
      10,
    ],
    [
      'media stand for a fixed number',
      { messages: [{ role: 'user', content: [image, { type: 'text', text: 'what?' }] }] },
      4_005,
    ],
    [
      'audio and files',
      {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'input_audio', input_audio: { data: 'AAAA' } },
              { type: 'file', file: { file_data: 'AAAA' } },
            ],
          },
        ],
      },
      8_000,
    ],
    [
      'calls',
      {
        messages: [
          {
            role: 'assistant',
            content: null,
            tool_calls: [{ id: 'x', type: 'function', function: { name: 'ab', arguments: '{}' } }],
          },
        ],
      },
      4,
    ],
    ['tools', { messages: [], tools: [tool] }, JSON.stringify([tool]).length],
    ['nulls', { messages: [{ role: 'user', content: null, tool_calls: null }], tools: null, response_format: null }, 0],
    ['hostile parts', { messages: [{ role: 'user', content: [{ type: 'text', text: 7 }, { type: '__proto__' }] }] }, 0],
  ])('%s', (_, request, size) => {
    expect(promptSize(request as ChatRequest)).toBe(size);
    const text = JSON.stringify(request, null, 0);
    const parsed = JSON.parse(text) as ChatRequest;
    rememberSource(parsed, { text, members: findMembers(text, Infinity) ?? [] });
    expect(promptSize(parsed)).toBe(size);
  });

  it('is measured within microseconds', () => {
    const messages = Array.from({ length: 20 }, (_, at) => ({ role: 'user' as const, content: 'text '.repeat(at) }));
    const request: ChatRequest = { model: 'm', messages };
    for (let n = 0; n < 20_000; n += 1) promptSize(request);
    const start = performance.now();
    for (let n = 0; n < 20_000; n += 1) promptSize(request);
    expect((performance.now() - start) / 20_000).toBeLessThan(0.02); // ms; far more than it takes, for slow machines
  });
});

describe('estimates', () => {
  it('begin as English, and are taught by what a provider reports of each model by itself', () => {
    const estimates = new TokenEstimates(CATALOG);
    expect([estimates.promptTokens(model('a'), 18), estimates.answerTokens(model('a'), 400)]).toEqual([5, 100]);
    expect(estimates.longestAnswer(model('a'), {})).toBe(1_000);
    for (let n = 0; n < 200; n += 1)
      estimates.learn(model('a'), { promptSize: 1_000, said: 300, counts: counts(500, n % 2 === 0 ? 90 : 110) });
    expect(estimates.promptTokens(model('a'), 2_000)).toBeCloseTo(1_000, -2);
    expect(estimates.answerTokens(model('a'), 3_000)).toBeCloseTo(1_000, -2);
    const longest = estimates.longestAnswer(model('a'), {});
    expect(longest).toBeGreaterThan(110);
    expect(longest).toBeLessThan(130);
    expect(estimates.longestAnswer(model('a'), { n: 3 })).toBe(3 * longest);
    expect(estimates.promptTokens(model('b'), 2_000)).toBe(500);
  });

  it.each<[object, string, number]>([
    [{ max_tokens: 50 }, 'a', 50],
    [{ max_tokens: 50, max_completion_tokens: 70, n: 2 }, 'a', 140],
    [{ max_tokens: 1e308 }, 'a', 2_147_483_647],
    [{ max_tokens: 1e308, n: 1e9 }, 'a', 2_147_483_647],
    [{ max_tokens: 100_000 }, 'short', 4_096],
    [{ max_tokens: -5, n: -1 }, 'a', 1_000],
    [{ max_tokens: 'many', n: NaN }, 'a', 1_000],
    [{ max_tokens: null }, 'short', 1_000],
  ])('of the longest answer to %j at %s', (bounds, name, tokens) => {
    expect(new TokenEstimates(CATALOG).longestAnswer(model(name), bounds)).toBe(tokens);
  });

  it('outlast absurd reports, and forget models before they fill the memory', () => {
    const estimates = new TokenEstimates(CATALOG);
    const usual = { promptSize: 4_000, said: 400, counts: counts(1_000, 100) };
    for (let n = 0; n < 100; n += 1) estimates.learn(model('a'), usual);
    estimates.learn(model('a'), { ...usual, counts: counts(2_147_483_647, 2_147_483_647) });
    expect(estimates.longestAnswer(model('a'), {})).toBeLessThan(3_000);
    expect(estimates.promptTokens(model('a'), 4_000)).toBeLessThan(2_000);
    for (let n = 0; n < 100; n += 1) estimates.learn(model('a'), usual);
    expect(estimates.longestAnswer(model('a'), {})).toBeLessThan(400);
    estimates.learn(model('a'), { promptSize: 0, said: 0, counts: counts(0, 0) });
    expect(estimates.promptTokens(model('a'), 4_000)).toBeGreaterThan(900);
    for (let n = 0; n < 2_000; n += 1) estimates.learn(model(`m${n}`), usual);
    expect(estimates.longestAnswer(model('a'), {})).toBe(1_000);
  });
});
