import { Intake } from '../src/http/intake.js';
import { labelled, readExposition } from './support/exposition.js';
import { startGateway, type Gateway } from './support/gateway.js';
import {
  answerWith,
  chunk,
  completion,
  events,
  startUpstream,
  streamOf,
  type FakeUpstream,
} from './support/upstream.js';

const ODD = 'a "quoted\\model",\nof=two {lines}';

let upstream: FakeUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startUpstream();
  const at = (more: object = {}) => ({
    type: 'openai-compatible',
    baseUrl: upstream.url,
    apiKeys: ['secret-key-0001', 'secret-key-0002'],
    ...more,
  });
  const route = (provider: string, model: string) => ({ targets: [{ provider, model }], retries: 0 });
  gateway = await startGateway({
    config: {
      providers: {
        lab: at({ headers: { 'x-internal': 'header-secret' } }),
        broken: at({ apiKeys: ['secret-key-0003'] }),
        pool: at(),
        busy: at({ concurrency: 1 }),
        adapting: at({ concurrency: 'auto' }),
      },
      models: {
        fine: route('lab', ODD),
        broken: route('broken', 'b'),
        pool: route('pool', 'p'),
        busy: route('busy', 'one'),
        busier: route('busy', 'two'),
        adapting: route('adapting', 'a'),
      },
    },
  });
});

afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const ask = async (model: string, more: object = {}) => {
  const response = await gateway.chat({ model, ...more });
  await response.text();
  return response.status;
};
const asks = async (model: string, times: number) => {
  for (let n = 0; n < times; n++) await ask(model);
};

type Labels = Readonly<Record<string, string>>;
const scrape = async () => {
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  const metrics = readExposition(text);
  const value = (name: string, labels: Labels = {}) => metrics.get(name)?.samples.get(labelled(labels));
  return { text, metrics, value };
};
/** What a metric says of one provider: by its other labels. */
const said = async (name: string, provider: string) => {
  const { metrics } = await scrape();
  const own = [...(metrics.get(name)?.samples ?? [])].flatMap(([series, value]) => {
    const { provider: of, ...labels } = Object.fromEntries(JSON.parse(series) as [string, string][]);
    return of === provider ? [[Object.values(labels).join(' '), value] as const] : [];
  });
  return Object.fromEntries(own);
};

const fine = answerWith(completion('ok'));
const stream = streamOf(events(chunk({ role: 'assistant', content: 'ok' }), chunk({}, 'stop'), '[DONE]'));

it('is text that Prometheus reads, without a key, with all there is to see before the first call', async () => {
  const response = await fetch(`${gateway.url}/metrics`);
  expect([response.status, response.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ]);
  const metrics = readExposition(await response.text());
  expect(Object.fromEntries([...metrics].map(([name, { type }]) => [name, type]))).toMatchObject({
    parley_upstream_breaker: 'gauge',
    parley_upstream_in_flight: 'gauge',
    parley_upstream_queued: 'gauge',
    parley_upstream_concurrency_limit: 'gauge',
    parley_upstream_attempts_total: 'counter',
    parley_upstream_first_token_seconds: 'gauge',
    parley_credentials: 'gauge',
    parley_hedges_total: 'counter',
    parley_requests_under_way: 'gauge',
    parley_event_loop_delay_seconds: 'gauge',
    parley_usage_records_waiting: 'gauge',
    process_cpu_seconds_total: 'counter',
    process_resident_memory_bytes: 'gauge',
  });
  const { value } = await scrape();
  expect(value('parley_upstream_breaker', { provider: 'lab', model: ODD, state: 'closed' })).toBe(1);
  expect(value('parley_upstream_attempts_total', { provider: 'lab', model: ODD, outcome: 'failed' })).toBe(0);
  expect(value('parley_requests_under_way')).toBe(1);
  expect(value('parley_hedges_total')).toBe(0);
  expect(value('parley_usage_records_waiting')).toBe(0);
  expect(value('process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
  expect(value('process_open_fds')).toBeGreaterThan(5);
  expect(value('parley_event_loop_delay_seconds', { quantile: '0.99' })).toBeLessThan(10);
  const age = Date.now() / 1_000 - (value('process_start_time_seconds') ?? 0);
  expect(Math.abs(age - process.uptime())).toBeLessThan(60);
});

it('counts attempts by their end, once each, however often it is asked', async () => {
  upstream.play(fine);
  await asks('fine', 3);
  await scrape();
  upstream.play(answerWith({ error: { message: 'out of order' } }, { status: 500 }));
  await ask('fine');
  await scrape();
  const counts = { [`${ODD} completed`]: 3, [`${ODD} failed`]: 1, [`${ODD} abandoned`]: 0 };
  expect(await said('parley_upstream_attempts_total', 'lab')).toEqual(counts);
});

it('tells of a breaker that opens', async () => {
  upstream.play(answerWith({ error: { message: 'out of order' } }, { status: 500 }));
  await asks('broken', 4);
  const closed = { 'b closed': 1, 'b half-open': 0, 'b open': 0 };
  expect(await said('parley_upstream_breaker', 'broken')).toEqual(closed);
  await ask('broken');
  const open = { ...closed, 'b closed': 0, 'b open': 1 };
  expect(await said('parley_upstream_breaker', 'broken')).toEqual(open);
});

it('tells of credentials that were put aside', async () => {
  expect(await said('parley_credentials', 'pool')).toEqual({ active: 2, shelved: 0 });
  upstream.play((request) =>
    request.headers.authorization === 'Bearer secret-key-0001'
      ? answerWith({ error: { message: 'no such key' } }, { status: 401 })(request)
      : fine(request),
  );
  await asks('pool', 2);
  expect(await said('parley_credentials', 'pool')).toEqual({ active: 1, shelved: 1 });
});

it('tells of calls that run and that wait, of those that share a limit once', async () => {
  expect(await said('parley_upstream_concurrency_limit', 'lab')).toEqual({});
  expect(await said('parley_upstream_concurrency_limit', 'adapting')).toEqual({ a: 20 });
  expect(await said('parley_upstream_queued', 'adapting')).toEqual({ a: 0 });
  let answer = (): void => undefined;
  upstream.play((request) => {
    answer = () => void fine(request);
  });
  const asked = [ask('busy')];
  await upstream.next();
  asked.push(ask('busier'), ask('busy'));
  while ((await said('parley_upstream_queued', 'busy'))['*'] !== 2);
  expect(await said('parley_upstream_in_flight', 'busy')).toEqual({ one: 1, two: 0 });
  expect(await said('parley_upstream_concurrency_limit', 'busy')).toEqual({ '*': 1 });
  expect((await scrape()).value('parley_requests_under_way')).toBe(4);
  upstream.play(fine);
  answer();
  expect(await Promise.all(asked)).toEqual([200, 200, 200]);
  expect(await said('parley_upstream_in_flight', 'busy')).toEqual({ one: 0, two: 0 });
  expect(await said('parley_upstream_queued', 'busy')).toEqual({ '*': 0 });
});

it('tells in seconds how long streams take to their first token', async () => {
  upstream.play((request) => void setTimeout(() => void stream(request), 30));
  await ask('adapting', { stream: true });
  const { 'a 0.5': median = 0, 'a 0.95': late = 0 } = await said('parley_upstream_first_token_seconds', 'adapting');
  expect(median).toBeGreaterThanOrEqual(0.028);
  expect(median).toBeLessThan(5);
  expect(late).toBe(median);
});

it('sums up the models that nobody lists, and never says a secret', async () => {
  upstream.play(fine);
  for (let n = 0; n < 97; n++) await ask(`lab/made up "${n}"`);
  upstream.play(stream);
  for (let n = 97; n < 100; n++) await ask(`lab/made up "${n}"`, { stream: true });
  const { metrics, text } = await scrape();
  for (const [name, { samples }] of metrics)
    expect([name, [...samples.keys()].some((series) => series.includes('made up'))]).toEqual([name, false]);
  expect(Object.keys(await said('parley_upstream_in_flight', 'lab')).toSorted()).toEqual([ODD, 'other']);
  expect(await said('parley_upstream_attempts_total', 'lab')).toMatchObject({
    'other completed': 100,
    'other failed': 0,
  });
  expect(await said('parley_upstream_breaker', 'lab')).toMatchObject({ 'other closed': 100, 'other open': 0 });
  expect(await said('parley_upstream_first_token_seconds', 'lab')).toEqual({});
  expect(text).not.toMatch(/secret|sk-parley|test-admin-key|127\.0\.0\.1/);
});

it('counts what was used and has no price, by the names that are listed', async () => {
  const before = await said('parley_unpriced_requests_total', 'adapting');
  upstream.play(fine);
  await asks('adapting', 2);
  await asks('adapting/made-up-by-a-client', 3);
  const unpriced = await said('parley_unpriced_requests_total', 'adapting');
  expect(unpriced['a']).toBe((before['a'] ?? 0) + 2);
  expect(unpriced['other']).toBe((before['other'] ?? 0) + 3);
  expect(Object.keys(unpriced)).toEqual(expect.arrayContaining(['a', 'other']));
  expect(await said('parley_unpriced_requests_total', 'adapting')).toEqual(unpriced);
});

it('answers GET and HEAD alone, and both after the gateway has stopped to take requests', async () => {
  const head = await fetch(`${gateway.url}/metrics`, { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
  const post = await fetch(`${gateway.url}/metrics`, { method: 'POST' });
  expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  gateway.app.get(Intake).stop();
  expect(await ask('fine')).toBe(503);
  const { value } = await scrape();
  expect(value('parley_requests_under_way')).toBe(1);
  const { user, system } = process.cpuUsage(); // after many scrapes: none of them added to what it was
  expect(value('process_cpu_seconds_total')).toBeLessThanOrEqual((user + system) / 1e6);
});
