import { startGateway, type Gateway } from '../support/gateway.js';
import { expectRefusal } from '../support/refusal.js';
import {
  answerWith,
  chunk,
  completion,
  events,
  startUpstream,
  streamOf,
  type FakeUpstream,
} from '../support/upstream.js';

interface Shown {
  readonly name: string;
  readonly status: string;
  readonly targets: readonly { readonly model: string }[];
}

const HIDDEN = 'sk-hidden-in-the-path-77ab';
const SECRETS = /hidden-in-the-path|short-key|header-secret|keys-key|test-admin-key/;

let upstream: FakeUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startUpstream();
  const at = (more: object = {}) => ({
    type: 'openai-compatible',
    baseUrl: `${upstream.url}/v1/`,
    apiKey: 'keys-key-0001',
    ...more,
  });
  const names = ['calm', 'shaky', 'broken', 'half', 'busy', 'streams', 'sought'];
  gateway = await startGateway({
    config: {
      providers: {
        hidden: {
          type: 'openai-compatible',
          baseUrl: `https://models.example:8443/${HIDDEN}/v1/`,
          apiKeys: [HIDDEN, 'short-key'],
          headers: { 'x-internal': 'header-secret' },
        },
        simulator: {},
        ...Object.fromEntries(names.map((name) => [name, at(name === 'busy' ? { concurrency: 1 } : {})])),
        pool: at({ apiKeys: ['keys-key-0001', 'keys-key-0002'] }),
        keyless: { type: 'openai-compatible', baseUrl: upstream.url },
      },
      models: {
        ...Object.fromEntries(names.map((name) => [name, { targets: [{ provider: name, model: 'zz' }], retries: 0 }])),
        both: { targets: ['pool', 'half'].map((provider) => ({ provider, model: 'other' })), retries: 0 },
        again: { targets: [{ provider: 'half', model: 'other' }] },
      },
    },
  });
});

afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const ask = async (model: string, more: object = {}) => {
  await (await gateway.chat({ model, ...more })).text();
};
const asks = async (model: string, times: number, more: object = {}) => {
  for (let n = 0; n < times; n++) await ask(model, more);
};
const shown = async (): Promise<readonly Shown[]> => {
  const body = (await (await gateway.admin('GET', '/admin/providers')).json()) as { data: readonly Shown[] };
  return body.data;
};
const show = async (name: string) => (await shown()).find((each) => each.name === name);

const fine = answerWith(completion('ok'));
const failing = answerWith({ error: { message: 'out of order' } }, { status: 500 });
const UNTOUCHED = {
  breaker: 'closed',
  in_flight: 0,
  queued: 0,
  concurrency_limit: null,
  ttft_ms: { p50: null, p95: null },
  error_rate: null,
};
const ACTIVE = { id: '…0001', status: 'active', until: null, models: null };

it('has an entry for every provider of the config before any call, with no secret in it', async () => {
  const response = await gateway.admin('GET', '/admin/providers');
  const text = await response.text();
  const { data, ...rest } = JSON.parse(text) as { data: readonly Shown[] };
  expect([response.status, rest]).toEqual([200, { object: 'list', has_more: false, next_cursor: null }]);
  expect(data.map(({ name, status }) => `${name} ${status}`)).toEqual(
    'hidden simulator calm shaky broken half busy streams sought pool keyless'
      .split(' ')
      .map((name) => `${name} unknown`),
  );
  expect(data.find(({ name }) => name === 'hidden')).toEqual({
    name: 'hidden',
    type: 'openai-compatible',
    base_url: 'https://models.example:8443/[secret]/v1',
    status: 'unknown',
    models: 0,
    credentials: [
      { ...ACTIVE, id: '…77ab' },
      { ...ACTIVE, id: '…' },
    ],
    targets: [],
  });
  const simulator = { type: 'simulator', base_url: null, models: 4 };
  expect(data.find(({ name }) => name === 'simulator')).toMatchObject(simulator);
  expect(data.find(({ name }) => name === 'half')).toMatchObject({
    base_url: `${upstream.url}/v1`,
    models: 2,
    credentials: [ACTIVE],
    targets: [
      { model: 'other', ...UNTOUCHED },
      { model: 'zz', ...UNTOUCHED },
    ],
  });
  expect(data.find(({ name }) => name === 'keyless')).toMatchObject({ credentials: [{ ...ACTIVE, id: 'none' }] });
  expect(text).not.toMatch(SECRETS);
});

it.each<[string, string, object, () => Promise<void>]>([
  ['answers', 'calm', { status: 'up', targets: [{ breaker: 'closed', error_rate: 0 }] }, () => asks('calm', 2)],
  [
    'fails now and then',
    'shaky',
    { status: 'degraded', targets: [{ breaker: 'closed', error_rate: 0.333 }] },
    async () => {
      await asks('shaky', 2);
      upstream.play(failing);
      await ask('shaky');
    },
  ],
  [
    'fails always',
    'broken',
    { status: 'down', targets: [{ breaker: 'open', error_rate: 1 }] },
    async () => {
      upstream.play(failing);
      await asks('broken', 5);
    },
  ],
  [
    'fails with one model and not with another',
    'half',
    {
      status: 'degraded',
      targets: [
        { model: 'other', error_rate: 0 },
        { model: 'zz', breaker: 'open' },
      ],
    },
    async () => {
      await ask('again');
      await asks('half', 55); // so that it is not for its share of failures
      upstream.play(failing);
      await asks('half', 5);
    },
  ],
])('tells how one is that %s', async (_, name, expected, happens) => {
  upstream.play(fine);
  await happens();
  expect(await show(name)).toMatchObject(expected);
});

it('tells which credentials were put aside and until when, and that the last one was', async () => {
  upstream.play(fine);
  await asks('both', 12);
  upstream.play((request) =>
    request.headers.authorization === 'Bearer keys-key-0002'
      ? fine(request)
      : answerWith({ error: { message: 'no such key' } }, { status: 401 })(request),
  );
  await asks('both', 2);
  expect(await show('pool')).toMatchObject({
    status: 'degraded',
    credentials: [
      { id: '…0001', status: 'shelved', until: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/), models: null },
      { id: '…0002', status: 'active', until: null, models: null },
    ],
  });
  const [first] = ((await show('pool')) as unknown as { credentials: { until: string }[] }).credentials;
  expect(Date.parse(first?.until ?? '') - Date.now()).toBeGreaterThan(290_000);
  expect(Date.parse(first?.until ?? '') - Date.now()).toBeLessThanOrEqual(300_000);
  upstream.play(answerWith({ error: { message: 'no such key' } }, { status: 401 }));
  await ask('both');
  expect(await show('pool')).toMatchObject({
    status: 'down',
    credentials: [{ status: 'shelved' }, { status: 'shelved' }],
  });
});

it('counts calls that run and that wait', async () => {
  let answer = (): void => undefined;
  upstream.play(
    (request) =>
      new Promise<void>((resolve) => {
        answer = () => resolve(fine(request));
      }),
  );
  const [first, second] = [ask('busy'), ask('busy')];
  await upstream.next();
  const busy = { ...UNTOUCHED, in_flight: 1, queued: 1, concurrency_limit: 1 };
  while (JSON.stringify((await show('busy'))?.targets).includes('"queued":0'));
  expect(await show('busy')).toMatchObject({ status: 'unknown', targets: [busy] });
  answer();
  upstream.play(fine);
  await Promise.all([first, second]);
  const idle = { ...busy, in_flight: 0, queued: 0, error_rate: 0 };
  expect(await show('busy')).toMatchObject({ status: 'up', targets: [idle] });
});

it('tells how long streams take to their first token', async () => {
  const stream = streamOf(events(chunk({ role: 'assistant', content: 'ok' }), chunk({}, 'stop'), '[DONE]'));
  upstream.play((request) => void setTimeout(() => void stream(request), 30));
  await asks('streams', 3, { stream: true });
  const times = ((await show('streams')) as unknown as { targets: { ttft_ms: { p50: number; p95: number } }[] })
    .targets;
  const { p50, p95 } = times[0]?.ttft_ms ?? { p50: 0, p95: 0 };
  expect(p50).toBeGreaterThanOrEqual(28);
  expect(p95).toBeGreaterThanOrEqual(p50);
  expect(p95).toBeLessThan(5_000);
});

it('shows at most 200 models, in order: what the config routes to, and what was called last', async () => {
  upstream.play(fine);
  const names = Array.from({ length: 230 }, (_, n) => `m${String(n).padStart(3, '0')}`);
  for (const name of names) await ask(`sought/${name}`);
  const { targets = [] } = (await show('sought')) ?? {};
  expect(targets.map(({ model }) => model)).toEqual([...names.slice(31), 'zz']);
});

describe('as the rest of the admin API', () => {
  it.each([
    ['POST', '', 405, 'method_not_supported', null],
    ['DELETE', '', 405, 'method_not_supported', null],
    ['GET', '?limit=1', 400, 'unknown_parameter', 'limit'],
  ])('refuses %s %s', async (method, path, status, code, param) => {
    const response = await gateway.admin(method, `/admin/providers${path}`);
    expectRefusal(
      { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() },
      { status, code, param },
    );
    expect(response.headers.get('allow')).toBe(status === 405 ? 'GET, HEAD' : null);
  });

  it('is closed to everybody else', async () => {
    for (const key of [gateway.key, 'nonsense']) {
      const headers = { authorization: `Bearer ${key}` };
      expect((await fetch(`${gateway.url}/admin/providers`, { headers })).status).toBe(401);
    }
    expect((await gateway.admin('HEAD', '/admin/providers')).status).toBe(200);
  });
});
