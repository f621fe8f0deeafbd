import { type ExecutionContext, Logger } from '@nestjs/common';
import { jest } from '@jest/globals';
import { firstValueFrom, lastValueFrom, NEVER, Observable, of, Subject, throwError, toArray } from 'rxjs';
import type { PriceBook } from '../catalog/price-book.js';
import type { ChatCompletion, Usage } from '../domain/chat.js';
import type { ChatFrame } from '../domain/chat-frame.js';
import type { Deployment, UpstreamAttempt } from '../domain/deployment.js';
import { InvalidRequestError, TruncatedStreamError, UpstreamError } from '../domain/errors.js';
import { RequestContext } from '../domain/request-context.js';
import type { UsageRecord } from '../domain/usage.js';
import { attachContext } from '../http/context.js';
import type { TokenEstimates } from '../estimates/token-estimates.js';
import { RequestAccounts } from './request-accounts.js';
import { RequestsUnderWay } from './requests-under-way.js';
import type { UsageRecorder } from './usage-recorder.js';
import { UsageInterceptor } from './usage.interceptor.js';

const USAGE: Usage = {
  prompt_tokens: 100,
  completion_tokens: 20,
  total_tokens: 120,
  prompt_tokens_details: { cached_tokens: 60 },
};
const COUNTS = {
  promptTokens: 100,
  completionTokens: 20,
  cachedTokens: 60,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
  audioTokens: 0,
};
/** 40 × $2 + 60 × $0.50 + 20 × $8 a million. */
const COST = 40 * 2_000 + 60 * 500 + 20 * 8_000;
const completion = { object: 'chat.completion', usage: USAGE } as unknown as ChatCompletion;
const ASKED = { model: 'gpt-4', stream: true, messages: [] };
const frame = (text: string, usage?: Usage): ChatFrame => ({ bytes: Buffer.from(text), usage, said: text.length });

const deployment = {
  provider: 'eu-azure',
  model: 'our-deployment',
  baseModel: 'gpt-4.1',
  endpoint: { type: 'azure-openai' },
} as Deployment;

const PRICE = { input: 2_000_000_000, cachedInput: 500_000_000, output: 8_000_000_000 };
const prices = {
  find: ({ endpoint, baseModel }: Deployment) =>
    endpoint.type === 'azure-openai' && baseModel === 'gpt-4.1' ? { price: PRICE, version: '2026-11' } : undefined,
} as unknown as PriceBook;

/** A token is four characters of a prompt, two of an answer. */
const guesses = {
  learnt: [] as unknown[],
  promptTokens: (_: Deployment, size: number) => Math.ceil(size / 4),
  answerTokens: (_: Deployment, said: number) => Math.ceil(said / 2),
  learn(_: Deployment, answer: unknown) {
    this.learnt.push(answer);
  },
};

/** A recorder whose records become durable as told. */
class Ledger {
  readonly records: UsageRecord[] = [];
  durable: () => Promise<void> = () => Promise.resolve();
  record(record: UsageRecord, settled: () => void): void {
    this.records.push(record);
    void this.durable().then(settled);
  }
}

function request(body: unknown, known = true): { context: RequestContext; execution: ExecutionContext } {
  const context = new RequestContext('req_1', performance.now() - 40, 1_700_000_000_000, {
    strict: false,
    tags: ['a'],
  });
  if (known) context.principal = { keyId: 'key_1', name: 'ci', owner: 'search', models: null };
  const incoming = { body, params: {} };
  attachContext(incoming as never, context);
  return {
    context,
    execution: { switchToHttp: () => ({ getRequest: () => incoming }) } as unknown as ExecutionContext,
  };
}

function attempt(context: RequestContext, ended: Partial<UpstreamAttempt> = {}): void {
  const startedAt = context.startedAt + 10;
  context.attempts.push({
    ...{ deployment, startedAt, answeredAt: undefined, endedAt: undefined, outcome: undefined, status: undefined },
    ...{ errorCode: null, usage: undefined, said: 0, changes: [] },
    ...ended,
  });
}

function raise(message: string): never {
  throw new Error(message);
}

function reserve(context: RequestContext) {
  const settle = jest.fn<NonNullable<RequestContext['reservation']>['settle']>();
  context.reservation = { settle };
  return settle;
}

describe('UsageInterceptor', () => {
  let ledger: Ledger;
  let interceptor: UsageInterceptor;
  const underWay = new RequestsUnderWay();
  const through = (execution: ExecutionContext, answers: Observable<ChatCompletion | ChatFrame>) =>
    interceptor.intercept(execution, { handle: () => answers });

  beforeEach(() => {
    ledger = new Ledger();
    guesses.learnt.length = 0;
    interceptor = new UsageInterceptor(
      new RequestAccounts(ledger as unknown as UsageRecorder, prices, guesses as unknown as TokenEstimates),
      underWay,
    );
  });
  afterEach(() => {
    jest.restoreAllMocks();
    expect([underWay.of('key_1'), underWay.of('')]).toEqual([0, 0]);
  });

  it('records an answer in full before it leaves', async () => {
    const { context, execution } = request({ ...ASKED, stream: false });
    attempt(context, { outcome: 'failed', status: 503, errorCode: 'upstream_error', endedAt: context.startedAt + 15 });
    attempt(context, { outcome: 'completed', status: 200, endedAt: context.startedAt + 30, usage: USAGE });
    const order: string[] = [];
    ledger.durable = async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      order.push('durable');
    };
    await lastValueFrom(
      new Observable((observer) =>
        through(execution, of(completion)).subscribe({
          next: (answer) => order.push(answer === completion ? 'answer' : 'something else'),
          complete: () => observer.complete(),
        }),
      ),
      { defaultValue: undefined },
    );
    expect(order).toEqual(['durable', 'answer']);
    expect(context.costNanoUsd).toBe(COST);
    const usage = { usage: COUNTS, usageSource: 'provider', costNanoUsd: COST };
    const sent = {
      ...{ provider: 'eu-azure', model: 'our-deployment', startedAt: 1_700_000_000_010 },
      ...{ serviceTier: null, pricedAs: 'azure-openai/gpt-4.1' },
    };
    expect(ledger.records).toEqual([
      {
        ...{
          requestId: 'req_1',
          createdAt: 1_700_000_000_000,
          keyId: 'key_1',
          owner: 'search',
          model: 'gpt-4',
          stream: false,
          tags: ['a'],
        },
        ...{
          provider: 'eu-azure',
          upstreamModel: 'our-deployment',
          outcome: 'completed',
          status: 200,
          errorCode: null,
        },
        ...{ ...usage, priceVersion: '2026-11', latencyMs: expect.any(Number), timeToFirstTokenMs: null },
        attempts: [
          {
            ...{ ...sent, outcome: 'failed', status: 503, errorCode: 'upstream_error', latencyMs: 5 },
            ...{ usage: null, usageSource: 'none', costNanoUsd: 0, priceVersion: null },
          },
          {
            ...{ ...sent, outcome: 'completed', status: 200, errorCode: null, latencyMs: 20, ...usage },
            priceVersion: '2026-11',
          },
        ],
      },
    ]);
    expect(ledger.records[0]?.latencyMs).toBeGreaterThanOrEqual(40);
  });

  it('passes frames on as they come, and holds back only the end', async () => {
    const { context, execution } = request(ASKED);
    attempt(context, { outcome: 'completed', usage: USAGE });
    let durable = (): void => undefined;
    ledger.durable = () => new Promise((resolve) => (durable = resolve));
    const frames = new Subject<ChatFrame>();
    const seen: unknown[] = [];
    through(execution, frames).subscribe({ next: (answer) => seen.push(answer), complete: () => seen.push('end') });
    const sent = [frame('a'), frame('b'), frame('', USAGE)];
    for (const one of sent) frames.next(one);
    expect(seen).toEqual(sent);
    expect(underWay.of('key_1')).toBe(1);
    frames.complete();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(seen).toEqual(sent);
    durable();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(seen).toEqual([...sent, 'end']);
    expect(ledger.records).toMatchObject([
      { stream: true, outcome: 'completed', status: 200, usage: COUNTS, timeToFirstTokenMs: expect.any(Number) },
    ]);
  });

  it.each<[string, (attempt: UpstreamAttempt) => void]>([
    ['the recorder', () => (ledger.durable = () => raise('fault'))],
    ['the price list', (made) => Object.defineProperty(made, 'serviceTier', { get: () => raise('fault') })],
  ])('answers, and gives back what was reserved, although %s has a fault', async (_, break_) => {
    const said = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const { context, execution } = request({ model: 'gpt-4', messages: [] });
    attempt(context, { outcome: 'completed', usage: USAGE });
    for (const made of context.attempts) break_(made);
    const settle = reserve(context);
    expect(await firstValueFrom(through(execution, of(completion)))).toBe(completion);
    expect(said).toHaveBeenCalledTimes(1);
    expect(settle).toHaveBeenCalledTimes(1);
  });

  it('settles what was reserved once, with what all attempts used, and learns from what was counted', async () => {
    const { context, execution } = request({ model: 'gpt-4', messages: [{ role: 'user', content: 'hello' }] });
    attempt(context, { outcome: 'failed', errorCode: 'invalid_structured_output', usage: USAGE });
    attempt(context, { outcome: 'completed', usage: USAGE, said: 50 });
    context.answering = context.attempts[1];
    const settle = reserve(context);
    await firstValueFrom(through(execution, of(completion)));
    expect(settle.mock.calls).toEqual([[{ tokens: 240, costNanoUsd: 2 * COST }]]);
    expect(ledger.records).toMatchObject([
      { usage: { promptTokens: 200, cachedTokens: 120 }, usageSource: 'provider', costNanoUsd: 2 * COST },
    ]);
    expect(guesses.learnt).toEqual([{ promptSize: 5, said: 50, counts: COUNTS }]);
  });

  const ESTIMATED = { usageSource: 'estimated', usage: { promptTokens: 10, completionTokens: 6 } };
  it.each<[string, Partial<UpstreamAttempt>, object]>([
    ['a client that left', { outcome: 'abandoned', said: 12 }, ESTIMATED],
    ['a stream that was cut', { outcome: 'failed', status: 200, said: 12 }, ESTIMATED],
    ['an error in the middle of a stream', { outcome: 'failed', status: 529, said: 12 }, ESTIMATED],
    ['an answer too late', { outcome: 'failed', said: 0 }, { usageSource: 'estimated', usage: { promptTokens: 10 } }],
    ['a provider that does not count', { outcome: 'completed', said: 12 }, ESTIMATED],
    [
      'a provider that counted the prompt, and some of the answer',
      { outcome: 'abandoned', said: 12, usage: { ...USAGE, completion_tokens: 1 } },
      { usageSource: 'estimated', usage: { ...COUNTS, completionTokens: 6 } },
    ],
    [
      'a provider that counted more than was read',
      { outcome: 'abandoned', said: 2, usage: { ...USAGE, completion_tokens: 9 } },
      { usageSource: 'estimated', usage: { ...COUNTS, completionTokens: 9 } },
    ],
    ['a refusal', { outcome: 'failed', status: 429 }, { usageSource: 'none', usage: null, costNanoUsd: 0 }],
    [
      'what was never sent',
      { outcome: 'failed', neverSent: true },
      { usageSource: 'none', usage: null, costNanoUsd: 0 },
    ],
  ])('guesses, and says so, what nobody counted: %s', async (_, made, expected) => {
    const { context, execution } = request({ model: 'gpt-4', messages: [{ role: 'user', content: 'x'.repeat(40) }] });
    attempt(context, made);
    const failure = throwError(() => new TruncatedStreamError());
    await expect(lastValueFrom(through(execution, failure))).rejects.toThrow();
    const [record] = ledger.records;
    expect(record).toMatchObject({ ...expected, attempts: [expected] });
    const { usage } = expected as {
      usage: { promptTokens: number; completionTokens?: number; cachedTokens?: number } | null;
    };
    const { promptTokens = 0, completionTokens = 0, cachedTokens = 0 } = usage ?? {};
    expect(record?.costNanoUsd).toBe(
      (promptTokens - cachedTokens) * 2_000 + cachedTokens * 500 + completionTokens * 8_000,
    );
  });

  it.each<
    [string, { error: Error; frames?: ChatFrame[]; attempts?: Partial<UpstreamAttempt>[]; body?: unknown }, object]
  >([
    [
      'a refused body',
      { error: new InvalidRequestError('no', { param: 'model', code: 'missing' }), body: { model: 7, stream: 'yes' } },
      {
        outcome: 'refused',
        status: 400,
        errorCode: 'missing',
        model: '',
        stream: false,
        provider: null,
        attempts: [],
        costNanoUsd: 0,
      },
    ],
    [
      'no body at all',
      { error: new InvalidRequestError('no'), body: undefined },
      { outcome: 'refused', status: 400, model: '' },
    ],
    [
      'a megabyte of model',
      { error: new InvalidRequestError('no'), body: { model: 'x'.repeat(1e6) } },
      { model: 'x'.repeat(256) },
    ],
    [
      'a provider that fails',
      {
        error: new UpstreamError('bad', { status: 429, code: 'rate_limit_exceeded' }),
        attempts: [{ outcome: 'failed', status: 429 }],
      },
      {
        outcome: 'failed',
        status: 429,
        errorCode: 'rate_limit_exceeded',
        usageSource: 'none',
        costNanoUsd: 0,
        priceVersion: null,
      },
    ],
    [
      'a stream that breaks after it opened',
      {
        error: new TruncatedStreamError(),
        frames: [frame('a')],
        attempts: [{ outcome: 'failed', status: 200, errorCode: 'stream_truncated' }],
      },
      {
        outcome: 'failed',
        status: 200,
        errorCode: 'stream_truncated',
        usage: { completionTokens: 0 },
        usageSource: 'estimated',
        attempts: [{ usageSource: 'estimated' }],
      },
    ],
    [
      'a fault of our own',
      { error: new TypeError('oops'), attempts: [{}] },
      { outcome: 'failed', status: 500, errorCode: null, attempts: [{ outcome: 'failed' }] },
    ],
  ])('passes on the error and records %s', async (_, { error, frames = [], attempts = [], ...asked }, expected) => {
    const { context, execution } = request('body' in asked ? asked.body : ASKED);
    for (const ended of attempts) attempt(context, ended);
    const answers = new Observable<ChatFrame>((observer) => {
      for (const one of frames) observer.next(one);
      observer.error(error);
    });
    await expect(lastValueFrom(through(execution, answers))).rejects.toBe(error);
    expect(ledger.records).toMatchObject([expected]);
  });

  it.each<[string, Observable<ChatFrame>, object]>([
    ['before the first token', NEVER, { outcome: 'abandoned', status: 499, timeToFirstTokenMs: null }],
    [
      'in the middle of a stream',
      new Observable((observer) => observer.next(frame('a'))),
      { outcome: 'abandoned', status: 200, timeToFirstTokenMs: expect.any(Number) },
    ],
  ])('records a client that left %s, after the call was cancelled', (_, answers, expected) => {
    const { context, execution } = request(ASKED);
    attempt(context);
    const cancelled = new Observable<ChatFrame>((observer) => {
      const upstream = answers.subscribe(observer);
      return () => {
        expect(ledger.records).toEqual([]);
        upstream.unsubscribe();
      };
    });
    through(execution, cancelled).subscribe().unsubscribe();
    expect(ledger.records).toMatchObject([
      { ...expected, attempts: [{ outcome: 'abandoned', usageSource: 'estimated' }] },
    ]);
  });

  it('knows no price where the list has none', async () => {
    const { context, execution } = request({ model: 'gpt-4', messages: [] });
    attempt(context, { outcome: 'completed', usage: USAGE, deployment: { ...deployment, baseModel: 'unheard-of' } });
    await firstValueFrom(through(execution, of(completion)));
    expect(ledger.records).toMatchObject([
      {
        usage: COUNTS,
        usageSource: 'provider',
        costNanoUsd: null,
        priceVersion: null,
        attempts: [{ usage: COUNTS, costNanoUsd: null, priceVersion: null, pricedAs: 'azure-openai/unheard-of' }],
      },
    ]);
  });

  it('records a request once, and none of strangers who were refused', async () => {
    const stranger = request({ model: 'gpt-4' }, false);
    const refused = throwError(() => new InvalidRequestError('no'));
    await expect(lastValueFrom(through(stranger.execution, refused))).rejects.toThrow('no');
    expect(ledger.records).toEqual([]);

    const { context, execution } = request(ASKED);
    attempt(context, { outcome: 'completed' });
    const answer = through(execution, of(frame('a'), frame('b', USAGE))).pipe(toArray());
    expect(await firstValueFrom(answer)).toHaveLength(2);
    expect(ledger.records).toHaveLength(1);
  });
});
