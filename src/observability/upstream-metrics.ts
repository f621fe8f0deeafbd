import type { Gate } from '../availability/admission/gate.js';
import type { BreakerState } from '../availability/breaker.js';
import type { UpstreamState } from '../availability/upstream-state.js';
import type { MetricSet } from './metric-set.js';
import type { ProviderView } from './provider-view.js';

type Counts = UpstreamState['counts'];

/** Upstreams that share a series. */
interface Series {
  readonly provider: string;
  readonly model: string;
  readonly states: readonly UpstreamState[];
}

/** The models that no list has, together: clients make up as many names as they like. */
const OTHER = 'other';
/** All models of a provider together, where a number bounds the calls to it as a whole. */
const WHOLE = '*';
const MODEL = ['provider', 'model'] as const;
const BREAKERS: readonly BreakerState[] = ['closed', 'half-open', 'open'];
const OUTCOMES = ['completed', 'failed', 'abandoned'] as const satisfies readonly (keyof Counts)[];
const QUANTILES = [0.5, 0.95];

/** Metrics of what is called. Returns what sets them all. */
export function upstreamMetrics(set: MetricSet): (views: readonly ProviderView[]) => void {
  const parts = [calls(set), attempts(set), gates(set)];
  const setCredentials = credentials(set);
  return (views) => {
    setCredentials(views);
    const series = views.flatMap(seriesOf);
    for (const part of parts) part(series);
  };
}

function seriesOf({ name, models, upstreams }: ProviderView): readonly Series[] {
  const groups = new Map<string, UpstreamState[]>();
  for (const state of upstreams) {
    const model = models.has(state.model) ? state.model : OTHER;
    const group = groups.get(model);
    if (group === undefined) groups.set(model, [state]);
    else group.push(state);
  }
  return [...groups].map(([model, states]) => ({ provider: name, model, states }));
}

type Part = (series: readonly Series[]) => void;

function calls(set: MetricSet): Part {
  const breaker = set.gauge('parley_upstream_breaker', 'Upstreams whose circuit breaker is in this state: 1 or 0.', [
    ...MODEL,
    'state',
  ]);
  const inFlight = set.gauge('parley_upstream_in_flight', 'Calls begun and not ended.', MODEL);
  const firstToken = set.gauge(
    'parley_upstream_first_token_seconds',
    'How long streams of the last five minutes took to their first token.',
    [...MODEL, 'quantile'],
  );
  return (series) => {
    breaker.reset();
    inFlight.reset();
    firstToken.reset();
    for (const { provider, model, states } of series) {
      const found = states.map((each) => each.breaker);
      for (const state of BREAKERS)
        breaker.set({ provider, model, state }, found.filter((each) => each === state).length);
      inFlight.set({ provider, model }, sum(states.map((state) => state.inFlight)));
      const [only] = states;
      if (only === undefined || model === OTHER) continue; // quantiles of several are no quantile
      for (const quantile of QUANTILES) {
        const ms = only.firstToken.percentile(quantile);
        if (ms !== null) firstToken.set({ provider, model, quantile }, ms / 1_000);
      }
    }
  };
}

/** What an upstream has counted may be forgotten with it, and a counter must not fall: only what is new is added. */
function attempts(set: MetricSet): Part {
  const counter = set.counter('parley_upstream_attempts_total', 'Calls that have ended, by how.', [
    ...MODEL,
    'outcome',
  ]);
  const added = new WeakMap<UpstreamState, Counts>();
  return (series) => {
    for (const { provider, model, states } of series) {
      for (const outcome of OUTCOMES) {
        const ended = states.map((state) => state.counts[outcome] - (added.get(state)?.[outcome] ?? 0));
        counter.inc({ provider, model, outcome }, sum(ended));
      }
      for (const state of states) added.set(state, { ...state.counts });
    }
  };
}

function gates(set: MetricSet): Part {
  const queued = set.gauge(
    'parley_upstream_queued',
    'Calls that wait for their turn. Model "*": for any of the provider, as its concurrency is a number.',
    MODEL,
  );
  const limit = set.gauge(
    'parley_upstream_concurrency_limit',
    'Calls at a time; absent where there is no limit. Model "*": of the provider as a whole.',
    MODEL,
  );
  return (series) => {
    queued.reset();
    limit.reset();
    const seen = new Set<Gate>();
    for (const { provider, model, states } of series) {
      for (const { gate } of states) {
        if (seen.has(gate)) continue;
        seen.add(gate);
        const labels = { provider, model: typeof gate.concurrency === 'number' ? WHOLE : model };
        queued.inc(labels, gate.queued);
        if (gate.limit !== Infinity) limit.inc(labels, gate.limit);
      }
    }
  };
}

function credentials(set: MetricSet): (views: readonly ProviderView[]) => void {
  const gauge = set.gauge('parley_credentials', 'Credentials, by whether they are used or were put aside.', [
    'provider',
    'status',
  ]);
  return (views) => {
    gauge.reset();
    for (const { name: provider, credentials: all } of views)
      for (const status of ['active', 'shelved'])
        gauge.set({ provider, status }, all.filter((each) => each.status === status).length);
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
