import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Observable, type Subscriber } from 'rxjs';
import type { PriceBook } from '../catalog/price-book.js';
import type { ChatAnswer } from '../domain/chat-answer.js';
import type { ChatRequest } from '../domain/chat.js';
import { RequestContext } from '../domain/request-context.js';
import type { TokenEstimates } from '../estimates/token-estimates.js';
import type { UsageStore } from '../usage/usage.store.js';
import { BoundedPursuits } from '../routing/bounded-pursuits.js';
import { Admission } from './admission.js';
import type { CutOff } from './cut-off.js';
import { MemoryLimitStore } from './memory-limit.store.js';
import { SpentBefore } from './spent-before.js';

const estimates = { promptTokens: () => 10, longestAnswer: () => 90 } as unknown as TokenEstimates;
const prices = { find: () => ({ price: { input: 1e9, output: 1e9 }, version: '1' }) } as unknown as PriceBook;
const request: ChatRequest = { model: 'm', messages: [] };
const route = { name: 'm', defaults: {} } as never;
const AT = Date.UTC(2026, 10, 23, 12);

function contextOf(terms: object, at = AT): RequestContext {
  const context = new RequestContext('req_1', performance.now(), at, { strict: false, tags: [] });
  context.principal = { keyId: 'k', name: 'k', models: null, ...terms };
  return context;
}

/** A ledger that answers when it is told to; `null`: it fails. */
function ledger(isWhole = () => true) {
  const asked: { readonly filter: object; readonly answer: (spent: bigint | null) => void }[] = [];
  const sum = (filter: object) =>
    new Promise((resolve, reject) => {
      asked.push({
        filter,
        answer: (spent) => (spent === null ? reject(new Error('away')) : resolve({ costNanoUsd: spent })),
      });
    });
  return { asked, store: new MemoryLimitStore(new SpentBefore({ sum } as unknown as UsageStore, isWhole)) };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('admission', () => {
  it('costs a request without limits nothing, and makes no promise for one with limits that are known', () => {
    const admission = new Admission(ledger().store, estimates, prices);
    const free = contextOf({});
    expect(admission.admit(request, free, { route, deployment: {} as never, defaults: {} })).toBeUndefined();
    expect([free.reservation, free.standing]).toEqual([undefined, undefined]);
    const bound = contextOf({ rpm: 1, concurrency: 1 });
    expect(admission.admit(request, bound, { route, deployment: {} as never, defaults: {} })).not.toBeInstanceOf(
      Promise,
    );
    expect(bound.standing).toEqual({ requests: { limit: 1, remaining: 0, resetMs: 60_000 } });
  });

  it('asks the ledger once for what a budget has spent, only for what was before, and lets all wait for it', async () => {
    const { asked, store } = ledger();
    const admission = new Admission(store, estimates, prices);
    const terms = { budget: { usd: 0.001, per: 'day' } };
    const contexts = Array.from({ length: 5 }, () => contextOf(terms));
    const admitted = contexts.map((context) =>
      admission.admit(request, context, { route, deployment: {} as never, defaults: {} }),
    );
    expect(asked.map(({ filter }) => filter)).toEqual([{ keyId: 'k', from: Date.UTC(2026, 10, 23), to: AT }]);
    asked[0]?.answer(750_000n);
    const ends = await Promise.allSettled(admitted.map((each) => Promise.resolve(each)));
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected', 'rejected']);
    contexts[0]?.reservation?.settle({ tokens: 1, costNanoUsd: 40_000 });
    expect(await admission.standing(contextOf(terms).principal as never, AT)).toMatchObject({
      budget: { spentNanoUsd: 790_000 },
    });
    // The next day is known to be new: it was counted here from its beginning.
    const tomorrow = contextOf(terms, AT + 86_400_000);
    expect(admission.admit(request, tomorrow, { route, deployment: {} as never, defaults: {} })).not.toBeInstanceOf(
      Promise,
    );
    expect(asked).toHaveLength(1);
  });

  it('asks the ledger once it has got what was recorded before the start', async () => {
    let isWhole = false;
    const { asked, store } = ledger(() => isWhole);
    const admission = new Admission(store, estimates, prices);
    const context = contextOf({ budget: { usd: 0.001, per: 'day' } });
    const admitted = admission.admit(request, context, { route, deployment: {} as never, defaults: {} });
    await settled();
    expect(asked).toHaveLength(0);
    isWhole = true;
    while (asked.length === 0) await settled();
    asked[0]?.answer(950_000n);
    await expect(admitted).rejects.toThrow('quota');
  });

  it('goes on without a ledger that is away, and adds what it says once it is back', async () => {
    jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance'] });
    const { asked, store } = ledger();
    const admission = new Admission(store, estimates, prices);
    const context = contextOf({ budget: { usd: 0.001, per: 'total' } });
    const admitted = admission.admit(request, context, { route, deployment: {} as never, defaults: {} });
    asked[0]?.answer(null);
    await admitted;
    context.reservation?.settle({ tokens: 1, costNanoUsd: 100 });
    await jest.advanceTimersByTimeAsync(5_000);
    asked[1]?.answer(5_000n);
    await settled();
    jest.useRealTimers();
    expect(await admission.standing(context.principal as never, AT)).toMatchObject({ budget: { spentNanoUsd: 5_100 } });
  });

  it('asks a ledger that is away for one budget at a time, and for all once it is back', async () => {
    jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance'] });
    const { asked, store } = ledger();
    const terms = { rpm: null, tpm: null, concurrency: null, budget: { usd: 1, per: 'day' as const } };
    for (const id of ['a', 'b', 'c'])
      void store.reserve([{ scope: 'key', id, name: id, terms }], { tokens: 0, costNanoUsd: 0, at: AT });
    for (const { answer } of asked.splice(0)) answer(null);
    for (let outage = 0; outage < 3; outage += 1) {
      await jest.advanceTimersByTimeAsync(5_000);
      expect(asked).toHaveLength(1);
      asked.shift()?.answer(null);
    }
    await jest.advanceTimersByTimeAsync(5_000);
    for (let back = 0; back < 3; back += 1) {
      expect(asked).toHaveLength(1);
      asked.shift()?.answer(5n);
      await settled();
    }
    await jest.advanceTimersByTimeAsync(60_000);
    expect(asked).toHaveLength(0);
    jest.useRealTimers();
  });

  it('forgets nobody whose budget it asks for, however many others come', async () => {
    const { asked, store } = ledger();
    const claim = (id: string) => ({
      scope: 'key' as const,
      id,
      name: id,
      terms: { rpm: null, tpm: null, concurrency: null, budget: { usd: 1, per: 'day' as const } },
    });
    const wanted = { tokens: 0, costNanoUsd: 6e8, at: AT };
    const verdicts = [store.reserve([claim('one')], wanted), store.reserve([claim('one')], wanted)];
    jest.spyOn(performance, 'now').mockReturnValue(1e9); // a process of some days, with many keys
    for (let other = 0; other < 2_500; other += 1) void store.reserve([claim(`other ${other}`)], wanted);
    jest.restoreAllMocks();
    for (const { answer } of asked) answer(0n);
    const [first, second] = [await verdicts[0], await verdicts[1]];
    expect([first?.reservation, second?.reservation]).toEqual([expect.anything(), undefined]);
  });

  it('asks the ledger again where a budget was taken away for a while, in which nothing of it was counted', async () => {
    const { asked, store } = ledger();
    const admission = new Admission(store, estimates, prices);
    const destination = { route, deployment: {} as never, defaults: {} };
    const budget = { usd: 1, per: 'month' };
    const first = admission.admit(request, contextOf({ budget }), destination);
    asked[0]?.answer(0n);
    await first;
    await admission.admit(request, contextOf({ rpm: 10 }), destination);
    void admission.admit(request, contextOf({ budget }), destination);
    expect(asked).toHaveLength(2);
    asked[1]?.answer(7n);
  });

  it('holds nothing for a client that left while it was asked for', async () => {
    const { asked, store } = ledger();
    const admission = new Admission(store, estimates, prices);
    const pursue = jest.fn(() => new Observable((_: Subscriber<ChatAnswer>) => undefined));
    const cutOff = { follow: (answers: Observable<ChatAnswer>) => answers } as unknown as CutOff;
    const pursuits = new BoundedPursuits(admission, cutOff, { pursue } as never);
    const context = contextOf({ concurrency: 1, budget: { usd: 1, per: 'month' } });
    const chosen = { deployment: {}, route } as never;
    const client = pursuits.pursue(request, context, { plan: {} as never, route, chosen }).subscribe();
    client.unsubscribe();
    asked[0]?.answer(0n);
    await settled();
    expect(pursue).not.toHaveBeenCalled();
    expect(context.reservation).toBeUndefined();
    expect(await admission.standing(context.principal as never, AT)).toMatchObject({ concurrency: { inUse: 0 } });
  });

  it('fails the request where its pursuit cannot begin, also after it was waited for', async () => {
    const { asked, store } = ledger();
    const admission = new Admission(store, estimates, prices);
    const pursue = () => {
      throw new Error('no way');
    };
    const pursuits = new BoundedPursuits(admission, {} as never, { pursue } as never);
    const context = contextOf({ budget: { usd: 1, per: 'month' } });
    const answers = pursuits.pursue(request, context, { plan: {} as never, route, chosen: { route } as never });
    const failure = new Promise((resolve) => answers.subscribe({ error: resolve }));
    asked[0]?.answer(0n);
    expect(await failure).toEqual(new Error('no way'));
  });

  it('takes a tier without a price for the usual one', async () => {
    const usual = { input: 1e9, output: 1e9 };
    const find = (_: unknown, { serviceTier }: { serviceTier?: string }) =>
      serviceTier === undefined ? { price: usual, version: '1' } : undefined;
    const { asked, store } = ledger();
    const admission = new Admission(store, estimates, { find } as unknown as PriceBook);
    const context = contextOf({ budget: { usd: 1, per: 'month' } });
    const free = { ...request, service_tier: 'free' };
    const admitted = admission.admit(free, context, { route, deployment: {} as never, defaults: {} });
    asked[0]?.answer(0n);
    expect((await admitted)?.wanted.costNanoUsd).toBe(100_000);
  });

  it.each([NaN, Infinity, -Infinity, -5, 1e300])('is not upset by a cost of %d', async (costNanoUsd) => {
    const { asked, store } = ledger();
    const admission = new Admission(store, estimates, prices);
    const context = contextOf({ tpm: 1_000, budget: { usd: 1, per: 'month' } });
    const admitted = admission.admit(request, context, { route, deployment: {} as never, defaults: {} });
    asked[0]?.answer(0n);
    await admitted;
    context.reservation?.settle({ tokens: costNanoUsd, costNanoUsd });
    const { budget, tpm } = await admission.standing(context.principal as never, AT);
    expect([0, 1e15]).toContain(budget?.spentNanoUsd);
    expect(tpm?.remaining).toBe(costNanoUsd > 0 ? 0 : 1_000);
  });
});
