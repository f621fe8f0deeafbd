import { costNanoUsd, priceInTier, type ModelPrice } from './price.js';
import type { TokenCounts } from './usage.js';

const none: TokenCounts = {
  promptTokens: 0,
  completionTokens: 0,
  cachedTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
  audioTokens: 0,
};
/** $3 in, $0.30 cached, $3.75 cache write, $40 audio in; $15 out, $80 audio out; above 200 000 tokens twice the text rates. */
const price: ModelPrice = {
  input: 3_000_000_000,
  cachedInput: 300_000_000,
  cacheWrite: 3_750_000_000,
  audioInput: 40_000_000_000,
  output: 15_000_000_000,
  audioOutput: 80_000_000_000,
  longContext: [
    { aboveInputTokens: 500_000, input: 9_000_000_000, output: 30_000_000_000 },
    { aboveInputTokens: 200_000, input: 6_000_000_000, cachedInput: 600_000_000, output: 22_500_000_000 },
  ],
};
const flat: ModelPrice = { input: 150_000_000, output: 600_000_000 };

describe('costNanoUsd', () => {
  it.each<[string, Partial<TokenCounts>, ModelPrice, number]>([
    ['nothing', {}, price, 0],
    ['input and output', { promptTokens: 1000, completionTokens: 200 }, price, 1000 * 3000 + 200 * 15_000],
    ['cached once, at its own rate', { promptTokens: 1000, cachedTokens: 900 }, price, 100 * 3000 + 900 * 300],
    [
      'cached and written beside plain',
      { promptTokens: 1000, cachedTokens: 500, cacheWriteTokens: 300 },
      price,
      200 * 3000 + 500 * 300 + 300 * 3750,
    ],
    ['more cached than there was prompt', { promptTokens: 10, cachedTokens: 50, cacheWriteTokens: 7 }, price, 10 * 300],
    ['classes without a rate', { promptTokens: 100, cachedTokens: 40, cacheWriteTokens: 10 }, flat, 100 * 150],
    ['reasoning inside the output', { completionTokens: 50, reasoningTokens: 45 }, flat, 50 * 600],
    [
      'reasoning at its own rate',
      { completionTokens: 50, reasoningTokens: 45 },
      { ...flat, reasoning: 900_000_000 },
      5 * 600 + 45 * 900,
    ],
    [
      'audio heard and spoken',
      { promptTokens: 100, completionTokens: 60, audioTokens: 70, audioOutputTokens: 50 },
      price,
      80 * 3000 + 20 * 40_000 + 10 * 15_000 + 50 * 80_000,
    ],
    [
      'cached audio not billed twice',
      { promptTokens: 100, cachedTokens: 90, audioTokens: 100 },
      price,
      90 * 300 + 10 * 40_000,
    ],
    [
      'cache writes of an hour beside those of five minutes',
      { promptTokens: 1000, cachedTokens: 100, cacheWriteTokens: 600, cacheWrite1hTokens: 200 },
      { ...price, cacheWrite1h: 6_000_000_000 },
      300 * 3000 + 100 * 300 + 400 * 3750 + 200 * 6000,
    ],
    [
      'cache writes of an hour without a rate of their own',
      { promptTokens: 1000, cacheWriteTokens: 600, cacheWrite1hTokens: 900 },
      price,
      400 * 3000 + 600 * 3750,
    ],
    [
      'images seen and made',
      {
        promptTokens: 300,
        completionTokens: 1300,
        imageInputTokens: 258,
        imageOutputTokens: 1290,
        reasoningTokens: 50,
      },
      { ...price, imageInput: 5_000_000_000, imageOutput: 30_000_000_000 },
      42 * 3000 + 258 * 5000 + 10 * 15_000 + 1290 * 30_000,
    ],
    ['images without a rate', { promptTokens: 300, imageInputTokens: 258 }, price, 300 * 3000],
    [
      'every class at once, and more of each than there is',
      {
        ...{ promptTokens: 10, cachedTokens: 4, cacheWriteTokens: 3, cacheWrite1hTokens: 2, audioTokens: 9 },
        ...{
          imageInputTokens: 9,
          completionTokens: 10,
          audioOutputTokens: 3,
          imageOutputTokens: 4,
          reasoningTokens: 9,
        },
      },
      { ...price, cacheWrite1h: 6e9, imageInput: 5e9, imageOutput: 30e9, reasoning: 1e9 },
      4 * 300 + 1 * 3750 + 2 * 6000 + 3 * 40_000 + 3 * 80_000 + 4 * 30_000 + 3 * 1000,
    ],
    ['just short of the long context', { promptTokens: 200_000 }, price, 200_000 * 3000],
    [
      'the long context, for every token',
      { promptTokens: 200_001, cachedTokens: 1, completionTokens: 1 },
      price,
      200_000 * 6000 + 600 + 22_500,
    ],
    ['the longest tier that applies', { promptTokens: 600_000 }, price, 600_000 * 9000],
    ['half a nano-dollar rounds up', { promptTokens: 1 }, { input: 500_000, output: 0 }, 1],
    ['less rounds down', { promptTokens: 1 }, { input: 499_999, output: 0 }, 0],
    ['rounded once, not by class', { promptTokens: 1, completionTokens: 1 }, { input: 400_000, output: 400_000 }, 1],
    [
      'exact where doubles are not',
      { promptTokens: 9_007_199 },
      { input: 999_999_999_999, output: 0 },
      9_007_198_999_991,
    ],
    ['absurd counts stay an integer', { promptTokens: Number.MAX_SAFE_INTEGER }, price, Number.MAX_SAFE_INTEGER],
  ])('%s', (_, counts, at, expected) => {
    expect(costNanoUsd({ ...none, ...counts }, at)).toBe(expected);
  });
});

describe('priceInTier', () => {
  const tiers = { flex: 0.5, priority: { input: 6_000_000_000, output: 30_000_000_000 } };
  const sold: ModelPrice = { ...price, tiers };

  it.each([undefined, '', 'default', 'auto', 'standard', 'on_demand', 'ON_DEMAND', 'Default'])(
    'is the usual one for %p',
    (tier) => {
      expect(priceInTier(sold, tier)).toBe(sold);
      expect(priceInTier(flat, tier)).toBe(flat);
    },
  );

  it.each(['batch', 'scale', 'provisioned', 'fast', 'constructor', '__proto__', 'toString'])(
    'is not known for %p, and not the usual one',
    (tier) => {
      expect(priceInTier(sold, tier)).toBeUndefined();
    },
  );

  it('is a share of every rate, or a list of its own', () => {
    expect(priceInTier(flat, 'flex')).toBeUndefined();
    expect(priceInTier(sold, 'priority')).toEqual(tiers.priority);
    expect(priceInTier(sold, 'FLEX')).toEqual({
      input: 1_500_000_000,
      cachedInput: 150_000_000,
      cacheWrite: 1_875_000_000,
      audioInput: 20_000_000_000,
      output: 7_500_000_000,
      audioOutput: 40_000_000_000,
      longContext: [
        { aboveInputTokens: 500_000, input: 4_500_000_000, output: 15_000_000_000 },
        { aboveInputTokens: 200_000, input: 3_000_000_000, cachedInput: 300_000_000, output: 11_250_000_000 },
      ],
    });
  });
});
