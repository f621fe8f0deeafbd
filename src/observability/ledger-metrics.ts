import type { UsageLog } from '../usage/usage-log.js';
import type { MetricSet } from './metric-set.js';

/** Metrics of how far records have come. Returns what sets them all, from how many are not in the log yet. */
export function ledgerMetrics(set: MetricSet): (waiting: number, log: UsageLog) => void {
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
  return (records, log) => {
    const backlog = log.backlog();
    waiting.set(records);
    failing.set(log.failing ? 1 : 0);
    unshipped.set(backlog.records);
    oldest.set(backlog.oldestMs / 1_000);
    refused.set(backlog.refused);
    failures(backlog.failures);
  };
}
