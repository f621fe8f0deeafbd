import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'undici';
import { SeededRandom } from '../../src/providers/simulator/schema/seeded-random.js';
import { build, freePort, makeHome, type Build, type GatewayProcess, type Home } from '../support/process.js';
import { startUpstream, type FakeUpstream } from '../support/upstream.js';
import { FAULTS, fickle, Ledger, type Call, type Manner } from './fickle.js';
import { holdingsOf, inspectable, settledSockets, type Holdings } from './inspection.js';
import { judge, type Asked, type Ending, type Told } from './judge.js';
import { recordsOf, type Row } from './records.js';

const SEED = 20_261_122;
const KEY = `sk-parley-${'k'.repeat(43)}`;
const FULL = process.env['PARLEY_TEST_SOAK'] !== undefined;
const REQUESTS = FULL ? 10_000 : 2_000;
const WARM_UP = FULL ? 2_000 : 1_000;
const AT_A_TIME = 100;
const RAMP_MS = 15;
const FAULT_SHARE = 0.3;
/** How late an answer may be: the test itself, its upstreams and the gateway share the machine. */
const MARGIN_MS = 2_000;
/** The same by the gateway's own clock, which runs from when it has the request. */
const RECORDED_MARGIN_MS = 1_000;
/** Connections that were opened for calls which were over by then: they wait for the next call. */
const UNUSED_SOCKETS = 10;
/** After collections of garbage; what is left is code that was compiled for what came up for the first time. */
const MOST_GROWN_HEAP_MB = 4;
const MOST_GROWN_RSS_MB = 40;

let built: Build;
let upstreams: readonly FakeUpstream[];
let home: Home;
let gateway: GatewayProcess;
let inspector: number;

beforeAll(async () => {
  built = build();
  upstreams = await Promise.all([startUpstream(), startUpstream(), startUpstream()]);
  inspector = await freePort();
  home = await makeHome(configOf(upstreams.map(({ url }) => url)), inspectable(inspector));
  gateway = await home.start(built);
}, 60_000);
afterAll(async () => {
  await home.remove();
  await Promise.all(upstreams.map((upstream) => upstream.close()));
  built.remove();
});

const target = (provider: string, model: string) => ({ provider, model });

/** A route of every kind. */
function configOf([one, two, three]: readonly string[]): object {
  const at = (baseUrl: string | undefined, more: object = {}) => ({
    ...{ type: 'openai-compatible', baseUrl, timeouts: { firstToken: '1s', idle: '1s' }, ...more },
  });
  return {
    providers: {
      one: at(one),
      two: at(two),
      three: at(three),
      pool: at(one, { apiKeys: ['key-of-pool-number-1', 'key-of-pool-number-2'] }),
      narrow: at(two, { concurrency: 15 }),
      auto: at(three, { concurrency: 'auto' }),
    },
    models: {
      single: { targets: [target('one', 'single')], retries: 3 },
      pair: { targets: [target('one', 'pair'), target('two', 'pair')], strategy: 'weighted' },
      triple: {
        targets: ['one', 'two', 'three'].map((provider) => target(provider, 'triple')),
        ...{ strategy: 'least-busy', retries: 1 },
      },
      fastest: { targets: [target('two', 'fastest'), target('three', 'fastest')], strategy: 'latency' },
      pooled: { targets: [target('pool', 'pooled')], fallbacks: ['pair'] },
      narrow: { targets: [target('narrow', 'narrow')], fallbacks: ['triple'] },
      adaptive: { targets: [target('auto', 'adaptive'), target('one', 'adaptive')] },
      hedged: { targets: [target('one', 'hedged'), target('two', 'hedged')], hedge: { maxShare: 0.5 } },
    },
    keys: [{ name: 'test', key: KEY }],
  };
}
const MODELS = ['single', 'pair', 'triple', 'fastest', 'pooled', 'narrow', 'adaptive', 'hedged'];

/** Now and then an answer is slow, though nothing is wrong with it. */
function manner(_: string, random: SeededRandom): Manner {
  const fault = random.next() < FAULT_SHARE ? random.pick(FAULTS) : undefined;
  const firstMs = random.next() < 0.03 ? random.between(100, 600) : random.between(0, 30);
  return { fault, firstMs, words: random.between(0, 12), gapMs: random.between(0, 6) };
}

function questions(tag: string, count: number): readonly Asked[] {
  const random = new SeededRandom(SEED);
  return Array.from({ length: count }, (_, at) => ({
    marker: `${tag}-${at}`,
    model: random.pick(MODELS),
    isStream: random.next() < 0.5,
    timeoutMs: random.next() < 0.1 ? random.between(50, 500) : random.between(1_000, 3_000),
  }));
}

async function ask({ marker, model, isStream, timeoutMs }: Asked, tag: string, client: Client): Promise<Told> {
  const startedAt = performance.now();
  const { statusCode, headers, body } = await client.request({
    method: 'POST',
    path: '/v1/chat/completions',
    headers: {
      authorization: `Bearer ${KEY}`,
      'content-type': 'application/json',
      'x-parley-tags': `${tag},${marker}`,
      'x-parley-timeout-ms': String(timeoutMs),
    },
    body: JSON.stringify({ model, stream: isStream, messages: [{ role: 'user', content: marker }] }),
    headersTimeout: 30_000,
    bodyTimeout: 30_000,
  });
  return { status: statusCode, headers, body: await body.text(), ms: performance.now() - startedAt };
}

interface Run {
  readonly told: ReadonlyMap<Asked, Told>;
  readonly perSecond: number;
}

/** So many at a time, each as soon as one before it is over. */
async function run(asked: readonly Asked[], tag: string): Promise<Run> {
  const told = new Map<Asked, Told>();
  const startedAt = performance.now();
  const left = asked.toReversed();
  const work = async (_: unknown, at: number): Promise<void> => {
    // Node takes one new connection a turn: all at once would measure how long that takes.
    await pause(at * RAMP_MS);
    const client = new Client(gateway.url);
    for (let next = left.pop(); next !== undefined; next = left.pop()) told.set(next, await ask(next, tag, client));
    await client.close();
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  return { told, perSecond: Math.round((asked.length / (performance.now() - startedAt)) * 1_000) };
}

/** Upstreams that forget what was before; what they are asked from now on. */
function freshLedger(): Ledger {
  const ledger = new Ledger();
  for (const upstream of upstreams) upstream.play(fickle(ledger, SEED, manner));
  return ledger;
}

/** What a usage record says that the upstreams do not. */
function misrecorded(row: Row, ending: Ending, { asked, calls }: Facts): readonly string[] {
  const expected = ending === 'answered' ? 'completed' : row.attempts.length === 0 ? 'refused' : 'failed';
  const completed = row.attempts.filter(({ outcome }) => outcome === 'completed').length;
  const odd = row.attempts.filter(({ outcome, error_code: code }) =>
    outcome === 'abandoned' ? code !== 'hedge_lost' : outcome === null || (outcome === 'failed' && code === null),
  );
  return [
    ...(row.outcome === expected ? [] : [`${row.outcome}, but ${ending}`]),
    ...(completed === (ending === 'answered' ? 1 : 0) ? [] : [`${completed} attempts completed, but ${ending}`]),
    ...(odd.length === 0 ? [] : [`an attempt without a true end: ${JSON.stringify(odd)}`]),
    ...(row.latency_ms <= asked.timeoutMs + RECORDED_MARGIN_MS ? [] : [`took ${row.latency_ms} ms`]),
    ...unaccounted(row, calls),
  ];
}

interface Facts {
  readonly asked: Asked;
  readonly calls: readonly Call[];
}

/** Each call has its attempt, and each attempt its call, but for those that were over before they were sent. */
function unaccounted({ attempts }: Row, calls: readonly Call[]): readonly string[] {
  const open = [...attempts];
  const without = calls.filter(({ model }) => {
    const at = open.findIndex((attempt) => attempt.model === model);
    if (at !== -1) open.splice(at, 1);
    return at === -1;
  });
  const sent = open.filter(({ outcome, error_code: code }) => outcome === 'completed' || !UNSENT.has(code));
  return [
    ...(without.length === 0 ? [] : [`${without.length} calls without an attempt`]),
    ...(sent.length === 0 ? [] : [`attempts without a call: ${JSON.stringify(sent)}`]),
  ];
}
const UNSENT: ReadonlySet<string | null> = new Set(['timeout', 'hedge_lost']);

interface Tally {
  readonly wrong: readonly string[];
  readonly endings: Readonly<Record<Ending, number>>;
  readonly attempts: number;
  /** Requests of which a second attempt was started beside the first. */
  readonly hedged: number;
  /** How long after its deadline the latest answer came; negative: before. */
  readonly latestMs: number;
}

/** What all were told, held against what the upstreams did and what was put down. */
function tally(told: Run['told'], ledger: Ledger, rows: ReadonlyMap<string, readonly Row[]>): Tally {
  const endings: Record<Ending, number> = { answered: 0, refused: 0, 'broken off': 0 };
  const wrong: string[] = [];
  let [attempts, hedged, latestMs] = [0, 0, -Infinity];
  for (const [asked, answer] of told) {
    const calls = ledger.of(asked.marker);
    const { ending, untruths } = judge(asked, answer, calls);
    endings[ending] += 1;
    const [row, ...more] = rows.get(asked.marker) ?? [];
    const isOne = row !== undefined && more.length === 0;
    const misses = isOne ? misrecorded(row, ending, { asked, calls }) : ['not one record'];
    attempts += row?.attempts.length ?? 0;
    hedged += row?.attempts.some(({ error_code: code }) => code === 'hedge_lost') === true ? 1 : 0;
    latestMs = Math.max(latestMs, answer.ms - asked.timeoutMs);
    for (const each of [...untruths, ...misses])
      wrong.push(`${asked.marker} at ${asked.model}: ${each} ${JSON.stringify(row)}`);
  }
  return { wrong, endings, attempts, hedged, latestMs };
}

const holdings = async (most: number): Promise<Holdings> => {
  const sockets = await settledSockets(gateway, most, 10_000);
  return { ...(await holdingsOf(gateway, inspector)), sockets };
};

it(`${REQUESTS} requests through upstreams that fail: each is answered or truly refused in time, and nothing stays behind`, async () => {
  const idle = await holdingsOf(gateway, inspector);
  freshLedger();
  await run(questions('warm-up', WARM_UP), 'warm-up');
  const before = await holdings(idle.sockets + UNUSED_SOCKETS);
  const ledger = freshLedger();
  const asked = questions('soak', REQUESTS);
  const { told, perSecond } = await run(asked, 'soak');
  const rows = await recordsOf(gateway, 'soak', REQUESTS);
  const after = await holdings(idle.sockets + UNUSED_SOCKETS);

  const { wrong, endings, attempts, hedged, latestMs } = tally(told, ledger, rows);
  const figures = { perSecond, ...endings, calls: ledger.count, attempts, hedged, latestMs: Math.round(latestMs) };
  console.log({ requests: REQUESTS, ...figures, idle, before, after });
  expect(wrong.slice(0, 10)).toEqual([]);
  expect(told.size).toBe(REQUESTS);
  expect(latestMs).toBeLessThan(MARGIN_MS);
  expect(attempts - ledger.count).toBeLessThan(REQUESTS / 100);
  // What this would show nothing of: a soak in which nothing failed, or nothing was answered.
  expect(endings.answered).toBeGreaterThan(REQUESTS * 0.7);
  expect(endings['broken off']).toBeGreaterThan(REQUESTS * 0.02);
  expect(endings.refused).toBeGreaterThan(REQUESTS * 0.02);
  expect(hedged).toBeGreaterThan(0);
  expect(after.timers).toBeLessThanOrEqual(idle.timers);
  expect(after.sockets).toBeLessThanOrEqual(idle.sockets + UNUSED_SOCKETS);
  expect(after.heapMb - before.heapMb).toBeLessThan(MOST_GROWN_HEAP_MB);
  expect(after.rssMb - before.rssMb).toBeLessThan(MOST_GROWN_RSS_MB);
}, 240_000);
