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
      { promptTokens: 2, cacheWriteTokens: 2_147_483_647 },
    ],
  ])('%s', (_, usage, expected) => {
    expect(tokenCounts(usage as unknown as Usage)).toEqual({ ...nothing, ...expected });
  });
});
