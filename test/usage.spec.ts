import { Catch, Global, Module, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { INestApplication, MiddlewareConsumer, NestModule } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { NextFunction, Request, Response } from 'express';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errorBody, GatewayError, InternalError } from '../src/domain/errors.js';
import type { Principal } from '../src/domain/principal.js';
import { RequestContext } from '../src/domain/request-context.js';
import type { UsageRecord } from '../src/domain/usage.js';
import { attachContext, contextOf } from '../src/http/context.js';
import { Admission, type KeyStanding } from '../src/limits/admission.js';
import { KyselyUsageStore } from '../src/storage/sql/kysely-usage.store.js';
import { SqlDatabase } from '../src/storage/sql/sql-database.js';
import { openSqlite } from '../src/storage/sql/sqlite.js';
import { AdminRequestsController } from '../src/usage/admin-requests.controller.js';
import { AdminUsageController } from '../src/usage/admin-usage.controller.js';
import { UsageController } from '../src/usage/usage.controller.js';
import { RequestsUnderWay } from '../src/usage/requests-under-way.js';
import { UsageStore } from '../src/usage/usage.store.js';

const NOW = Date.UTC(2026, 10, 22, 12);
const DAY = 86_400_000;
const FOLDER = mkdtempSync(join(tmpdir(), 'parley-usage-'));

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
      owner: null,
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
        ...{ serviceTier: 'flex', pricedAs: 'openai/gpt-4.1', priceVersion: 'v1' },
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
  record('req_other', { keyId: 'key_other', owner: 'team', createdAt: NOW - 500 }),
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

const NO_LIMITS: KeyStanding = { rpm: null, tpm: null, concurrency: null, budget: null };

function standingOf({ keyId }: Principal): KeyStanding {
  if (keyId !== 'key_ci') return NO_LIMITS;
  return {
    rpm: { limit: 60, remaining: 58, resetMs: 61_000 },
    tpm: null,
    concurrency: { limit: 4, inUse: 1 },
    budget: { spentNanoUsd: 123_456_790 },
  };
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
@Module({
  controllers: [UsageController, AdminRequestsController, AdminUsageController],
  providers: [
    { provide: Admission, useValue: { standing: standingOf } },
    RequestsUnderWay,
    { provide: SqlDatabase, useFactory: () => openSqlite(join(FOLDER, 'parley.db')) },
    {
      provide: UsageStore,
      inject: [SqlDatabase],
      useFactory: (database: SqlDatabase) => new KyselyUsageStore(database),
    },
  ],
})
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

  beforeAll(async () => {
    const testing = await Test.createTestingModule({ imports: [CallersModule] }).compile();
    app = testing.createNestApplication({ logger: ['error', 'warn'] });
    app.useGlobalFilters(new EnvelopeFilter());
    await app.listen(0, '127.0.0.1');
    url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
    await app.get(UsageStore).append(RECORDS);
  });
  afterAll(async () => {
    await app.close();
    rmSync(FOLDER, { recursive: true });
  });

  const get = async (path: string, caller = 'key_ci', init: RequestInit = {}) => {
    const response = await fetch(url + path, { ...init, headers: { 'x-caller': caller } });
    return { status: response.status, body: (await response.json()) as Body };
  };
  const admin = async (query: string) => (await get(`/admin/requests?${query}`)).body;
  const idsOf = ({ data }: Pick<Body, 'data'>) => data.map(({ request_id: id }) => id.slice(4));

  it('answers few questions of one key at once, and others meanwhile', async () => {
    const asked = Array.from({ length: 40 }, () => get('/v1/usage'));
    const other = await get('/v1/usage', 'key_plain');
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect(other.status).toBe(200);
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(8);
    expect((await get('/v1/usage')).status).toBe(200);
  });

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
            rpm: { limit: 60, remaining: 58, reset: '1m1s' },
            tpm: { limit: null, remaining: null, reset: null },
            concurrency: { limit: 4, in_use: 1 },
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
        concurrency: { limit: null, in_use: 0 },
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
      owner: null,
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
          ...{ started_at: '2026-11-22T11:59:58.200Z', latency_ms: 800, service_tier: 'flex', price_version: 'v1' },
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
    ['owner=team', ['other']],
    ['owner=nobody', []],
    ['owner=team&model=gpt-4o', []],
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

  const sums = async (query: string) => (await get(`/admin/usage?${query}`)).body;

  it('sums everything of this month, or of the month that `to` is in', async () => {
    const all = { prompt_tokens: 300, completion_tokens: 60, cached_tokens: 180, cache_write_tokens: 3 };
    expect(await sums('key_id=key_ci')).toEqual({
      object: 'list',
      data: [
        {
          ...{ requests: 5, ...all, reasoning_tokens: 6, audio_tokens: 9 },
          ...{ cost_usd: 0.12345679, cost_nano_usd: 123_456_790, unpriced_requests: 1, estimated_requests: 0 },
        },
      ],
      has_more: false,
      next_cursor: null,
    });
    expect(await sums('to=2026-09-30')).toMatchObject({ data: [{ requests: 1, cost_nano_usd: 5 }] });
    expect(await sums('from=2026-10-01&to=2026-10-31')).toMatchObject({
      data: [{ requests: 1, cost_usd: 1000000.000000001, cost_nano_usd: 1_000_000_000_000_001 }],
    });
  });

  it.each<[string, readonly unknown[]]>([
    [
      'group_by=day',
      [
        { day: '2026-11-22', requests: 5 },
        { day: '2026-11-21', requests: 1 },
      ],
    ],
    [
      'group_by=key,owner',
      [
        { key_id: 'key_ci', owner: null, requests: 5 },
        { key_id: 'key_other', owner: 'team', requests: 1 },
      ],
    ],
    [
      'group_by=provider&key_id=key_ci',
      [
        { provider: null, requests: 1 },
        { provider: 'openai', requests: 4 },
      ],
    ],
    ['group_by=tag&tag=nightly', [{ tag: 'nightly', requests: 5 }]],
    [
      'group_by=tag',
      [
        { tag: null, requests: 1 },
        { tag: 'nightly', requests: 5 },
      ],
    ],
    ['group_by=model,%20day&owner=team', [{ model: 'gpt-4', day: '2026-11-22', requests: 1 }]],
    ['group_by=model&provider=nobody', []],
    ["group_by=model&model=gpt-4'%20or%20'1'='1", []],
    ['group_by=day&from=0001-01-01&to=9999-12-31&model=gpt-4o-mini', [{ day: '2026-11-22', requests: 1 }]],
  ])('sums by %s', async (query, expected) => {
    const { data } = await sums(query);
    expect(data).toMatchObject(expected);
    expect(data).toHaveLength(expected.length);
    const names = new URLSearchParams(query).get('group_by')?.split(',') ?? [];
    const members = names.map((name) => name.trim().replace('key', 'key_id'));
    for (const group of data) expect(Object.keys(group).slice(0, members.length)).toEqual(members);
  });

  it('pages through groups, and refuses the cursor of another question', async () => {
    const first = await sums('group_by=key,model&limit=1');
    expect(first).toMatchObject({ data: [{ key_id: 'key_ci', model: 'gpt-4' }], has_more: true });
    const next = `limit=2&cursor=${first.next_cursor}`;
    expect(await sums(`group_by=key,model&${next}`)).toMatchObject({
      data: [
        { key_id: 'key_ci', model: 'gpt-4o-mini' },
        { key_id: 'key_other', model: 'gpt-4' },
      ],
      has_more: false,
      next_cursor: null,
    });
    for (const other of ['group_by=model,key', 'group_by=key,model&owner=team', 'group_by=key', 'from=2026-11-01'])
      expect(await get(`/admin/usage?${other}&${next}`)).toMatchObject({
        status: 400,
        body: { error: { param: 'cursor' } },
      });
  });

  it('writes CSV that is whole, quoted, and nothing to compute', async () => {
    const hostile = ['=1+1', '+x', '-x', '@x', '\tx', '\rx', '\nx', 'a,b', 'say "hi"', 'two\nlines', 'plain'];
    const records = Array.from({ length: 2_100 }, (_, at) => {
      const over = { keyId: 'key_csv', model: hostile[at] ?? `model ${at}`, createdAt: Date.UTC(2020, 0, 1) + at };
      return record(`req_csv_${at}`, { ...over, tags: [] });
    });
    await app.get(UsageStore).append(records);
    const ask = (query: string) =>
      fetch(`${url}/admin/usage?from=2020-01-01&to=2020-01-01&${query}`, { headers: { accept: 'text/csv' } });
    const answer = await ask('group_by=key,model');
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    expect(answer.headers.get('vary')).toMatch(/accept/i);
    const table = await answer.text();
    expect(table.split('\r\n')[0]).toBe(
      'key_id,model,requests,prompt_tokens,completion_tokens,cached_tokens,cache_write_tokens,reasoning_tokens,audio_tokens,cost_usd,cost_nano_usd,unpriced_requests,estimated_requests',
    );
    expect(table.match(/^key_csv,/gm)).toHaveLength(2_100);
    expect(table.endsWith('\r\n')).toBe(true);
    const written = [
      "'=1+1",
      "'+x",
      "'-x",
      "'@x",
      "'\tx",
      `"'\rx"`,
      `"'\nx"`,
      '"a,b"',
      `"say ""hi"""`,
      '"two\nlines"',
      'plain',
    ];
    for (const cell of written)
      expect(table).toContain(`key_csv,${cell},1,100,20,60,1,2,3,0.123456789,123456789,0,0\r\n`);
    expect(await (await ask('group_by=model&model=none')).text()).toMatch(/^model,requests,[a-z_,]+\r\n$/);
    expect((await ask('limit=5')).status).toBe(400);
    expect((await ask('group_by=nothing')).status).toBe(400);
  });

  it('tells costs beyond 2^53 by their digits', async () => {
    const dear = Number.MAX_SAFE_INTEGER;
    const records = [1, 2, 3].map((at) =>
      record(`req_dear_${at}`, { keyId: 'key_dear', createdAt: NOW - at, costNanoUsd: dear }),
    );
    await app.get(UsageStore).append(records);
    for (const period of ['from=2026-11-22', 'from=2026-11-22T11:30:00Z&to=2026-11-22T12:30:00Z'])
      expect(await sums(`key_id=key_dear&${period}`)).toMatchObject({
        data: [{ requests: 3, cost_nano_usd: (BigInt(dear) * 3n).toString(), cost_usd: 27021597.764222972 }],
      });
    expect(await sums('key_id=key_dear&to=2026-11-22T11:59:59.998Z')).toMatchObject({
      data: [{ requests: 1, cost_nano_usd: dear }],
    });
  });

  const madeUp = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

  it.each<[string, string]>([
    ['/admin/usage?group_by=color', 'group_by'],
    ['/admin/usage?group_by=key,key', 'group_by'],
    ['/admin/usage?group_by=key,,model', 'group_by'],
    ['/admin/usage?group_by=', 'group_by'],
    ['/admin/usage?group_by=key&group_by=model', 'group_by'],
    ['/admin/usage?group_by=__proto__', 'group_by'],
    [`/admin/usage?group_by=${'key,'.repeat(2_500)}`, 'group_by'],
    ['/admin/usage?from=2026-11-22T00:00:00Z&to=2026-11-22T00:00:00Z', 'from'],
    ['/admin/usage?from=99999-01-01', 'from'],
    ['/admin/usage?from=-000001-01-01', 'from'],
    ['/admin/usage?from=1e15', 'from'],
    ['/admin/usage?outcome=failed', 'outcome'],
    [`/admin/usage?model=${'m'.repeat(10_000)}`, 'model'],
    ['/admin/usage?group_by=model&cursor=x', 'cursor'],
    [`/admin/usage?group_by=model&cursor=${madeUp(['mark', 'gpt-4'])}`, 'cursor'],
    [`/admin/usage?group_by=model&cursor=${madeUp({ length: 2 })}`, 'cursor'],
    [`/admin/requests?cursor=${madeUp([1, 'req_a'])}`, 'cursor'],
    [`/admin/requests?cursor=${madeUp([1e300, '5'])}`, 'cursor'],
    [`/admin/requests?cursor=${madeUp([1, '5', 'x'])}`, 'cursor'],
    [`/admin/requests?cursor=${madeUp([1, "5' or 1=1 --"])}`, 'cursor'],
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

  it.each(['/v1/usage', '/admin/requests', '/admin/usage'])('reads only, at %s', async (path) => {
    expect(await get(path, 'key_ci', { method: 'DELETE' })).toMatchObject({
      status: 405,
      body: { error: { code: 'method_not_supported' } },
    });
    expect((await fetch(url + path, { method: 'HEAD', headers: { 'x-caller': 'key_ci' } })).status).toBe(200);
  });
});
