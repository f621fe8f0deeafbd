import fc from 'fast-check';
import type { LimitTerms } from '../domain/limit.js';
import { budgetNanoUsd, exceeded, type Claim, type GrowingReservation, type Verdict } from './limit-store.js';
import { MemoryLimitStore } from './memory-limit.store.js';
import { WINDOW_MS } from './sliding-window.js';

const NO_LEDGER = { of: (_: unknown, __: unknown, tell: (sum: number) => void) => Promise.resolve(tell(0)) };

const terms = fc.record<LimitTerms>({
  rpm: fc.option(fc.integer({ min: 1, max: 8 })),
  tpm: fc.option(fc.integer({ min: 1, max: 300 })),
  concurrency: fc.option(fc.integer({ min: 1, max: 5 })),
  budget: fc.option(
    fc.record({
      usd: fc.integer({ min: 0, max: 2_000 }).map((nano) => nano / 1e9),
      per: fc.constantFrom('day', 'total'),
    }),
  ),
});

type Step =
  | {
      readonly do: 'ask';
      readonly who: readonly number[];
      readonly tokens: number;
      readonly cost: number;
      readonly isPatient: boolean;
    }
  | { readonly do: 'settle'; readonly which: number; readonly tokens: number; readonly cost: number }
  | { readonly do: 'extend'; readonly which: number; readonly cost: number }
  | { readonly do: 'wait'; readonly ms: number };

const amount = fc.integer({ min: 0, max: 120 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      who: fc.subarray([0, 1, 2], { minLength: 1 }),
      tokens: amount,
      cost: amount,
      isPatient: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('settle' as const), which: fc.nat(20), tokens: amount, cost: amount }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('extend' as const), which: fc.nat(20), cost: amount }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.oneof(fc.nat(900), fc.nat(70_000)) }) },
);

/** What was admitted, as plainly as it can be kept. */
interface Kept {
  readonly who: readonly number[];
  readonly at: number;
  tokens: number;
  held: number;
  spent: number;
  open: boolean;
  readonly reservation: GrowingReservation;
}

const START = Date.UTC(2026, 0, 1);

describe('the counting of limits', () => {
  it('never lets more pass in any 60 s, at a time, or of a budget; and says truly when there is room', async () => {
    await fc.assert(
      fc.asyncProperty(fc.tuple(terms, terms, terms), fc.array(step, { maxLength: 60 }), async (bounds, steps) => {
        let now = 1_000;
        const store = new MemoryLimitStore(NO_LEDGER, () => now);
        const claims = bounds.map((each, at): Claim => ({
          scope: 'key',
          id: String(at),
          name: String(at),
          terms: each,
        }));
        const all: Kept[] = [];
        const of = (who: number) => all.filter((kept) => kept.who.includes(who));
        const recent = (who: number) => of(who).filter(({ at }) => now - at < WINDOW_MS);
        const sum = (list: readonly Kept[], what: 'tokens' | 'held' | 'spent') =>
          list.reduce((total, kept) => total + kept[what], 0);
        for (const each of steps) {
          const open = all.filter((kept) => kept.open);
          const kept = each.do === 'settle' || each.do === 'extend' ? open[each.which % open.length] : undefined;
          if (each.do === 'wait') now += each.ms;
          else if (each.do === 'settle' && kept !== undefined) {
            kept.reservation.settle({ tokens: each.tokens, costNanoUsd: each.cost });
            kept.reservation.settle({ tokens: 1e9, costNanoUsd: 1e9 }); // a second time counts for nothing
            Object.assign(kept, { tokens: each.tokens, held: 0, spent: each.cost, open: false });
          } else if (each.do === 'extend' && kept !== undefined) {
            const fits = kept.who.every(
              (who) => sum(of(who), 'held') + sum(of(who), 'spent') + each.cost <= budgetNanoUsd(claims[who]!.terms),
            );
            expect(kept.reservation.extend(each.cost)).toBe(fits);
            if (fits) kept.held += each.cost;
          } else if (each.do === 'ask') {
            const asked = each.who.map((who) => claims[who]!);
            const wanted = { tokens: each.tokens, costNanoUsd: each.cost, at: START };
            const { reservation, readings }: Verdict = await store.reserve(asked, wanted);
            each.who.forEach((who, at) => {
              const { terms: limits } = claims[who]!;
              const reading = readings[at];
              if (reading === undefined) throw new Error('A claim has no reading.');
              // Seconds leave the window together: it may count more than the plain truth, and never less.
              expect(reading.requests).toBeGreaterThanOrEqual(recent(who).length);
              expect(reading.requests).toBeLessThanOrEqual(
                of(who).filter(({ at: then }) => now - then < WINDOW_MS + 1_000).length,
              );
              expect(reading.tokens).toBeGreaterThanOrEqual(sum(recent(who), 'tokens'));
              expect(reading.inFlight).toBe(of(who).filter((one) => one.open).length);
              if (limits.budget !== null) {
                expect(reading.heldNanoUsd).toBe(sum(of(who), 'held'));
                expect(reading.spentNanoUsd).toBe(sum(of(who), 'spent'));
              }
              for (const wait of [reading.requestsWaitMs, reading.tokensWaitMs])
                expect(wait === Infinity || (wait >= 0 && wait <= WINDOW_MS)).toBe(true);
            });
            const refused = asked.some((claim, at) => exceeded(claim, readings[at] as never, wanted).length > 0);
            expect(reservation === undefined).toBe(refused);
            if (reservation === undefined) {
              const wait = longestWait(asked, readings);
              if (!each.isPatient || wait === Infinity) continue;
              now += Math.ceil(wait);
              const again = await store.read(asked, wanted);
              const over = asked.flatMap((claim, at) => exceeded(claim, again[at] as never, wanted));
              expect(over.filter((kind) => kind === 'rpm' || kind === 'tpm')).toEqual([]);
              continue;
            }
            all.push({
              who: each.who,
              at: now,
              tokens: each.tokens,
              held: each.cost,
              spent: 0,
              open: true,
              reservation,
            });
            for (const who of each.who) {
              const { rpm, tpm, concurrency, budget } = claims[who]!.terms;
              if (rpm !== null) expect(recent(who).length).toBeLessThanOrEqual(rpm);
              if (tpm !== null) expect(sum(recent(who), 'tokens')).toBeLessThanOrEqual(tpm);
              if (concurrency !== null)
                expect(of(who).filter((one) => one.open).length).toBeLessThanOrEqual(concurrency);
              if (budget !== null)
                expect(sum(of(who), 'held') + sum(of(who), 'spent')).toBeLessThanOrEqual(
                  budgetNanoUsd(claims[who]!.terms),
                );
            }
          }
        }
        for (const kept of all) if (kept.open) kept.reservation.settle({ tokens: 0, costNanoUsd: 0 });
        for (const reading of await store.read(claims, { tokens: 0, costNanoUsd: 0, at: START }))
          expect([reading.inFlight, reading.heldNanoUsd]).toEqual([0, 0]);
      }),
      { numRuns: 300 },
    );
  });
});

/** Of those limits that a wait helps against. */
function longestWait(claims: readonly Claim[], readings: Verdict['readings']): number {
  const waits = readings.map(({ requestsWaitMs, tokensWaitMs }, at) => {
    const { rpm, tpm } = claims[at]!.terms;
    return Math.max(rpm === null ? 0 : requestsWaitMs, tpm === null ? 0 : tokensWaitMs);
  });
  return Math.max(...waits);
}
