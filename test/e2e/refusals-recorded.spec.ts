import { setTimeout as sleep } from 'node:timers/promises';
import { startGateway, type Gateway } from '../support/gateway.js';

interface Shown {
  readonly request_id: string;
  readonly key_id: string | null;
  readonly outcome: string;
  readonly status: number;
  readonly error_code: string | null;
  readonly model: string;
  readonly cost_nano_usd: number;
  readonly attempts: readonly unknown[];
}

const CHAT = '/v1/chat/completions';
const BODY = JSON.stringify({ model: 'simulator', messages: [{ role: 'user', content: 'hi' }] });
const JSON_TYPE = { 'content-type': 'application/json' };

describe('what is refused before an operation hears of it', () => {
  let gateway: Gateway;
  const keys = new Map<string, { readonly id: string; readonly key: string }>();

  beforeAll(async () => {
    gateway = await startGateway({ config: { providers: { simulator: {} }, server: { bodyLimit: '64kb' } } });
    const kinds: Readonly<Record<string, object>> = {
      good: {},
      disabled: { disabled: true },
      expired: { expires_at: '2020-01-01T00:00:00Z' },
      elsewhere: { allowed_ips: ['10.9.8.7'] },
    };
    for (const [name, terms] of Object.entries(kinds)) {
      const made = await gateway.admin('POST', '/admin/keys', { name, ...terms });
      keys.set(name, (await made.json()) as { id: string; key: string });
    }
  });
  afterAll(() => gateway.close());

  async function ask(
    key: string,
    { path = CHAT, method = 'POST', ...more }: { path?: string } & RequestInit,
  ): Promise<Response> {
    const headers = { authorization: `Bearer ${keys.get(key)?.key ?? key}`, ...more.headers };
    return fetch(gateway.url + path, { method, ...more, headers });
  }

  async function recordsOf(id: string): Promise<readonly Shown[]> {
    const answer = await gateway.admin('GET', `/admin/requests?request_id=${id}`);
    return ((await answer.json()) as { data: Shown[] }).data;
  }

  it.each<[string, string, RequestInit & { path?: string }, Partial<Shown>]>([
    ['a disabled key', 'disabled', { body: BODY, headers: JSON_TYPE }, { status: 401, error_code: 'invalid_api_key' }],
    [
      'a key past its time',
      'expired',
      { body: BODY, headers: JSON_TYPE },
      { status: 401, error_code: 'invalid_api_key' },
    ],
    [
      'a key used elsewhere',
      'elsewhere',
      { body: BODY, headers: JSON_TYPE },
      { status: 401, error_code: 'ip_not_authorized' },
    ],
    [
      'a body too large',
      'good',
      { body: 'x'.repeat(70_000), headers: JSON_TYPE },
      { status: 413, error_code: 'request_too_large' },
    ],
    ['a body of another type', 'good', { body: BODY, headers: { 'content-type': 'text/xml' } }, { status: 415 }],
    ['no JSON', 'good', { body: '{"model":', headers: JSON_TYPE }, { status: 400 }],
    [
      'a field at fault',
      'good',
      { body: '{"model":"simulator","messages":7}', headers: JSON_TYPE },
      { status: 400, model: 'simulator' },
    ],
    [
      'another path',
      'disabled',
      { path: '/openai/deployments/a%2Fb/chat/completions', body: BODY, headers: JSON_TYPE },
      { status: 401 },
    ],
    [
      'a model that is not known',
      'good',
      { body: BODY.replace('simulator', 'none'), headers: JSON_TYPE },
      { status: 404, error_code: 'model_not_found', model: 'none' },
    ],
  ])('is in the ledger before its answer is sent: %s', async (_, key, request, expected) => {
    const response = await ask(key, request);
    expect(response.status).toBe(expected.status);
    const records = await recordsOf(response.headers.get('x-request-id') ?? '');
    expect(records).toMatchObject([
      { outcome: 'refused', key_id: keys.get(key)?.id, cost_nano_usd: 0, attempts: [], ...expected },
    ]);
  });

  it.each<[string, string, RequestInit & { path?: string }]>([
    ['a stranger', 'sk-parley-unknown', { body: BODY, headers: JSON_TYPE }],
    ['no operation', 'disabled', { path: '/v1/models', method: 'GET' }],
    ['no operation, a wrong method', 'good', { path: '/v1/usage', body: '{}', headers: JSON_TYPE }],
    ['an operation, a wrong method', 'good', { method: 'PUT', body: '{}', headers: JSON_TYPE }],
    [
      'an explanation',
      'good',
      { body: '{"model":"none","messages":[]}', headers: { ...JSON_TYPE, 'x-parley-explain': 'true' } },
    ],
  ])('is not in the ledger: %s', async (_, key, request) => {
    const response = await ask(key, request);
    expect(response.status).toBeGreaterThanOrEqual(400);
    await sleep(50);
    expect(await recordsOf(response.headers.get('x-request-id') ?? '')).toEqual([]);
  });
});
