import { usageFrom } from './usage.js';

const usage = (prompt: number, completion: number, more: object = {}) => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
  ...more,
});
const cached = (tokens: unknown) => ({ prompt_tokens_details: { cached_tokens: tokens } });
const reasoned = (tokens: unknown) => ({ completion_tokens_details: { reasoning_tokens: tokens } });

describe('usageFrom', () => {
  it.each([
    ['right', usage(10, 5)],
    ['right with details', usage(10, 5, { ...cached(4), ...reasoned(3), cost: 0.1 })],
    ['details that are null', usage(10, 5, { prompt_tokens_details: null, completion_tokens_details: null })],
    ['reasoning as large as the completion', usage(10, 5, reasoned(5))],
    ['nothing used', usage(0, 0)],
    ['details that are no counts', usage(10, 5, { completion_tokens_details: { audio_tokens: null, x: { y: 1.5 } } })],
    ['more cached than there was', usage(10, 5, cached(12))],
  ])('leaves alone what is right: %s', (_, wire) => expect(usageFrom(wire)).toBe(wire));

  it.each<readonly [string, object, object]>([
    ['no total', { prompt_tokens: 10, completion_tokens: 5 }, usage(10, 5)],
    ['a total that is wrong', { ...usage(10, 5), total_tokens: 99 }, usage(10, 5)],
    ['no completion', { prompt_tokens: 10, total_tokens: 15 }, usage(10, 5)],
    ['no completion and no total', { prompt_tokens: 10 }, usage(10, 0)],
    ['a completion that is null', { prompt_tokens: 10, completion_tokens: null, total_tokens: 12 }, usage(10, 2)],
    ['a total below the prompt', { prompt_tokens: 10, total_tokens: 3 }, usage(10, 0)],
    ['floats', { prompt_tokens: 10.0001, completion_tokens: 4.6, total_tokens: 15.2 }, usage(10, 5)],
    ['text', { prompt_tokens: '10', completion_tokens: '5', total_tokens: '15' }, usage(10, 5)],
    ['negative numbers', { prompt_tokens: 10, completion_tokens: -5, total_tokens: 5 }, usage(10, 0)],
    ['cached tokens beside', { ...usage(10, 5), cached_tokens: 4 }, usage(10, 5, { ...cached(4), cached_tokens: 4 })],
    [
      'DeepSeek',
      { ...usage(10, 5), prompt_cache_hit_tokens: 4 },
      usage(10, 5, { ...cached(4), prompt_cache_hit_tokens: 4 }),
    ],
    [
      'num_cached_tokens',
      { ...usage(10, 5), num_cached_tokens: 4 },
      usage(10, 5, { ...cached(4), num_cached_tokens: 4 }),
    ],
    [
      'the detail before the field beside',
      { ...usage(10, 5, cached('4')), cached_tokens: 9 },
      { ...usage(10, 5, cached(4)), cached_tokens: 9 },
    ],
    [
      'other details are kept',
      usage(10, 5, { prompt_tokens_details: { cached_tokens: 1.2, audio_tokens: 2 } }),
      usage(10, 5, { prompt_tokens_details: { cached_tokens: 1, audio_tokens: 2 } }),
    ],
    [
      'every detail',
      usage(10, 5, {
        prompt_tokens_details: { cached_tokens: 4, audio_tokens: '2', text_tokens: 3.6 },
        completion_tokens_details: { reasoning_tokens: '3', audio_tokens: -1, x: 'y' },
      }),
      usage(10, 5, {
        prompt_tokens_details: { cached_tokens: 4, audio_tokens: 2, text_tokens: 4 },
        completion_tokens_details: { reasoning_tokens: 3, audio_tokens: 0, x: 'y' },
      }),
    ],
    [
      'reasoning beside',
      { ...usage(10, 5), reasoning_tokens: 3 },
      usage(10, 5, { ...reasoned(3), reasoning_tokens: 3 }),
    ],
    [
      'reasoning outside (xAI)',
      { prompt_tokens: 10, completion_tokens: 5, total_tokens: 22, ...reasoned(7) },
      usage(10, 12, reasoned(7)),
    ],
    [
      'no text, all reasoning (xAI)',
      { prompt_tokens: 10, completion_tokens: 0, total_tokens: 17, ...reasoned(7) },
      usage(10, 7, reasoned(7)),
    ],
    [
      'reasoning inside, total wrong',
      { prompt_tokens: 10, completion_tokens: 9, total_tokens: 30, ...reasoned(7) },
      usage(10, 9, reasoned(7)),
    ],
  ])('puts right: %s', (_, wire, right) => expect(usageFrom(wire)).toEqual(right));

  it.each([
    [undefined],
    [null],
    ['12'],
    [[]],
    [{}],
    [{ prompt_tokens: null }],
    [{ prompt_tokens: 'many' }],
    [{ total_tokens: 3 }],
  ])('reads nothing in %j', (wire) => expect(usageFrom(wire)).toBeUndefined());
});
