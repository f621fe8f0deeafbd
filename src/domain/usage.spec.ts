import type { Usage } from './chat.js';
import { tokenCounts, type TokenCounts } from './usage.js';

const nothing: TokenCounts = {
  promptTokens: 0,
  completionTokens: 0,
  cachedTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
  audioTokens: 0,
};

describe('tokenCounts', () => {
  it.each<[string, Record<string, unknown>, Partial<TokenCounts>]>([
    [
      'no details',
      { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 },
      { promptTokens: 9, completionTokens: 4 },
    ],
    [
      'null details',
      { prompt_tokens: 9, completion_tokens: 4, prompt_tokens_details: null, completion_tokens_details: null },
      { promptTokens: 9, completionTokens: 4 },
    ],
    [
      'all details, audio heard and spoken',
      {
        prompt_tokens: 100,
        completion_tokens: 50,
        prompt_tokens_details: { cached_tokens: 64, cache_write_tokens: 20, audio_tokens: 7 },
        completion_tokens_details: { reasoning_tokens: 30, audio_tokens: 5, accepted_prediction_tokens: 1 },
      },
      {
        promptTokens: 100,
        completionTokens: 50,
        cachedTokens: 64,
        cacheWriteTokens: 20,
        reasoningTokens: 30,
        audioTokens: 12,
        audioOutputTokens: 5,
      },
    ],
    [
      'null members',
      { prompt_tokens: 1, completion_tokens: null, prompt_tokens_details: { cached_tokens: null } },
      { promptTokens: 1 },
    ],
    ['nothing at all', {}, {}],
    [
      'what no integer column takes',
      {
        prompt_tokens: 2.9,
        completion_tokens: -3,
        prompt_tokens_details: { cached_tokens: '7', audio_tokens: NaN, cache_write_tokens: 1e300 },
      },
      { promptTokens: 2, cacheWriteTokens: 2 },
    ],
    [
      'more than any column takes, at each place',
      { prompt_tokens: 1e300, completion_tokens: Infinity, prompt_tokens_details: { audio_tokens: 1e300 } },
      { promptTokens: 2_147_483_647, completionTokens: 2_147_483_647, audioTokens: 2_147_483_647 },
    ],
    [
      'cache writes of an hour, as Anthropic tells them',
      {
        prompt_tokens: 100,
        prompt_tokens_details: { cached_tokens: 10, cache_write_tokens: 80 },
        cache_creation: { ephemeral_5m_input_tokens: 50, ephemeral_1h_input_tokens: 30 },
      },
      { promptTokens: 100, cachedTokens: 10, cacheWriteTokens: 80, cacheWrite1hTokens: 30 },
    ],
    [
      'cache writes of an hour without cache writes, and of another type',
      { prompt_tokens: 100, cache_creation: { ephemeral_1h_input_tokens: 30 } },
      { promptTokens: 100 },
    ],
    [
      'images seen and made',
      {
        prompt_tokens: 300,
        completion_tokens: 1300,
        prompt_tokens_details: { image_tokens: 258 },
        completion_tokens_details: { image_tokens: 1290 },
      },
      { promptTokens: 300, completionTokens: 1300, imageInputTokens: 258, imageOutputTokens: 1290 },
    ],
    [
      'media that came from the cache, which are billed as cached',
      {
        prompt_tokens: 500,
        prompt_tokens_details: {
          cached_tokens: 300,
          audio_tokens: 200,
          image_tokens: 150,
          cached_tokens_details: { audio_tokens: 200, image_tokens: 100 },
        },
      },
      { promptTokens: 500, cachedTokens: 300, imageInputTokens: 50 },
    ],
    [
      'details larger than what they are details of',
      {
        prompt_tokens: 10,
        completion_tokens: 5,
        prompt_tokens_details: { cached_tokens: 7, cache_write_tokens: 9, audio_tokens: 10, image_tokens: 12 },
        completion_tokens_details: { reasoning_tokens: 6, audio_tokens: 7, image_tokens: 8 },
        cache_creation: { ephemeral_1h_input_tokens: 99 },
      },
      {
        promptTokens: 10,
        completionTokens: 5,
        cachedTokens: 7,
        cacheWriteTokens: 3,
        cacheWrite1hTokens: 3,
        reasoningTokens: 5,
        audioTokens: 15,
        audioOutputTokens: 5,
        imageInputTokens: 10,
        imageOutputTokens: 5,
      },
    ],
    [
      'audio beside the prompt (Mistral)',
      { prompt_tokens: 9, completion_tokens: 2, prompt_tokens_details: { audio_tokens: 375 } },
      { promptTokens: 384, completionTokens: 2, audioTokens: 375 },
    ],
    [
      'details that are none',
      {
        prompt_tokens: 10,
        prompt_tokens_details: { image_tokens: [3], audio_tokens: 2, cached_tokens_details: 'all' },
        completion_tokens_details: 7,
        cache_creation: [1, 2],
      },
      { promptTokens: 10, audioTokens: 2 },
    ],
  ])('%s', (_, usage, expected) => {
    expect(tokenCounts(usage as unknown as Usage)).toEqual({ ...nothing, ...expected });
  });
});
