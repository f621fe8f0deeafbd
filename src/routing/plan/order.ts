import type { Strategy } from '../../domain/deployment.js';
import type { Reason, Step } from './plan.js';

/** What a strategy may look at. */
export interface Circumstances {
  readonly isStream: boolean;
  /** What the request may cost there, in nano-dollars; undefined: not known. */
  cost(step: Step): number | undefined;
  /** From 0 to less than 1. */
  random(): number;
}

/** The deployments of one route in the order in which its strategy would have them called. */
export function ordered(steps: readonly Step[], strategy: Strategy, circumstances: Circumstances): readonly Step[] {
  if (strategy === 'priority' || steps.length < 2) return steps;
  const ranks = new Map(steps.map((step) => [step, rank(step, strategy, circumstances)]));
  // A sort is stable: what is equal stays in the order of the config.
  return steps.toSorted((a, b) => compare(ranks.get(a) ?? 0, ranks.get(b) ?? 0));
}

/** Why the deployments behind the first one are behind it. */
export const BEHIND: Readonly<Record<Strategy, Reason>> = {
  priority: 'lower_priority',
  weighted: 'not_drawn',
  'least-busy': 'busier',
  latency: 'slower',
  cost: 'costlier',
};

/** The lowest is called first. */
function rank(step: Step, strategy: Exclude<Strategy, 'priority'>, circumstances: Circumstances): number {
  const { deployment, upstream } = step;
  switch (strategy) {
    case 'weighted':
      // The times of first events of processes that are as fast as the weights: drawn without replacement.
      return deployment.weight > 0 ? -Math.log(1 - circumstances.random()) / deployment.weight : Infinity;
    case 'least-busy':
      return upstream.inFlight + upstream.gate.queued;
    case 'latency':
      return latency(step, circumstances.isStream);
    case 'cost':
      return circumstances.cost(step) ?? Infinity;
  }
}

/** One whose latency nobody knows (any more) is measured first, by one call at a time. */
function latency({ upstream }: Step, isStream: boolean): number {
  const measured = (isStream ? upstream.firstToken : upstream.wholeAnswer).percentile(0.5);
  return measured ?? (upstream.inFlight === 0 ? 0 : Infinity);
}

/** Two infinities are equal, which their difference would not tell. */
const compare = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1);
