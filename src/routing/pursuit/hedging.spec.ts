import { jest } from '@jest/globals';
import { LatencyWindow } from '../../availability/latency-window.js';
import { ModelCatalog } from '../../catalog/model-catalog.js';
import type { PriceBook } from '../../catalog/price-book.js';
import type { Hedge } from '../../domain/deployment.js';
import { TokenEstimates } from '../../estimates/token-estimates.js';
import { RequestEstimates } from '../estimate.js';
import type { Step } from '../plan/plan.js';
import { Hedging } from './hedging.js';

const request = { model: 'm', messages: [], max_tokens: 1_000 };

/** A step of a route that hedges, whose upstream has answered streams in 1 to `samples` milliseconds. */
function stepOf({ hedge, samples = 100, model = 'gpt-4o' }: { hedge?: Hedge; samples?: number; model?: string }): Step {
  const firstToken = new LatencyWindow();
  for (let ms = 1; ms <= samples; ms += 1) firstToken.add(ms);
  const deployment = { endpoint: { type: 'openai' }, baseModel: model };
  return { deployment, route: { name: 'r', ...(hedge && { hedge }) }, upstream: { firstToken } } as unknown as Step;
}

/** How many of so many streams may be hedged. */
function hedgesOf(streams: number, hedge: Hedge, hedging: Hedging, model?: string): number {
  const step = stepOf({ hedge, ...(model && { model }) });
  let hedges = 0;
  for (let stream = 0; stream < streams; stream += 1) {
    hedging.waitFor(step);
    if (hedging.mayStart({ route: step.route, hedge }, step, request)) hedges += 1;
  }
  return hedges;
}

describe('hedging', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());
  const hedging = () => {
    const catalog = new ModelCatalog();
    const find = ({ endpoint, baseModel }: Step['deployment']) => {
      const price = catalog.price(endpoint.type, baseModel);
      return price && { price, version: '1' };
    };
    return new Hedging(new RequestEstimates(catalog, { find } as unknown as PriceBook, new TokenEstimates(catalog)));
  };

  it.each<[string, Step, number | undefined]>([
    ['the slowest twentieth', stepOf({ hedge: { maxShare: 1 } }), 95],
    ['too few to tell', stepOf({ hedge: { maxShare: 1 }, samples: 19 }), undefined],
    ['a route that does not ask for it', stepOf({}), undefined],
  ])('waits for %s', (_, step, ms) => {
    expect(hedging().waitFor(step)).toBe(ms);
  });

  it.each([
    [1, 100, 100],
    [0.25, 100, 25],
    [0.05, 100, 5],
    [0.001, 100, 0],
  ])('of a share of %d lets %d streams have %d', (maxShare, streams, hedges) => {
    const one = hedging();
    expect(hedgesOf(streams, { maxShare }, one)).toBe(hedges);
    expect(one.started).toBe(hedges);
  });

  it('saves up ten hedges at the most', () => {
    const one = hedging();
    const step = stepOf({ hedge: { maxShare: 0.5 } });
    for (let stream = 0; stream < 1_000; stream += 1) one.waitFor(step);
    expect(hedgesOf(1, { maxShare: 0 }, one)).toBe(1);
    expect(Array.from({ length: 20 }, () => hedgesOf(1, { maxShare: 0 }, one)).filter(Boolean)).toHaveLength(9);
  });

  it('spends in an hour what the route allows, and again in the next', () => {
    const one = hedging();
    const hedge = { maxShare: 1, maxUsdPerHour: 0.05 }; // 1,000 tokens of gpt-4o are a cent
    expect(hedgesOf(20, hedge, one)).toBe(5);
    jest.advanceTimersByTime(3_500_000);
    expect(hedgesOf(20, hedge, one)).toBe(0);
    jest.advanceTimersByTime(200_000);
    expect(hedgesOf(20, hedge, one)).toBe(5);
  });

  it('does not spend what nobody knows', () => {
    expect(hedgesOf(5, { maxShare: 1, maxUsdPerHour: 100 }, hedging(), 'a-model-without-a-price')).toBe(0);
    expect(hedgesOf(5, { maxShare: 1 }, hedging(), 'a-model-without-a-price')).toBe(5);
  });
});
