import { AdaptiveLimit, type Experience } from './adaptive-limit.js';

/** An upstream for a while: up to its capacity it takes `ms` for an answer, and beyond that proportionally longer. */
interface Spell {
  readonly calls: number;
  /** As many clients, each with one call at a time. */
  readonly clients?: number;
  readonly capacity?: number;
  /** To the first token of a stream; a whole answer takes 15 times as long. */
  readonly ms?: number;
  /** The standard deviation of the logarithm: with 1, one answer in six takes more than 2.7 times the median. */
  readonly spread?: number;
  /** Share of whole answers. */
  readonly whole?: number;
  /** More calls than this at a time are answered with 429. */
  readonly refusesAbove?: number;
}

interface Call extends Experience {
  readonly endsAt: number;
}

/** The same numbers in every run, evenly spread between 0 and 1. */
function randomness(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
}

/** Plays the spells one after the other through one limit: what it was, and which calls ended, in the second half of the last. */
function play(spells: readonly Spell[]): { readonly limits: readonly number[]; readonly ended: readonly Call[] } {
  const limit = new AdaptiveLimit();
  const random = randomness(7);
  const inFlight: Call[] = [];
  let now = 0;
  let [limits, ended]: [number[], Call[]] = [[], []];
  for (const spell of spells) {
    [limits, ended] = [[], []];
    for (let n = 0; n < spell.calls; n++) {
      while (inFlight.length < Math.min(limit.limit, spell.clients ?? 500)) {
        inFlight.push(callOf(spell, { now, crowd: inFlight.length + 1, random }));
      }
      const first = inFlight.reduce((a, b) => (b.endsAt < a.endsAt ? b : a));
      now = first.endsAt;
      limit.learn(first, inFlight.length);
      inFlight.splice(inFlight.indexOf(first), 1);
      if (n < spell.calls / 2) continue;
      limits.push(limit.limit);
      ended.push(first);
    }
  }
  return { limits, ended };
}

function callOf(spell: Spell, at: { now: number; crowd: number; random: () => number }): Call {
  const { capacity = Infinity, ms = 500, spread = 0.5, whole = 0, refusesAbove = Infinity } = spell;
  const kind = at.random() < whole ? 'whole' : 'stream';
  const deviation = Math.sqrt(-2 * Math.log(at.random())) * Math.cos(2 * Math.PI * at.random());
  const took = (kind === 'whole' ? 15 : 1) * ms * Math.max(1, at.crowd / capacity) * Math.exp(spread * deviation);
  const overloaded = at.crowd > refusesAbove;
  return { kind, overloaded, ms: overloaded ? 30 : took, endsAt: at.now + (overloaded ? 30 : took) };
}

const HEALTHY: Spell = { calls: 6_000, capacity: 50 };

describe('AdaptiveLimit', () => {
  it.each<[upstream: string, spells: readonly Spell[], least: number, most: number]>([
    ['carries 50: the limit stays about there', [HEALTHY], 50, 100],
    ['carries 50, and its answers differ much in length', [{ ...HEALTHY, spread: 1 }], 25, 100],
    ['carries 50, streams and whole answers mixed', [{ ...HEALTHY, whole: 0.3 }], 50, 110],
    [
      'carries 4, and was quiet at first',
      [
        { calls: 300, clients: 2, capacity: 4 },
        { calls: 6_000, capacity: 4 },
      ],
      4,
      30,
    ],
    ['carries all there are, and its answers differ much in length', [{ calls: 6_000, spread: 1 }], 200, 1_000],
    ['carries all, but nobody needs more than 30', [{ calls: 6_000, clients: 30 }], 31, 60],
    ['refuses more than 50', [{ calls: 6_000, refusesAbove: 50 }], 40, 60],
    ['refuses more than 4', [{ calls: 6_000, refusesAbove: 4 }], 3, 6],
    ['refuses all', [HEALTHY, { calls: 2_000, refusesAbove: 0 }], 1, 3],
    ['is slow for a while: fewer calls meanwhile', [HEALTHY, { calls: 800, capacity: 50, ms: 3_000 }], 4, 30],
    ['was slow for a while', [HEALTHY, { calls: 800, capacity: 50, ms: 3_000 }, HEALTHY], 50, 120],
    ['was slow, and not for our crowd', [{ calls: 6_000 }, { calls: 3_000, clients: 60, ms: 1_000 }], 100, 600],
    ['has become slower for good', [HEALTHY, { calls: 20_000, capacity: 50, ms: 2_000 }], 25, 110],
    ['refused all for a while', [{ calls: 300, refusesAbove: 0 }, { calls: 2_000 }], 50, 1_000],
    [
      'has long answers and quick streams, ever more of the long ones',
      [
        { calls: 4_000, clients: 100, whole: 0.1 },
        { calls: 4_000, clients: 100, whole: 0.9 },
      ],
      101,
      200,
    ],
  ])('%s', (_upstream, spells, least, most) => {
    const { limits } = play(spells);
    expect(Math.min(...limits)).toBeGreaterThanOrEqual(least);
    expect(Math.max(...limits)).toBeLessThanOrEqual(most);
  });

  it('seldom asks an upstream that refuses for more than it takes', () => {
    const { ended } = play([{ calls: 6_000, refusesAbove: 50 }]);
    expect(ended.filter(({ overloaded }) => overloaded).length / ended.length).toBeLessThan(0.08);
  });

  it('has a last word: 1,000', () => {
    const limit = new AdaptiveLimit();
    for (let n = 0; n < 50_000; n++) limit.learn({ kind: 'whole', ms: 1, overloaded: false }, 2_000);
    expect(limit.limit).toBe(1_000);
  });

  it('takes a tenth off for a round of refusals, and not a tenth for each', () => {
    const limit = new AdaptiveLimit();
    const refusal: Experience = { kind: 'stream', ms: 30, overloaded: true };
    const limits = Array.from({ length: 40 }, () => {
      limit.learn(refusal, 20);
      return limit.limit;
    });
    expect([limits[0], limits[17], limits[18], limits[34], limits[35]]).toEqual([18, 18, 16, 16, 14]);
  });
});
