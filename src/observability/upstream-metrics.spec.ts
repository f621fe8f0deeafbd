import * as client from 'prom-client';
import { ProviderState } from '../availability/provider-state.js';
import { UpstreamState } from '../availability/upstream-state.js';
import type { ProviderView } from './provider-view.js';
import { MetricSet } from './metric-set.js';
import { upstreamMetrics } from './upstream-metrics.js';

const shared = new ProviderState({ keys: [], concurrency: undefined });

/** An upstream that was called so often. */
function called(model: string, times: number): UpstreamState {
  const state = new UpstreamState(`p/${model}`, { provider: 'p', model, shared, tell: () => undefined });
  call(state, times);
  return state;
}

function call(state: UpstreamState, times: number): void {
  const credential = state.choose(new Set());
  for (let n = 0; n < times && credential; n++) state.begin(credential).end({ kind: 'answered' });
}

const view = (models: readonly string[], ...upstreams: UpstreamState[]): ProviderView => ({
  name: 'p',
  endpoint: { type: 'openai', baseUrl: '', credentials: [], headers: {}, settings: {} },
  models: new Set(models),
  credentials: [],
  upstreams,
});

it('lets no counter fall and no gauge stay where upstreams are forgotten, come again, or are listed by a new config', async () => {
  const set = new MetricSet(client);
  const show = upstreamMetrics(set);
  const completed = async (...views: ProviderView[]) => {
    show(views);
    const found = (await set.text()).matchAll(
      /^parley_upstream_attempts_total\{.*model="(.+)",outcome="completed"\} (\d+)$/gm,
    );
    return Object.fromEntries([...found].map(([, model, value]) => [model, Number(value)]));
  };
  const [a, b] = [called('a', 3), called('b', 4)];
  expect(await completed(view([], a, b))).toEqual({ other: 7 });
  expect(await completed(view([], b))).toEqual({ other: 7 });
  expect(await completed(view([], called('a', 1), b))).toEqual({ other: 8 });
  call(b, 2);
  expect(await completed(view(['b'], b))).toEqual({ other: 8, b: 2 });
  expect(await completed()).toEqual({ other: 8, b: 2 });
  expect(await set.text()).not.toMatch(/^parley_upstream_(?!attempts).*\{/m);
});
