import { type ExecutionContext, Logger } from '@nestjs/common';
import { jest } from '@jest/globals';
import { firstValueFrom, lastValueFrom, NEVER, Observable, of, Subject, throwError, toArray } from 'rxjs';
import type { ModelCatalog } from '../catalog/model-catalog.js';
import type { ChatCompletion, Usage } from '../domain/chat.js';
import type { ChatFrame } from '../domain/chat-frame.js';
import type { Deployment, UpstreamAttempt } from '../domain/deployment.js';
import { InvalidRequestError, TruncatedStreamError, UpstreamError } from '../domain/errors.js';
import { RequestContext } from '../domain/request-context.js';
import type { UsageRecord } from '../domain/usage.js';
import { attachContext } from '../http/context.js';
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
const frame = (text: string, usage?: Usage): ChatFrame => ({ bytes: Buffer.from(text), usage });

const deployment = {
  provider: 'eu-azure',
  model: 'our-deployment',
  baseModel: 'gpt-4.1',
  endpoint: { type: 'azure-openai' },
} as Deployment;

const catalog = {
  version: '2026-11',
  price: (type: string, id: string) =>
    type === 'azure-openai' && id === 'gpt-4.1'
      ? { input: 2_000_000_000, cachedInput: 500_000_000, output: 8_000_000_000 }
      : undefined,
} as ModelCatalog;

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
  if (known) context.principal = { keyId: 'key_1', name: 'ci', models: null };
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
    ...{ errorCode: null, usage: undefined, changes: [] },
    ...ended,
  });
}

describe('UsageInterceptor', () => {
  let ledger: Ledger;
  let interceptor: UsageInterceptor;
  const through = (execution: ExecutionContext, answers: Observable<ChatCompletion | ChatFrame>) =>
    interceptor.intercept(execution, { handle: () => answers });

  beforeEach(() => {
    ledger = new Ledger();
    interceptor = new UsageInterceptor(ledger as unknown as UsageRecorder, catalog);
  });
  afterEach(() => jest.restoreAllMocks());

  it('records an answer in full before it leaves', async () => {
    const { context, execution } = request({ model: 'gpt-4', stream: false });
    attempt(context, { outcome: 'failed', status: 503, errorCode: 'upstream_error', endedAt: context.startedAt + 15 });
    attempt(context, { outcome: 'completed', status: 200, endedAt: context.startedAt + 30 });
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
    const sent = { provider: 'eu-azure', model: 'our-deployment', startedAt: 1_700_000_000_010 };
    expect(ledger.records).toEqual([
      {
        ...{
          requestId: 'req_1',
          createdAt: 1_700_000_000_000,
          keyId: 'key_1',
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
            ...{ usage: null, usageSource: 'none', costNanoUsd: 0 },
          },
          { ...sent, outcome: 'completed', status: 200, errorCode: null, latencyMs: 20, ...usage },
        ],
      },
    ]);
    expect(ledger.records[0]?.latencyMs).toBeGreaterThanOrEqual(40);
  });

  it('passes frames on as they come, and holds back only the end', async () => {
    const { context, execution } = request({ model: 'gpt-4', stream: true });
    attempt(context, { outcome: 'completed' });
    let durable = (): void => undefined;
    ledger.durable = () => new Promise((resolve) => (durable = resolve));
    const frames = new Subject<ChatFrame>();
    const seen: unknown[] = [];
    through(execution, frames).subscribe({ next: (answer) => seen.push(answer), complete: () => seen.push('end') });
    const sent = [frame('a'), frame('b'), frame('', USAGE)];
    for (const one of sent) frames.next(one);
    expect(seen).toEqual(sent);
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

  it('answers although the recorder has a fault', async () => {
    const said = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const { context, execution } = request({ model: 'gpt-4' });
    attempt(context, { outcome: 'completed' });
    ledger.durable = () => {
      throw new Error('fault');
    };
    expect(await firstValueFrom(through(execution, of(completion)))).toBe(completion);
    expect(said).toHaveBeenCalledTimes(1);
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
        usage: null,
        costNanoUsd: null,
        attempts: [{ costNanoUsd: null }],
      },
    ],
    [
      'a fault of our own',
      { error: new TypeError('oops'), attempts: [{}] },
      { outcome: 'failed', status: 500, errorCode: null, attempts: [{ outcome: 'failed' }] },
    ],
  ])('passes on the error and records %s', async (_, { error, frames = [], attempts = [], ...asked }, expected) => {
    const { context, execution } = request('body' in asked ? asked.body : { model: 'gpt-4', stream: true });
    for (const ended of attempts) attempt(context, ended);
    const answers = new Observable<ChatFrame>((observer) => {
      for (const one of frames) observer.next(one);
      observer.error(error);
    });
    await expect(lastValueFrom(through(execution, answers))).rejects.toBe(error);
    expect(ledger.records).toMatchObject([expected]);
  });

  it.each<[string, Observable<ChatFrame>, object]>([
    ['before the first token', NEVER, { outcome: 'abandoned', status: 499, timeToFirstTokenMs: null, usage: null }],
    [
      'in the middle of a stream',
      new Observable((observer) => observer.next(frame('a'))),
      { outcome: 'abandoned', status: 200, timeToFirstTokenMs: expect.any(Number) },
    ],
  ])('records a client that left %s, after the call was cancelled', (_, answers, expected) => {
    const { context, execution } = request({ model: 'gpt-4', stream: true });
    attempt(context);
    const cancelled = new Observable<ChatFrame>((observer) => {
      const upstream = answers.subscribe(observer);
      return () => {
        expect(ledger.records).toEqual([]);
        upstream.unsubscribe();
      };
    });
    through(execution, cancelled).subscribe().unsubscribe();
    expect(ledger.records).toMatchObject([{ ...expected, attempts: [{ outcome: 'abandoned', costNanoUsd: null }] }]);
  });

  it('takes the usage that the attempt itself knows, and knows no price where the catalogue has none', async () => {
    const { context, execution } = request({ model: 'gpt-4' });
    attempt(context, { outcome: 'completed', usage: COUNTS, deployment: { ...deployment, baseModel: 'unheard-of' } });
    await firstValueFrom(through(execution, of({ ...completion, usage: undefined } as unknown as ChatCompletion)));
    expect(ledger.records).toMatchObject([
      {
        usage: COUNTS,
        usageSource: 'provider',
        costNanoUsd: null,
        priceVersion: null,
        attempts: [{ usage: COUNTS, costNanoUsd: null }],
      },
    ]);
  });

  it('records a request once, and none of strangers who were refused', async () => {
    const stranger = request({ model: 'gpt-4' }, false);
    const refused = throwError(() => new InvalidRequestError('no'));
    await expect(lastValueFrom(through(stranger.execution, refused))).rejects.toThrow('no');
    expect(ledger.records).toEqual([]);

    const { context, execution } = request({ model: 'gpt-4', stream: true });
    attempt(context, { outcome: 'completed' });
    const answer = through(execution, of(frame('a'), frame('b', USAGE))).pipe(toArray());
    expect(await firstValueFrom(answer)).toHaveLength(2);
    expect(ledger.records).toHaveLength(1);
  });
});
