import type { ChatRequest } from '../../../domain/chat.js';
import { readOptions } from '../simulator-options.js';
import { loadTokenizer } from '../token-count.js';
import { replyTo } from './reply.js';

describe('a reply', () => {
  it('costs no more than so many samples of schemas, however many tools and choices are asked for', async () => {
    const property = {
      type: 'array',
      minItems: 20,
      items: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
    };
    const names = Array.from({ length: 60 }, (_, at) => `tool_${at}`);
    const request: ChatRequest = {
      model: 'simulator',
      n: 128,
      messages: [{ role: 'user', content: names.join(' ') }],
      tools: names.map((name) => ({
        type: 'function',
        function: {
          name,
          parameters: { type: 'object', properties: { p: property, q: property }, required: ['p', 'q'] },
        },
      })),
    };
    const tokenizer = await loadTokenizer();
    const options = readOptions(request, false);
    const start = performance.now();
    const { choices } = replyTo(request, { options, echo: false, promptTokens: 1, tokenizer });
    expect(choices).toHaveLength(128);
    expect(choices.every(({ calls }) => calls.length === 1)).toBe(true);
    expect(performance.now() - start).toBeLessThan(3_000);
  });
});
