import { Injectable } from '@nestjs/common';
import { EventLoopDelay } from '../http/event-loop-delay.js';
import { Intake } from '../http/intake.js';
import { Hedging } from '../routing/pursuit/hedging.js';
import { UsageRecorder } from '../usage/usage-recorder.js';
import { ledgerMetrics } from './ledger-metrics.js';
import type { MetricSet } from './metric-set.js';

/** Metrics of what the gateway has to do itself. */
@Injectable()
export class GatewayMetrics {
  constructor(
    private readonly hedging: Hedging,
    private readonly intake: Intake,
    private readonly delay: EventLoopDelay,
    private readonly recorder: UsageRecorder,
  ) {}

  /** Returns what sets them all. */
  in(set: MetricSet): () => void {
    const hedges = set.total('parley_hedges_total', 'Calls begun beside a first one that was slow to its first token.');
    const underWay = set.gauge(
      'parley_requests_under_way',
      'Requests not answered in full yet, this scrape among them.',
    );
    const delay = set.gauge('parley_event_loop_delay_seconds', 'How late the gateway came to what was due.', [
      'quantile',
    ]);
    const ledger = ledgerMetrics(set);
    return () => {
      hedges(this.hedging.started);
      underWay.set(this.intake.underWay);
      delay.set({ quantile: 0.5 }, this.delay.latest.p50 / 1_000);
      delay.set({ quantile: 0.99 }, this.delay.latest.p99 / 1_000);
      ledger(this.recorder);
    };
  }
}
