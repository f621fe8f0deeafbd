import {
  Catch,
  Controller,
  Global,
  Module,
  Post,
  UseInterceptors,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import type { INestApplication, MiddlewareConsumer, NestModule } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { NextFunction, Request, Response } from 'express';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { of } from 'rxjs';
import { errorBody, GatewayError, InternalError } from '../src/domain/errors.js';
import type { Principal } from '../src/domain/principal.js';
import { RequestContext } from '../src/domain/request-context.js';
import type { UsageRecord } from '../src/domain/usage.js';
import { attachContext, contextOf } from '../src/http/context.js';
import { StorageModule } from '../src/storage/storage.module.js';
import { UsageInterceptor } from '../src/usage/usage.interceptor.js';
import { UsageModule } from '../src/usage/usage.module.js';
import { UsageStore } from '../src/usage/usage.store.js';

const NOW = Date.UTC(2026, 10, 22, 12);
const DAY = 86_400_000;

const CALLERS: Record<string, Principal> = {
  key_ci: {
    keyId: 'key_ci',
    name: 'ci',
    models: ['gpt-4'],
    ...{ expiresAt: Date.UTC(2027, 0, 1), rpm: 60, tpm: null, concurrency: 4, budget: { usd: 20, per: 'month' } },
  },
  key_plain: { keyId: 'key_plain', name: 'plain', models: null },
};

function record(id: string, over: Partial<UsageRecord> = {}): UsageRecord {
  const counts = {
    promptTokens: 100,
    completionTokens: 20,
    cachedTokens: 60,
    cacheWriteTokens: 1,
    reasoningTokens: 2,
    audioTokens: 3,
  };
  return {
    ...{
      requestId: id,
      createdAt: NOW - 1_000,
      keyId: 'key_ci',
      model: 'gpt-4',
      provider: 'openai',
      upstreamModel: 'gpt-4.1',
    },
    ...{ stream: false, outcome: 'completed', status: 200, errorCode: null, usage: counts, usageSource: 'provider' },
    ...{ costNanoUsd: 123_456_789, priceVersion: 'v1', latencyMs: 812, timeToFirstTokenMs: null, tags: ['nightly'] },
    attempts: [
      {
        ...{ provider: 'openai', model: 'gpt-4.1', outcome: 'completed', status: 200, errorCode: null, usage: counts },
        ...{ usageSource: 'provider', costNanoUsd: 123_456_789, startedAt: NOW - 1_800, latencyMs: 800 },
      },
    ],
    ...over,
  };
}

const RECORDS: UsageRecord[] = [
  record('req_a'),
  record('req_b', { createdAt: NOW - 2_000, costNanoUsd: 1, tags: [] }),
  record('req_mini', {
    createdAt: NOW - 3_000,
    model: 'gpt-4o-mini',
    costNanoUsd: null,
    priceVersion: null,
    stream: true,
    timeToFirstTokenMs: 90,
  }),
  record('req_yesterday', {
    createdAt: NOW - DAY,
    outcome: 'abandoned',
    status: 499,
    usage: null,
    usageSource: 'none',
    costNanoUsd: null,
  }),
  record('req_october', { createdAt: Date.UTC(2026, 9, 25), costNanoUsd: 1_000_000_000_000_001 }),
  record('req_september', { createdAt: Date.UTC(2026, 8, 1), costNanoUsd: 5 }),
  record('req_other', { keyId: 'key_other', createdAt: NOW - 500 }),
  record('req_refused', {
    createdAt: NOW - 4_000,
    provider: null,
    upstreamModel: null,
    outcome: 'refused',
    status: 400,
    errorCode: 'unknown_parameter',
    usage: null,
    usageSource: 'none',
    costNanoUsd: 0,
    attempts: [],
  }),
];

@Controller('answers')
class AnswersController {
  @Post()
  @UseInterceptors(UsageInterceptor)
  answer() {
    return of({ object: 'chat.completion', usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } });
  }
}

@Catch()
class EnvelopeFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const known = error instanceof GatewayError ? error : new InternalError(error);
    host.switchToHttp().getResponse<Response>().status(known.status).json(errorBody(known));
  }
}

/** Stands where the guard and the outermost middleware stand in the whole gateway. */
@Global()
@Module({ imports: [UsageModule], controllers: [AnswersController] })
class CallersModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer
      .apply((request: Request, _: Response, next: NextFunction) => {
        const id = `req_${String(request.headers['x-id'] ?? 'none')}`;
        attachContext(request, new RequestContext(id, performance.now(), NOW, { strict: false, tags: [] }));
        const caller = CALLERS[String(request.headers['x-caller'])];
        contextOf(request).principal = caller;
        next();
      })
      .forRoutes('*all');
  }
}

/** What the answers here have in common with what is read of them. */
interface Body {
  readonly data: readonly { readonly request_id: string; readonly requests: number }[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
  readonly total: { readonly requests: number };
  readonly error: { readonly type: string; readonly param: string | null };
}

describe('usage over HTTP', () => {
  let app: INestApplication;
  let url: string;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-usage-'));
    const testing = await Test.createTestingModule({
      imports: [StorageModule.forRoot({ database: {}, redis: {}, dataDir: folder }), CallersModule],
    }).compile();
    app = testing.createNestApplication({ logger: ['error', 'warn'] });
    app.useGlobalFilters(new EnvelopeFilter());
    await app.listen(0, '127.0.0.1');
    url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
    await app.get(UsageStore).append(RECORDS);
  });
  afterAll(async () => {
    await app.close();
    await rm(folder, { recursive: true });
  });

  const get = async (path: string, caller = 'key_ci', init: RequestInit = {}) => {
    const response = await fetch(url + path, { ...init, headers: { 'x-caller': caller } });
    return { status: response.status, body: (await response.json()) as Body };
  };
  const admin = async (query: string) => (await get(`/admin/requests?${query}`)).body;
  const idsOf = ({ data }: Pick<Body, 'data'>) => data.map(({ request_id: id }) => id.slice(4));

  it.each(['/v1/usage', '/usage', '/openai/v1/usage'])(
    'shows a key its own usage of the last 31 days at %s',
    async (path) => {
      const sums = { prompt_tokens: 100, completion_tokens: 20, cached_tokens: 60 };
      expect(await get(path)).toEqual({
        status: 200,
        body: {
          object: 'usage',
          key: { name: 'ci', models: ['gpt-4'], expires_at: '2027-01-01T00:00:00.000Z' },
          limits: {
            rpm: { limit: 60, remaining: null, reset: null },
            tpm: { limit: null, remaining: null, reset: null },
            concurrency: { limit: 4, in_use: null },
          },
          budget: { usd: 20, per: 'month', spent_usd: 0.12345679, resets_at: '2026-12-01T00:00:00Z' },
          total: {
            ...{ requests: 6, prompt_tokens: 400, completion_tokens: 80, cached_tokens: 240 },
            ...{ cost_usd: 1000000.123456791, unpriced_requests: 1 },
          },
          data: [
            {
              day: '2026-11-22',
              model: 'gpt-4',
              requests: 3,
              prompt_tokens: 200,
              completion_tokens: 40,
              cached_tokens: 120,
              cost_usd: 0.12345679,
            },
            { day: '2026-11-22', model: 'gpt-4o-mini', requests: 1, ...sums, cost_usd: 0 },
            {
              day: '2026-11-21',
              model: 'gpt-4',
              requests: 1,
              prompt_tokens: 0,
              completion_tokens: 0,
              cached_tokens: 0,
              cost_usd: 0,
            },
            { day: '2026-10-25', model: 'gpt-4', requests: 1, ...sums, cost_usd: 1000000.000000001 },
          ],
        },
      });
    },
  );

  it('shows a key without terms or usage just that', async () => {
    expect((await get('/v1/usage', 'key_plain')).body).toEqual({
      object: 'usage',
      key: { name: 'plain', models: null, expires_at: null },
      limits: {
        rpm: { limit: null, remaining: null, reset: null },
        tpm: { limit: null, remaining: null, reset: null },
        concurrency: { limit: null, in_use: null },
      },
      budget: null,
      total: {
        requests: 0,
        prompt_tokens: 0,
        completion_tokens: 0,
        cached_tokens: 0,
        cost_usd: 0,
        unpriced_requests: 0,
      },
      data: [],
    });
  });

  it.each<[string, number]>([
    ['from=2026-09-01', 7],
    ['from=2026-09-01&to=2026-09-01', 1],
    ['from=2026-09-01T00:00:00Z&to=2026-09-01T00:00:00.001Z', 1],
    ['from=2026-09-01T02:00:00%2B02:00&to=2026-10-25T00:00:00Z', 1],
    ['from=2026-09-01T02:00:00+02:00&to=2026-10-24t23:59:59z', 1],
    ['to=2026-11-21', 2],
    ['to=2026-10-24', 0],
    ['to=2026-09-05', 1],
  ])('sums the period %s', async (query, requests) => {
    const { body } = await get(`/v1/usage?${query}`);
    expect(body.total.requests).toBe(requests);
    expect(body.data.reduce((sum, { requests: some }) => sum + some, 0)).toBe(requests);
  });

  it('has an answer accounted for when it arrives', async () => {
    const headers = { 'x-caller': 'key_plain', 'x-id': 'fresh', 'content-type': 'application/json' };
    await (await fetch(`${url}/answers`, { method: 'POST', headers, body: '{"model":"gpt-4o"}' })).json();
    expect((await admin('request_id=req_fresh')).data).toMatchObject([
      { key_id: 'key_plain', model: 'gpt-4o', outcome: 'completed', usage: { prompt_tokens: 3, completion_tokens: 4 } },
    ]);
  });

  it('shows the operator every request in full, newest first', async () => {
    const { data, ...list } = await admin('key_id=key_ci');
    expect(list).toEqual({ object: 'list', has_more: false, next_cursor: null });
    expect(idsOf({ data })).toEqual(['a', 'b', 'mini', 'refused', 'yesterday', 'october', 'september']);
    const usage = {
      prompt_tokens: 100,
      completion_tokens: 20,
      cached_tokens: 60,
      cache_write_tokens: 1,
      reasoning_tokens: 2,
      audio_tokens: 3,
    };
    const counted = { usage, usage_source: 'provider', cost_nano_usd: 123_456_789 };
    expect(data[0]).toEqual({
      ...{ request_id: 'req_a', created_at: '2026-11-22T11:59:59.000Z', key_id: 'key_ci', model: 'gpt-4' },
      ...{
        provider: 'openai',
        upstream_model: 'gpt-4.1',
        stream: false,
        outcome: 'completed',
        status: 200,
        error_code: null,
      },
      ...{ ...counted, price_version: 'v1', latency_ms: 812, time_to_first_token_ms: null, tags: ['nightly'] },
      attempts: [
        {
          ...{ provider: 'openai', model: 'gpt-4.1', outcome: 'completed', status: 200, error_code: null, ...counted },
          ...{ started_at: '2026-11-22T11:59:58.200Z', latency_ms: 800 },
        },
      ],
    });
    expect(data[3]).toMatchObject({
      provider: null,
      usage: null,
      cost_nano_usd: 0,
      error_code: 'unknown_parameter',
      attempts: [],
    });
  });

  it.each<[string, string[]]>([
    ['key_id=key_other', ['other']],
    ['model=gpt-4o-mini', ['mini']],
    ['outcome=abandoned', ['yesterday']],
    ['tag=nightly&key_id=key_ci&from=2026-11-22', ['a', 'mini', 'refused']],
    ['request_id=req_b', ['b']],
    ['to=2026-09-30', ['september']],
    ['provider=nobody', []],
  ])('filters by %s', async (query, expected) => {
    expect(idsOf(await admin(query))).toEqual(expected);
  });

  it('pages through all of them', async () => {
    const seen: string[] = [];
    let cursor: string | null = '';
    for (let pages = 0; cursor !== null && pages < 10; pages += 1) {
      const page: Body = await admin(`key_id=key_ci&limit=3${cursor && `&cursor=${cursor}`}`);
      expect(page.has_more).toBe(page.next_cursor !== null);
      seen.push(...idsOf(page));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual(['a', 'b', 'mini', 'refused', 'yesterday', 'october', 'september']);
  });

  it.each<[string, string]>([
    ['/v1/usage?from=yesterday', 'from'],
    ['/v1/usage?from=2026-02-30', 'from'],
    ['/v1/usage?to=2026-11-22T25:00:00Z', 'to'],
    ['/v1/usage?to=2026-11-22T10:00:00', 'to'],
    ['/v1/usage?from=2026-11-22&from=2026-11-21', 'from'],
    ['/v1/usage?from=2026-11-22&to=2026-11-20', 'from'],
    ['/admin/requests?limit=0', 'limit'],
    ['/admin/requests?limit=501', 'limit'],
    ['/admin/requests?limit=1e2', 'limit'],
    ['/admin/requests?limit=', 'limit'],
    ['/admin/requests?outcome=happy', 'outcome'],
    ['/admin/requests?cursor=%00', 'cursor'],
    ['/admin/requests?model=', 'model'],
    ['/admin/requests?tag=a&tag=b', 'tag'],
    [`/admin/requests?key_id=${'k'.repeat(300)}`, 'key_id'],
    ['/admin/requests?keyid=key_ci', 'keyid'],
    ['/admin/requests?__proto__=x', '__proto__'],
  ])('refuses %s', async (path, param) => {
    const { status, body } = await get(path);
    expect({ status, type: body.error.type, param: body.error.param }).toEqual({
      status: 400,
      type: 'invalid_request_error',
      param,
    });
  });

  it.each(['/v1/usage', '/admin/requests'])('reads only, at %s', async (path) => {
    expect(await get(path, 'key_ci', { method: 'DELETE' })).toMatchObject({
      status: 405,
      body: { error: { code: 'method_not_supported' } },
    });
    expect((await fetch(url + path, { method: 'HEAD', headers: { 'x-caller': 'key_ci' } })).status).toBe(200);
  });
});
