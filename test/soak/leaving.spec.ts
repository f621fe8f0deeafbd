import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { SeededRandom } from '../../src/providers/simulator/schema/seeded-random.js';
import { build, freePort, makeHome, type Build, type GatewayProcess, type Home } from '../support/process.js';
import { connectTo } from '../support/raw-http.js';
import { startUpstream, type FakeUpstream } from '../support/upstream.js';
import { fickle, Ledger, type Call, type Manner } from './fickle.js';
import { holdingsOf, inspectable, settledSockets } from './inspection.js';
import { recordsOf, type Row } from './records.js';

const SEED = 20_261_123;
const KEY = `sk-parley-${'k'.repeat(43)}`;
const CLIENTS = 1_000;
const AT_A_TIME = 80;
const RAMP_MS = 15;
const CLOSED_WITHIN_MS = 1_000;
/** A call may have been on its way when the client left; most waits between attempts here are longer than this. */
const UNDER_WAY_MS = 500;
const UNUSED_SOCKETS = 10;

/** How the calls of a route go, and how long at most its clients stay; undefined: until the end of the answer is seen. */
const ROUTES: Readonly<Record<string, { readonly stayMs: number | undefined; readonly manner: Manner }>> = {
  waiting: { stayMs: 400, manner: { fault: undefined, firstMs: 1_500, words: 5, gapMs: 5 } },
  failing: { stayMs: 1_500, manner: { fault: 'error 500', firstMs: 5, words: 5, gapMs: 5 } },
  queued: { stayMs: 500, manner: { fault: undefined, firstMs: 300, words: 5, gapMs: 5 } },
  hedged: { stayMs: 500, manner: { fault: undefined, firstMs: 1_500, words: 5, gapMs: 5 } },
  long: { stayMs: 600, manner: { fault: undefined, firstMs: 10, words: 50, gapMs: 10 } },
  ending: { stayMs: undefined, manner: { fault: undefined, firstMs: 20, words: 5, gapMs: 5 } },
};
/** How `hedged` answers until its usual time to the first token is known. */
const PROMPT: Manner = { fault: undefined, firstMs: 5, words: 1, gapMs: 0 };

let built: Build;
let upstream: FakeUpstream;
let home: Home;
let gateway: GatewayProcess;
let inspector: number;

beforeAll(async () => {
  built = build();
  upstream = await startUpstream();
  const at = { type: 'openai-compatible', baseUrl: upstream.url };
  const plain = (model: string, more: object = {}) => ({ targets: [{ provider: 'lab', model }], ...more });
  inspector = await freePort();
  const config = {
    providers: { lab: at, other: at, narrow: { ...at, concurrency: 4 } },
    models: {
      waiting: plain('waiting'),
      failing: plain('failing', { retries: 6 }),
      queued: { targets: [{ provider: 'narrow', model: 'queued' }] },
      hedged: { ...plain('hedged', { hedge: { maxShare: 1 } }) },
      long: plain('long'),
      ending: plain('ending'),
    },
    keys: [{ name: 'test', key: KEY }],
  };
  config.models.hedged.targets.push({ provider: 'other', model: 'hedged' });
  home = await makeHome(config, inspectable(inspector));
  gateway = await home.start(built);
}, 60_000);
afterAll(async () => {
  await home.remove();
  await upstream.close();
  built.remove();
});

interface Visit {
  readonly marker: string;
  readonly model: string;
  readonly leftAt: number;
}

/** A client that asks, and leaves without a word: at a random moment, or on seeing that its answer ends. */
async function visit(marker: string, random: SeededRandom): Promise<Visit> {
  const model = random.pick(Object.keys(ROUTES));
  const stream = model === 'hedged' || random.next() < 0.6;
  const stayMs = random.next() * (ROUTES[model]?.stayMs ?? 5_000);
  const hardly = random.next() < 0.5;
  const body = JSON.stringify({ model, stream, messages: [{ role: 'user', content: marker }] });
  const socket = connectTo(gateway.url);
  socket.on('error', () => undefined).setEncoding('utf8');
  // Node takes one new connection a turn: the client waits until it is taken, and then asks.
  socket.write('GET /healthz HTTP/1.1\r\nhost: gateway\r\n\r\n');
  await once(socket, 'data');
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer ${KEY}\r\n` +
      `x-parley-tags: leaving,${marker}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  const ended = new Promise<void>((resolve) =>
    socket.on('data', (text) =>
      ROUTES[model]?.stayMs === undefined && String(text).includes('"stop"') ? resolve() : undefined,
    ),
  );
  await Promise.race([pause(stayMs, undefined, { ref: false }), ended]);
  const leftAt = performance.now();
  if (hardly) socket.resetAndDestroy();
  else socket.destroy();
  return { marker, model, leftAt };
}

const MOMENTS = ['before a call', 'in a call', 'in two calls', 'between calls', 'after the answer'] as const;
type Moment = (typeof MOMENTS)[number];

function momentOf({ leftAt }: Visit, calls: readonly Call[]): Moment {
  const begun = calls.filter(({ startedAt }) => startedAt <= leftAt);
  const open = begun.filter(({ closedAt = Infinity }) => closedAt > leftAt);
  if (begun.length === 0) return 'before a call';
  if (open.length > 0) return open.length > 1 ? 'in two calls' : 'in a call';
  return begun.some(({ sentAt }) => sentAt !== undefined) ? 'after the answer' : 'between calls';
}

/** What went on after the client had left, or was not put down. */
function misdeeds(visit: Visit, calls: readonly Call[], rows: readonly Row[]): readonly string[] {
  const { leftAt } = visit;
  const late = calls.filter(({ startedAt }) => startedAt > leftAt + UNDER_WAY_MS);
  const open = calls.filter(({ closedAt = Infinity }) => closedAt > leftAt + CLOSED_WITHIN_MS);
  const [row] = rows;
  const ended = calls.some(({ sentAt }) => sentAt !== undefined) ? 'completed' : 'failed';
  const isOpen = momentOf(visit, calls).startsWith('in ') && ended === 'failed';
  // One that the queue refused has had its answer; one that left while its head was read has asked for nothing.
  const outcomes = isOpen ? ['abandoned'] : ['abandoned', calls.length === 0 ? 'refused' : ended];
  const isTold = row === undefined ? calls.length === 0 : rows.length === 1 && outcomes.includes(row.outcome);
  return [
    ...(late.length === 0 ? [] : [`${late.length} calls were begun afterwards`]),
    ...(open.length === 0 ? [] : [`${open.length} calls were left open`]),
    ...(isTold ? [] : [`records: ${rows.map(({ outcome }) => outcome).join()} instead of ${outcomes.join(' or ')}`]),
    ...(row === undefined || row.attempts.length >= calls.length ? [] : ['calls without an attempt']),
    ...(row?.attempts.every(({ outcome }) => outcome !== null) === false ? ['an attempt without an end'] : []),
  ];
}

async function warmUp(): Promise<void> {
  upstream.play(fickle(new Ledger(), SEED, () => PROMPT));
  const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', connection: 'close' };
  const body = JSON.stringify({ model: 'hedged', stream: true, messages: [{ role: 'user', content: 'hi' }] });
  for (let count = 0; count < 40; count += 1)
    await (await fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', headers, body })).text();
}

async function visitAll(): Promise<readonly Visit[]> {
  const visits: Visit[] = [];
  const random = new SeededRandom(SEED);
  let next = 0;
  const work = async (_: unknown, at: number): Promise<void> => {
    await pause(at * RAMP_MS);
    while (next < CLIENTS) visits.push(await visit(`leaving-${(next += 1)}`, random));
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  return visits;
}

interface Tally {
  readonly wrong: readonly string[];
  readonly moments: Readonly<Partial<Record<Moment, number>>>;
  /** Of the records; `none`: there is no record. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** How long after a client's leaving each of its calls was closed, the shortest first. */
  readonly closings: readonly number[];
}

function tally(visits: readonly Visit[], ledger: Ledger, rows: ReadonlyMap<string, readonly Row[]>): Tally {
  const moments: Partial<Record<Moment, number>> = {};
  const outcomes: Record<string, number> = {};
  const wrong: string[] = [];
  const closings: number[] = [];
  for (const each of visits) {
    const calls = ledger.of(each.marker);
    const own = rows.get(each.marker) ?? [];
    const moment = momentOf(each, calls);
    moments[moment] = (moments[moment] ?? 0) + 1;
    const outcome = own[0]?.outcome ?? 'none';
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    for (const { closedAt = Infinity } of calls) if (closedAt > each.leftAt) closings.push(closedAt - each.leftAt);
    for (const what of misdeeds(each, calls, own)) wrong.push(`${each.marker} at ${each.model}, ${moment}: ${what}`);
  }
  return { wrong, moments, outcomes, closings: closings.sort((a, b) => a - b) };
}

it(`${CLIENTS} clients leave at any moment: their calls end within a second, none is begun, each has its record`, async () => {
  const idle = await holdingsOf(gateway, inspector);
  await warmUp();
  const ledger = new Ledger();
  upstream.play(fickle(ledger, SEED, (model) => ROUTES[model]?.manner ?? PROMPT));
  const visits = await visitAll();
  await pause(CLOSED_WITHIN_MS + UNDER_WAY_MS);
  const rows = await recordsOf(gateway, 'leaving', CLIENTS);
  const { wrong, moments, outcomes, closings } = tally(visits, ledger, rows);
  const sockets = await settledSockets(gateway, idle.sockets + UNUSED_SOCKETS, 10_000);
  const { timers } = await holdingsOf(gateway, inspector);
  const slowestMs = Math.round(closings.at(-1) ?? 0);
  const medianMs = Math.round(closings[closings.length >> 1] ?? 0);
  console.log({ moments, outcomes, calls: ledger.count, cut: closings.length, medianMs, slowestMs, sockets, timers });
  expect(visits).toHaveLength(CLIENTS);
  expect(wrong.slice(0, 10)).toEqual([]);
  expect(outcomes['none'] ?? 0).toBeLessThan(CLIENTS / 20);
  for (const moment of MOMENTS) expect([moment, (moments[moment] ?? 0) >= 20]).toEqual([moment, true]);
  expect(sockets).toBeLessThanOrEqual(idle.sockets + UNUSED_SOCKETS);
  expect(timers).toBeLessThanOrEqual(idle.timers);
}, 120_000);
