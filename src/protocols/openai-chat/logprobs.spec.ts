import { openaiChat } from './index.js';
import { rightLogprobs } from './logprobs.js';

const token = (more: object = {}) => ({ token: 'a', logprob: -1, bytes: [97], top_logprobs: [], ...more });
const FULL = { content: [token({ top_logprobs: [{ token: 'a', logprob: -1, bytes: null }] })], refusal: null };
const BARE = { content: [{ token: 'a', logprob: -1, top_logprobs: [{ token: 'b', logprob: -2 }] }, { token: 'c' }] };
const RIGHT = {
  content: [
    { token: 'a', logprob: -1, bytes: null, top_logprobs: [{ token: 'b', logprob: -2, bytes: null }] },
    { token: 'c', bytes: null, top_logprobs: [] },
  ],
  refusal: null,
};
const FACTS = { id: 'ours', created: 1, model: 'asked', asked: {} };
const HEAD = { id: 'c', created: 1_750_000_000, model: 'm' };

describe('rightLogprobs', () => {
  it.each([[FULL], [{ content: null, refusal: [token()] }], [null], [undefined], [[]]])('leaves alone %j', (wire) =>
    expect(rightLogprobs(wire)).toBe(wire),
  );

  it.each([
    [{}, { content: null, refusal: null }],
    [BARE, RIGHT],
    [{ content: [token({ top_logprobs: null })] }, { content: [token()], refusal: null }],
    [{ content: ['x'] }, { content: ['x'], refusal: null }],
  ])('completes %j', (wire, right) => expect(rightLogprobs(wire)).toEqual(right));

  it('is done to whole answers', () => {
    const message = { role: 'assistant', content: 'ac', refusal: null };
    const choices = [{ index: 0, message, logprobs: BARE, finish_reason: 'stop' }];
    const body = Buffer.from(JSON.stringify({ ...HEAD, object: 'chat.completion', choices }));
    expect(openaiChat({}).response(body, FACTS).choices[0]?.logprobs).toEqual(RIGHT);
  });

  it('is done to every chunk, and once where one is cut in two', () => {
    const chunk = (delta: object, logprobs: object | null, finish: string | null = null) =>
      `data: ${JSON.stringify({ ...HEAD, object: 'chat.completion.chunk', choices: [{ index: 0, delta, logprobs, finish_reason: finish }] })}\n\n`;
    const decoder = openaiChat({}).stream(FACTS, false);
    let text = '';
    const emit = ({ bytes }: { bytes: Uint8Array }) => (text += Buffer.from(bytes).toString());
    decoder.next(Buffer.from(chunk({ role: 'assistant', content: '' }, null)), emit);
    decoder.next(Buffer.from(chunk({ content: 'a' }, BARE) + chunk({ content: 'b' }, FULL)), emit);
    decoder.next(Buffer.from(chunk({ content: 'c' }, BARE, 'stop')), emit);
    decoder.end(emit);
    const chunks = text
      .split('\n\n')
      .slice(0, -1)
      .map((event) => JSON.parse(event.slice(6)) as { choices: readonly { logprobs: unknown }[] });
    expect(chunks.map(({ choices }) => choices[0]?.logprobs)).toEqual([null, RIGHT, FULL, RIGHT, null]);
  });
});
