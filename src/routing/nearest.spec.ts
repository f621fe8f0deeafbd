import { ModelCatalog } from '../catalog/model-catalog.js';
import { nearest } from '../domain/nearest.js';

const catalog = new ModelCatalog();
const KNOWN = ['openai', 'anthropic', 'gemini', 'openrouter', 'groq'].flatMap((type) =>
  catalog.modelsOf(type).map(({ id }) => id),
);

describe('nearest', () => {
  it.each([
    ['gpt4o', 'gpt-4o'],
    ['gpt-4o-mni', 'gpt-4o-mini'],
    ['GPT 4.1 mini', 'gpt-4.1-mini'],
    ['cluade-opus-4-5', 'claude-opus-4-5'],
    ['claude-3.5-sonet', 'claude-3-5-sonnet'],
    ['gemini-2-flash', 'gemini-2.0-flash'],
    ['openai/gpt4o', 'openai/gpt-4o'],
  ])('%s: %s', (asked, meant) => {
    expect(nearest(asked, KNOWN)[0]).toBe(meant);
  });

  it.each(['', 'llama-in-the-barn', '🦙🦙🦙🦙', 'x'.repeat(10_000)])('has no word for %.20s', (asked) => {
    expect(nearest(asked, KNOWN)).toEqual([]);
  });

  it('names at most three, the same ones whatever the order', () => {
    const found = nearest('gpt-5', KNOWN);
    expect(found).toHaveLength(3);
    expect(nearest('gpt-5', [...KNOWN].reverse())).toEqual(found);
  });

  it('stays cheap on the worst names', () => {
    const many = Array.from({ length: 2000 }, (_, at) => `${'ab'.repeat(38)}${at}`);
    const start = performance.now();
    nearest('ab'.repeat(40), many);
    for (let round = 0; round < 100; round++) nearest('a'.repeat(10_000), many);
    // 20 ms on a quiet machine; comparing long names in full would take seconds.
    expect(performance.now() - start).toBeLessThan(2500);
  });
});
