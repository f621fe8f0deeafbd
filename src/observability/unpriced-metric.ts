import type { UnpricedModel, UnpricedSales } from '../catalog/unpriced-sales.js';
import type { MetricSet } from './metric-set.js';
import type { ProviderView } from './provider-view.js';

/** The models that no list has, together: clients make up as many names as they like. */
const OTHER = 'other';

/** What was used and is not in any bill. Returns what sets it. */
export function unpricedMetric(set: MetricSet, unpriced: UnpricedSales): (views: readonly ProviderView[]) => void {
  const counter = set.counter(
    'parley_unpriced_requests_total',
    'Calls whose usage is known and whose price is not: their cost is null. `prices` in the config says what they cost.',
    ['provider', 'model'],
  );
  const added = new Map<string, number>();
  /** A counter must not fall, whatever its model is called by the next config: only what is new is added. */
  const since = ({ provider, model, times }: UnpricedModel): number => {
    const name = `${provider}/${model}`;
    const before = added.get(name) ?? 0;
    added.set(name, times);
    return times - before;
  };
  return (views) => {
    const models = new Map(views.map((view) => [view.name, view.models]));
    for (const sold of unpriced.all()) {
      const { provider, model } = sold;
      counter.inc({ provider, model: models.get(provider)?.has(model) === true ? model : OTHER }, since(sold));
    }
  };
}
