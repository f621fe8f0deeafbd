import type { Config } from '../config/config.js';
import { LiveConfig } from '../config/live-config.js';
import { ModelCatalog } from './model-catalog.js';
import { PriceBook, type Sold } from './price-book.js';

const AT = Date.parse('2026-11-20T12:00:00Z');
const catalog = new ModelCatalog();

const book = (prices: Config['prices'] = {}) => {
  const config = new LiveConfig({ prices } as Config);
  return { config, book: new PriceBook(catalog, config) };
};

const sold = (type: string, model: string, more: Partial<Sold> = {}): Sold => ({
  provider: type,
  model,
  baseModel: model,
  endpoint: { type },
  ...more,
});

describe('PriceBook', () => {
  it('finds what the catalogue has, with its version, and nothing for what it has not', () => {
    const { book: prices } = book();
    expect(prices.find(sold('openai', 'gpt-4o'), { at: AT })).toMatchObject({
      price: { input: 2_500_000_000, cachedInput: 1_250_000_000, output: 10_000_000_000 },
      version: catalog.version,
    });
    expect(prices.find(sold('openai', 'nobody-knows'), { at: AT })).toBeUndefined();
    expect(prices.find(sold('anthropic', 'claude-mythos-5'), { at: AT })).toBeUndefined();
  });

  it.each<[what: string, type: string, model: string, tier: string, output: number | undefined]>([
    ['flex', 'openai', 'gpt-5', 'flex', 5_000_000_000],
    ['flex of a dated version', 'openai', 'gpt-5-2025-08-07', 'flex', 5_000_000_000],
    ['priority', 'openai', 'gpt-5', 'priority', 20_000_000_000],
    ['the usual', 'openai', 'gpt-5', 'default', 10_000_000_000],
    ['a tier the list has not', 'openai', 'gpt-4o', 'flex', undefined],
    ['a tier nobody knows', 'openai', 'gpt-5', 'scale', undefined],
    ['batches of Claude', 'anthropic', 'claude-sonnet-4-5', 'batch', 7_500_000_000],
    ['the usual, in the words of Groq', 'groq', 'llama-3.3-70b-versatile', 'on_demand', 790_000_000],
    ['the same model at another seller', 'azure-openai', 'gpt-5', 'default', 10_000_000_000],
    ['whose tiers are not the maker’s', 'azure-openai', 'gpt-5', 'flex', undefined],
  ])('knows tiers: %s', (_, type, model, serviceTier, output) => {
    expect(book().book.find(sold(type, model), { at: AT, serviceTier })?.price.output).toBe(output);
  });

  it('goes by the config first, under the name the model has there', () => {
    const rates = { input: 1, output: 2 };
    const { book: prices } = book({ 'eu/my-gpt': rates });
    const mine = sold('azure-openai', 'my-gpt', { provider: 'eu', baseModel: 'gpt-4o' });
    const listed = prices.find(mine, { at: AT });
    expect(listed).toEqual({ price: rates, version: expect.stringMatching(/^config-[0-9a-f]{8}$/) as unknown });
    expect(prices.find(mine, { at: AT, serviceTier: 'flex' })).toBeUndefined();
    expect(prices.find({ ...mine, provider: 'us' }, { at: AT })?.version).toBe(catalog.version);
    for (const model of ['__proto__', 'constructor', 'toString'])
      expect(prices.find(sold('eu', model), { at: AT })).toBeUndefined();
  });

  it('names a version by the rates alone, in whatever order they stand', () => {
    const version = (rates: Config['prices'][string]) =>
      book({ 'a/b': rates }).book.find(sold('a', 'b'), { at: AT })?.version;
    expect(version({ input: 1, output: 2 })).toBe(version({ output: 2, input: 1 }));
    expect(version({ input: 1, output: 2 })).not.toBe(version({ input: 2, output: 1 }));
  });

  it('follows the config, the tier and the time, though it remembers what it found', () => {
    const { config, book: prices } = book();
    const model = sold('openai', 'gpt-5');
    const input = (serviceTier?: string, at = AT) => prices.find(model, { at, serviceTier })?.price.input;
    expect([input(), input('flex'), input()]).toEqual([1_250_000_000, 625_000_000, 1_250_000_000]);
    config.replace({ prices: { 'openai/gpt-5': { input: 7, output: 8 } } } as unknown as Config);
    expect(input()).toBe(7);
    config.replace({ prices: {} } as Config);
    expect(input()).toBe(1_250_000_000);
    const o3 = sold('openai', 'o3');
    const then = (day: string) => prices.find(o3, { at: Date.parse(day) })?.price.input;
    expect([then('2025-06-09'), then('2025-06-10'), then('2025-06-09')]).toEqual([1e10, 2e9, 1e10]);
  });

  it('counts what was used and has no price, by as many names as fit', () => {
    const { book: prices } = book();
    const unknown = sold('openai', 'unknown');
    prices.find(unknown, { at: AT });
    for (let n = 0; n < 3; n++) prices.find(unknown, { at: AT, used: true });
    prices.find(sold('openai', 'gpt-4o'), { at: AT, used: true });
    expect(prices.unpriced.all()).toEqual([{ provider: 'openai', model: 'unknown', times: 3 }]);
    for (let n = 0; n < 2000; n++) prices.find(sold('groq', `made-up-${n}`), { at: AT, used: true });
    const all = prices.unpriced.all();
    expect(all.length).toBeLessThan(510);
    expect(all.reduce((sum, { times }) => sum + times, 0)).toBe(2003);
    expect(all).toContainEqual({ provider: 'groq', model: 'other', times: expect.any(Number) as unknown });
  });
});
