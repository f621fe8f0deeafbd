import { LatencyWindow } from '../../availability/latency-window.js';
import type { Strategy } from '../../domain/deployment.js';
import { ordered } from './order.js';
import type { Step } from './plan.js';

interface Facts {
  readonly weight?: number;
  readonly inFlight?: number;
  readonly queued?: number;
  readonly firstToken?: number;
  readonly wholeAnswer?: number;
  readonly cost?: number;
}

/** Of calls of which most took so long, and one a minute. */
function around(ms: number | undefined): LatencyWindow {
  const window = new LatencyWindow();
  for (const sample of ms === undefined ? [] : [ms, ms, 60_000]) window.add(sample);
  return window;
}

/** A step with what strategies look at, and no more. */
function step(name: string, { weight = 1, inFlight = 0, queued = 0, firstToken, wholeAnswer }: Facts): Step {
  const upstream = {
    name,
    inFlight,
    gate: { queued },
    firstToken: around(firstToken),
    wholeAnswer: around(wholeAnswer),
  };
  return { deployment: { model: name, weight }, upstream } as unknown as Step;
}

function orderOf(strategy: Strategy, facts: Readonly<Record<string, Facts>>, isStream = true, random = () => 0.5) {
  const steps = Object.entries(facts).map(([name, each]) => step(name, each));
  const cost = ({ deployment }: Step) => facts[deployment.model]?.cost;
  return ordered(steps, strategy, { isStream, cost, random }).map(({ deployment }) => deployment.model);
}

it.each<[string, Strategy, Readonly<Record<string, Facts>>, string, isStream: boolean]>([
  ['the order of the config', 'priority', { a: { inFlight: 9, cost: 9 }, b: {} }, 'ab', true],
  ['the fewest calls', 'least-busy', { a: { inFlight: 2 }, b: { inFlight: 1 }, c: { inFlight: 3 } }, 'bac', true],
  ['those that wait count', 'least-busy', { a: { inFlight: 1, queued: 5 }, b: { inFlight: 2 } }, 'ba', true],
  ['equals as in the config', 'least-busy', { a: { inFlight: 1 }, b: { inFlight: 1 } }, 'ab', true],
  ['the fastest first token', 'latency', { a: { firstToken: 300 }, b: { firstToken: 100 } }, 'ba', true],
  [
    'the fastest answer',
    'latency',
    { a: { firstToken: 1, wholeAnswer: 9 }, b: { firstToken: 9, wholeAnswer: 1 } },
    'ba',
    false,
  ],
  ['the unmeasured first', 'latency', { a: { firstToken: 1 }, b: {} }, 'ba', true],
  ['the unmeasured, while it is measured, last', 'latency', { a: { inFlight: 1 }, b: { firstToken: 1 } }, 'ba', true],
  ['the cheapest', 'cost', { a: { cost: 5 }, b: { cost: 0 }, c: { cost: 4 } }, 'bca', true],
  ['an unknown price is not cheap', 'cost', { a: {}, b: { cost: 1_000_000 }, c: {} }, 'bac', true],
])('%s (%s)', (_, strategy, facts, order, isStream) => {
  expect(orderOf(strategy, facts, isStream).join('')).toBe(order);
});

describe('weighted', () => {
  /** Numbers as good as random, the same each time. */
  function drawn() {
    let at = 1;
    return () => (at = (at * 48_271) % 2_147_483_647) / 2_147_483_647;
  }

  it('draws each deployment first by its share, and one without weight only after all others', () => {
    const random = drawn();
    const firsts = new Map<string, number>();
    const lasts = new Set<string>();
    for (let draw = 0; draw < 4_000; draw += 1) {
      const order = orderOf('weighted', { a: { weight: 3 }, b: { weight: 1 }, spare: { weight: 0 } }, true, random);
      firsts.set(order[0] ?? '', (firsts.get(order[0] ?? '') ?? 0) + 1);
      lasts.add(order[2] ?? '');
    }
    expect([...firsts.keys()].toSorted()).toEqual(['a', 'b']);
    expect((firsts.get('a') ?? 0) / 4_000).toBeCloseTo(0.75, 1);
    expect([...lasts]).toEqual(['spare']);
  });

  it('keeps the order of the config where chance decides nothing', () => {
    expect(orderOf('weighted', { a: { weight: 0 }, b: { weight: 0 } }, true, () => 0)).toEqual(['a', 'b']);
  });
});
