import type { UsageRecorder } from '../usage/usage-recorder.js';
import type { MetricSet } from './metric-set.js';

/** Metrics of how far records have come. Returns what sets them all. */
export function ledgerMetrics(set: MetricSet): (recorder: UsageRecorder) => void {
  const waiting = set.gauge('parley_usage_records_waiting', 'Usage records that are not in the log yet.');
  const failing = set.gauge(
    'parley_usage_log_failing',
    '1 while the usage log takes nothing, and requests are refused.',
  );
  const unshipped = set.gauge(
    'parley_usage_outbox_records',
    'Usage records in the log that are not in PostgreSQL yet.',
  );
  const oldest = set.gauge('parley_usage_outbox_oldest_seconds', 'Age of the oldest of them.');
  const refused = set.gauge('parley_usage_records_refused', 'Usage records put aside as the database refuses them.');
  const failures = set.total('parley_usage_shipping_failures_total', 'Batches of the outbox not taken by PostgreSQL.');
  return ({ waiting: records, ledger }) => {
    const backlog = ledger.backlog();
    waiting.set(records);
    failing.set(ledger.failing ? 1 : 0);
    unshipped.set(backlog.records);
    oldest.set(backlog.oldestMs / 1_000);
    refused.set(backlog.refused);
    failures(backlog.failures);
  };
}
