import { calcPrice, findProvider } from '@pydantic/genai-prices';
import { costNanoUsd } from '../domain/price.js';
import { CAPABILITIES } from './model-card.js';
import { ModelCatalog } from './model-catalog.js';

const catalog = new ModelCatalog();
const NO_TOKENS = {
  promptTokens: 0,
  completionTokens: 0,
  cachedTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
  audioTokens: 0,
};

describe('which model an id stands for', () => {
  it.each([
    ['openai', 'gpt-4o', 'gpt-4o'],
    ['openai', 'GPT-4o', 'gpt-4o'],
    ['openai', 'gpt-4o-2024-08-06', 'gpt-4o'],
    ['openai', 'gpt-4o-2024-05-13', 'gpt-4o-2024-05-13'],
    ['openai', 'gpt-4.1-2025-04-14', 'gpt-4.1'],
    ['openai', 'gpt-6-sol-2026-09-10', 'gpt-6-sol'],
    ['openai', 'gpt-4', 'gpt-4'],
    ['openai', 'ft:gpt-4o-2024-08-06:acme::abc', 'ft:gpt-4o-2024-'],
    ['anthropic', 'claude-3-5-sonnet', 'claude-3-5-sonnet'],
    ['anthropic', 'claude-3-5-sonnet-20241022', 'claude-3-5-sonnet'],
    ['anthropic', 'claude-sonnet-4-5-20250929', 'claude-sonnet-4-5'],
    ['anthropic', 'claude-opus-5-5-20261001', 'claude-opus-5-5'],
    ['anthropic', 'claude-sonnet-5-5', 'claude-sonnet-5-5'],
    ['gemini', 'gemini-2.0-flash', 'gemini-2.0-flash'],
    ['gemini', 'gemini-2.0-flash-001', 'gemini-2.0-flash'],
    ['gemini', 'models/gemini-2.5-pro', 'gemini-2.5-pro'],
    ['vertex', 'publishers/google/models/gemini-2.5-pro', 'gemini-2.5-pro'],
    ['vertex', 'claude-opus-4-6@20260205', 'claude-opus-4-6'],
    ['bedrock', 'us.anthropic.claude-3-5-sonnet-20241022-v2:0', 'anthropic.claude-3-5-sonnet-20241022-v2:0'],
    [
      'bedrock',
      'arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0',
      'anthropic.claude-haiku-4-5-20251001-v1:0',
    ],
    ['azure-openai', 'gpt-4o', 'gpt-4o'],
    ['groq', 'openai/gpt-oss-120b', 'openai/gpt-oss-120b'],
    ['openrouter', 'anthropic/claude-sonnet-4.5', 'anthropic/claude-sonnet-4.5'],
    ['simulator', 'simulator', 'simulator'],
  ])('%s knows %s as %s', (type, asked, id) => {
    expect(catalog.find(type, asked)).toMatchObject({ type, id });
  });

  it.each([
    ['openai', 'gpt-9'],
    ['openai', ''],
    ['openai', 'o4-mini-x'],
    ['openai', 'g'.repeat(1_000_000)],
    ['anthropic', 'gpt-4o'],
    ['nobody', 'gpt-4o'],
    ['openai', '__proto__'],
  ])('%s does not know %.20s', (type, asked) => {
    expect(catalog.find(type, asked)).toBeUndefined();
    expect(catalog.price(type, asked)).toBeUndefined();
  });

  it.each([
    ['gpt-4', 'openai'],
    ['gpt-4o-mini-2024-07-18', 'openai'],
    ['claude-3-5-sonnet', 'anthropic'],
    ['gemini-2.0-flash', 'gemini'],
    ['mistral-large-latest', 'mistral'],
    ['deepseek-chat', 'deepseek'],
    ['grok-4', 'xai'],
    ['command-r-plus', 'cohere'],
    ['sonar-pro', 'perplexity'],
    ['llama-3.3-70b-versatile', 'groq'],
    ['openai/gpt-4o-mini', 'openrouter'],
    ['anthropic.claude-3-haiku-20240307-v1:0', 'bedrock'],
  ])('%s is first of all a model of %s', (id, type) => {
    expect(catalog.typesOf(id)[0]).toBe(type);
  });

  it('does not take an aggregator’s model for one of its maker', () => {
    expect(catalog.typesOf('openai/o4-mini')).toEqual(['openrouter']);
    expect(catalog.typesOf('unheard-of')).toEqual([]);
  });
});

describe('what a card says', () => {
  it('has the limits and capabilities that are known, and null for the others', () => {
    expect(catalog.find('openai', 'gpt-4o')).toMatchObject({
      contextWindow: 128_000,
      maxOutputTokens: 16_384,
      capabilities: ['tools', 'vision', 'json_schema', 'pdf'],
      listed: true,
    });
    expect(catalog.find('anthropic', 'claude-opus-4-6')).toMatchObject({ maxOutputTokens: 128_000 });
    expect(catalog.find('openrouter', 'mancer/weaver')).toMatchObject({ maxOutputTokens: null, capabilities: null });
  });

  it.each([
    ['openai', 'gpt-4', { chat: true, listed: false }],
    ['openai', 'text-embedding-3-small', { chat: false, listed: false }],
    ['openai', 'gpt-5', { chat: true, listed: true }],
    ['anthropic', 'claude-3-opus', { chat: true, listed: false }],
  ])('%s %s', (type, id, expected) => {
    expect(catalog.find(type, id)).toMatchObject(expected);
  });

  it('offers only ids that lead back to their own card', () => {
    const types = [
      'openai',
      'anthropic',
      'gemini',
      'mistral',
      'groq',
      'xai',
      'openrouter',
      'bedrock',
      'vertex',
      'minimax',
    ];
    for (const type of types) {
      const cards = catalog.modelsOf(type);
      expect(cards.filter(({ listed }) => listed).length).toBeGreaterThan(5);
      for (const card of cards) {
        expect(catalog.find(type, card.id)?.id).toBe(card.id);
        for (const capability of card.capabilities ?? []) expect(CAPABILITIES).toContain(capability);
      }
    }
  });
});

describe('prices', () => {
  it('are integer nano-dollars per million tokens, with every class and tier', () => {
    expect(catalog.price('openai', 'gpt-4o')).toEqual({
      input: 2_500_000_000,
      cachedInput: 1_250_000_000,
      output: 10_000_000_000,
      tiers: { priority: { input: 4_250_000_000, cachedInput: 2_125_000_000, output: 17_000_000_000 } },
    });
    expect(catalog.price('anthropic', 'claude-sonnet-4-5')).toMatchObject({
      cacheWrite: 3_750_000_000,
      cacheWrite1h: 6_000_000_000,
      longContext: [{ aboveInputTokens: 200_000, cacheWrite: 7_500_000_000, cacheWrite1h: 12_000_000_000 }],
      tiers: { batch: 0.5 },
    });
    expect(catalog.price('bedrock', 'eu.anthropic.claude-sonnet-4-20250514-v1:0')).toMatchObject({
      cacheWrite: 3_750_000_000,
      cacheWrite1h: 6_000_000_000,
    });
    expect(catalog.price('gemini', 'gemini-3-pro-image-preview')).toMatchObject({ imageOutput: 120_000_000_000 });
    expect(catalog.price('gemini', 'gemini-2.5-pro')?.longContext).toEqual([
      expect.objectContaining({ aboveInputTokens: 200_000, input: 2_500_000_000, output: 15_000_000_000 }),
    ]);
    expect(catalog.price('openai', 'gpt-audio')).toMatchObject({
      audioInput: 32_000_000_000,
      audioOutput: 64_000_000_000,
    });
  });

  it('follow the calendar and the time of day', () => {
    const output = (type: string, id: string, at: string) => catalog.price(type, id, Date.parse(at))?.output;
    expect(output('gemini', 'gemini-3.8-flash', '2026-12-31T23:59:59Z')).toBe(3_750_000_000);
    expect(output('gemini', 'gemini-3.8-flash', '2027-01-01T00:00:00Z')).toBe(7_500_000_000);
    expect(output('deepseek', 'deepseek-v4-flash', '2026-11-22T00:59:59Z')).toBe(660_000_000);
    expect(output('deepseek', 'deepseek-v4-flash', '2026-11-22T01:00:00Z')).toBe(1_320_000_000);
    expect(output('deepseek', 'deepseek-v4-flash', '2026-11-22T04:00:00Z')).toBe(660_000_000);
  });

  it('tells free from unknown', () => {
    expect(catalog.price('simulator', 'simulator')).toEqual({ input: 0, output: 0 });
    expect(catalog.price('anthropic', 'claude-mythos-5')).toBeUndefined();
  });

  const SOURCES = {
    openai: 'openai',
    anthropic: 'anthropic',
    gemini: 'google',
    mistral: 'mistral',
    groq: 'groq',
    xai: 'x-ai',
  };

  it.each(Object.entries(SOURCES))('of %s are those of the source, for every id it names', (type, providerId) => {
    const at = Date.parse('2026-11-22T12:00:00Z');
    const tokens = { ...NO_TOKENS, promptTokens: 1_000_000, completionTokens: 100_000, cachedTokens: 1000 };
    let compared = 0;
    for (const id of exactIdsOf(providerId)) {
      const price = catalog.price(type, id, at);
      if (price === undefined || !(catalog.find(type, id)?.chat ?? false)) continue;
      const usage = {
        input_tokens: 1_000_000,
        output_tokens: 100_000,
        ...(price.cachedInput && { cache_read_tokens: 1000 }),
      };
      const expected = calcPrice(usage, id, { providerId, timestamp: new Date(at) });
      const counted = price.cachedInput ? tokens : { ...tokens, cachedTokens: 0 };
      expect([id, costNanoUsd(counted, price) / 1e9]).toEqual([id, expect.closeTo(expected?.total_price ?? -1, 6)]);
      compared++;
    }
    expect(compared).toBeGreaterThan(5);
  });
});

describe('what it costs', () => {
  it('is read and searched in a few milliseconds', () => {
    const start = performance.now();
    const fresh = new ModelCatalog();
    fresh.typesOf('gpt-4o');
    // 10 ms on a quiet machine: the bound only catches what got slower by an order.
    expect(performance.now() - start).toBeLessThan(100);
    expect(fresh.version).toMatch(/^genai-prices-\d+\.\d+\.\d+\+\d{4}-\d{2}-\d{2}\.[0-9a-f]{8}$/);
  });
});

interface Match {
  readonly or?: readonly Match[];
  readonly equals?: string;
}

function exactIdsOf(providerId: string): readonly string[] {
  const ids = (match: Match): readonly string[] =>
    match.or?.flatMap(ids) ?? (match.equals === undefined ? [] : [match.equals]);
  return findProvider({ providerId })?.models.flatMap((model) => ids(model.match as Match)) ?? [];
}
