import OpenAI from 'openai';
import {
  ANSWER,
  answering,
  CHUNKS,
  CLOCKS,
  failing,
  inTurn,
  isAskedForStream,
  nameOf,
  startCourse,
} from '../support/faults.js';
import type { Course, TestedRoute } from '../support/faults.js';
import { events, streamOf, type Script } from '../support/upstream.js';

const silent: Script = () => undefined;
const busy = failing(429, { 'retry-after-ms': '300' });

const KEYS = { apiKeys: ['key-one', 'key-two'] };
const LATER = { timeouts: { ...CLOCKS, firstToken: '8s' } };
/** Answers some keys so. */
const byKey =
  (scripts: Readonly<Record<string, Script>>): Script =>
  (request) =>
    (scripts[request.headers.authorization?.replace('Bearer ', '') ?? ''] ?? answering)(request);

const FORMS = ['JSON', 'stream'] as const;
const forBoth = (name: string, route: () => TestedRoute): readonly (readonly [string, TestedRoute])[] =>
  FORMS.map((form) => [`${name} (${form})`, route()] as const);

const ROUTES: Readonly<Record<string, TestedRoute>> = Object.fromEntries([
  ...forBoth('busy twice', () => ({ model: { retries: 2 }, targets: [{ plays: inTurn(busy, busy, answering) }] })),
  ...forBoth('busy too long', () => ({ targets: [{ plays: busy }] })),
  ...forBoth('busy, and another', () => ({ targets: [{ plays: busy }, { plays: answering }] })),
  ...forBoth('busy by one key', () => ({ targets: [{ plays: byKey({ 'key-one': busy }), provider: KEYS }] })),
  ...forBoth('busy by both keys', () => ({
    targets: [{ plays: inTurn(busy, busy, answering), provider: KEYS }],
    model: { retries: 2 },
  })),
  ...forBoth('one key refused', () => ({ targets: [{ plays: byKey({ 'key-one': failing(401) }), provider: KEYS }] })),
  ...forBoth('one key forbidden', () => ({ targets: [{ plays: byKey({ 'key-one': failing(403) }), provider: KEYS }] })),
  ...forBoth('the only key refused', () => ({ targets: [{ plays: inTurn(failing(401), failing(401), answering) }] })),
  ...forBoth('nobody says a word', () => ({
    targets: [
      { plays: silent, provider: LATER },
      { plays: silent, provider: LATER },
    ],
  })),
  [
    'never ends',
    { targets: [{ plays: streamOf(events(...CHUNKS.slice(0, 2)), false), provider: { timeouts: { idle: '8s' } } }] },
  ],
]);

let course: Course;

beforeAll(async () => {
  course = await startCourse(ROUTES);
});

afterAll(() => course.close());

const keysSent = (route: string) => course.calls(route)[0]?.map(({ headers }) => headers.authorization?.slice(-7));
/** How many requests each target got. */
const sent = (route: string): readonly number[] => course.calls(route).map((requests) => requests.length);

describe.each(FORMS)('%s', (form) => {
  const stream = form === 'stream';
  const ask = (route: string, more: object = {}) => course.ask(`${route} (${form})`, { stream, ...more });

  async function answers(route: string, attempts: number) {
    const outcome = await ask(route);
    expect({ error: outcome.error, text: outcome.text }).toEqual({ error: undefined, text: ANSWER });
    expect(outcome.answers).toHaveLength(1);
    expect(outcome.answer.headers['x-parley-attempts']).toBe(String(attempts));
    return outcome;
  }

  it('waits as long as the provider asks, where there is nobody else', async () => {
    const { ms } = await answers('busy twice', 3);
    expect(ms).toBeGreaterThanOrEqual(600);
    expect(ms).toBeLessThan(2_000);
    expect(sent(`busy twice (${form})`)).toEqual([3]);
  });

  it('does not begin to wait for what comes too late: the client is told when', async () => {
    const { error, answers, ms } = await ask('busy too long', { headers: { 'x-parley-timeout-ms': '200' } });
    expect(error).toBeInstanceOf(OpenAI.RateLimitError);
    const [first] = answers;
    expect(first).toMatchObject({
      status: 429,
      headers: { 'x-should-retry': 'true', 'retry-after': '1', 'retry-after-ms': '300', 'x-parley-attempts': '1' },
    });
    // The SDK comes back when it was told to, and gets the attempt that was left; after that there is none.
    expect(answers).toHaveLength(3);
    expect(ms).toBeGreaterThanOrEqual(600);
    expect(sent(`busy too long (${form})`)).toEqual([2]);
    const ledger = await course.ledger(`busy too long (${form})`, 3);
    expect(ledger.map(({ attempts }) => attempts.length)).toEqual([1, 1, 0]);
    expect(ledger[0]).toMatchObject({ outcome: 'failed', status: 429, error_code: 'rate_limit_exceeded' });
  });

  it.each([
    ['the next target', 'busy, and another', [1, 1]],
    ['the next key', 'busy by one key', [2]],
  ])('does not wait where it can go to %s', async (_, route, calls) => {
    const { ms } = await answers(route, 2);
    expect(ms).toBeLessThan(290);
    expect(sent(`${route} (${form})`)).toEqual(calls);
  });

  it('goes through the keys before it waits', async () => {
    const { ms } = await answers('busy by both keys', 3);
    const [one, two] = keysSent(`busy by both keys (${form})`) ?? [];
    expect([one, two].toSorted()).toEqual(['key-one', 'key-two']);
    expect(ms).toBeGreaterThanOrEqual(300);
    expect(ms).toBeLessThan(600);
  });

  it('puts aside a key that is refused with 401', async () => {
    await answers('one key refused', 2);
    for (let again = 0; again < 3; again++) await answers('one key refused', 1);
    expect(keysSent(`one key refused (${form})`)).toEqual(['key-one', ...Array<string>(4).fill('key-two')]);
    const [first] = await course.ledger(`one key refused (${form})`, 4);
    expect(first?.attempts).toMatchObject([
      { outcome: 'failed', status: 401, error_code: 'upstream_authentication', cost_nano_usd: 0 },
      { outcome: 'completed', status: 200, error_code: null, cost_nano_usd: null },
    ]);
  });

  it('puts nothing aside for a single 403', async () => {
    await answers('one key forbidden', 2);
    await answers('one key forbidden', 2);
    expect(keysSent(`one key forbidden (${form})`)).toEqual(['key-one', 'key-two', 'key-one', 'key-two']);
  });

  it('always tries the only key there is', async () => {
    for (let again = 0; again < 2; again++) {
      const { error, answers } = await ask('the only key refused');
      expect({ error, answers }).toMatchObject({
        error: { status: 502, code: 'upstream_authentication' },
        answers: [{ headers: { 'x-should-retry': 'false' } }],
      });
    }
    await answers('the only key refused', 1);
    expect(sent(`the only key refused (${form})`)).toEqual([3]);
  });

  it('lets an SDK that gives up try again, and makes no more attempts for it than the route has', async () => {
    const name = `nobody says a word (${form})`;
    const { error, answers, ms } = await ask('nobody says a word', { timeout: 1_000 });
    expect(error).toBeInstanceOf(OpenAI.APIConnectionError); // its own, which is what its users catch
    expect(answers).toHaveLength(0);
    expect(ms).toBeGreaterThan(3_000);
    const calls = course.calls(name).flat();
    expect(calls).toHaveLength(3);
    for (const call of calls) expect([isAskedForStream(call), await call.over]).toEqual([stream, 'cancelled']);
    const records = await course.ledger(name, 3);
    for (const record of records)
      expect(record).toMatchObject({ outcome: 'abandoned', cost_nano_usd: null, attempts: [{ outcome: 'abandoned' }] });
  });
});

it('ends a stream with an error when the time of its client is up', async () => {
  const route = 'never ends';
  const { error, text, answer, ms } = await course.ask(route, {
    stream: true,
    headers: { 'x-parley-timeout-ms': '500' },
  });
  expect({ error, text }).toMatchObject({ error: { code: 'timeout' }, text: 'Hel' });
  expect(answer).toMatchObject({ status: 200, headers: { 'x-parley-provider': nameOf(route, 0) } });
  expect(answer.body).not.toContain('[DONE]');
  expect(ms).toBeGreaterThan(490);
  expect(ms).toBeLessThan(900);
  expect(await course.calls(route)[0]?.[0]?.over).toBe('cancelled');
});
