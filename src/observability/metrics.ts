import { Injectable } from '@nestjs/common';
import { PriceBook } from '../catalog/price-book.js';
import { Admission } from '../limits/admission.js';
import { GatewayMetrics } from './gateway-metrics.js';
import { limitMetrics } from './limit-metrics.js';
import { MetricSet } from './metric-set.js';
import { processMetrics } from './process-metrics.js';
import { ProviderViews } from './provider-views.js';
import { unpricedMetric } from './unpriced-metric.js';
import { upstreamMetrics } from './upstream-metrics.js';

/** What Prometheus sees. Nothing is counted for it: at a scrape it is read where it is known anyway. */
@Injectable()
export class Metrics {
  #prepared: Promise<() => Promise<string>> | undefined;

  constructor(
    private readonly views: ProviderViews,
    private readonly gateway: GatewayMetrics,
    private readonly admission: Admission,
    private readonly prices: PriceBook,
  ) {}

  /** In the Prometheus text format. */
  async text(): Promise<string> {
    const text = await (this.#prepared ??= this.#prepare());
    return text();
  }

  /** Not before the first scrape: many gateways never see one. */
  async #prepare(): Promise<() => Promise<string>> {
    const set = new MetricSet(await import('prom-client'));
    const setUpstreams = upstreamMetrics(set);
    const setUnpriced = unpricedMetric(set, this.prices.unpriced);
    const setGateway = this.gateway.in(set);
    const setLimits = limitMetrics(set);
    const setProcess = processMetrics(set);
    return async () => {
      await setProcess();
      const views = this.views.all();
      setUpstreams(views);
      setUnpriced(views);
      setGateway();
      setLimits(this.admission);
      return set.text();
    };
  }
}
