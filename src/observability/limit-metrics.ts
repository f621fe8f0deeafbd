import type { Admission } from '../limits/admission.js';
import type { MetricSet } from './metric-set.js';

/** Metrics of what limits refused; returns what sets them. */
export function limitMetrics(set: MetricSet): (admission: Pick<Admission, 'refusals'>) => void {
  const refused = set.counter(
    'parley_limit_refusals_total',
    'Requests refused by a limit: whose it was (`key`, `team`, `model`), and of which kind.',
    ['scope', 'kind'],
  );
  return (admission) => {
    refused.reset();
    for (const { scope, kind, count } of admission.refusals()) refused.inc({ scope, kind }, count);
  };
}
