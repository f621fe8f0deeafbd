import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import pg from 'pg';
import { setTimeout as pause } from 'node:timers/promises';
import { build, makeHome, type Build, type GatewayProcess, type Home } from '../support/process.js';
import { chunk, completion, events, startUpstream, usageChunk, type FakeUpstream } from '../support/upstream.js';
import { Way } from '../support/way.js';

const REAL = process.env['PARLEY_TEST_POSTGRES_URL'];
const KEY = `sk-parley-${'k'.repeat(43)}`;
const ROUNDS = 5;
const CLIENTS = 24;
/** In a round, before the gateway is killed in the middle of the rest. */
const ANSWERED = 300;
const AWAY_MS = process.env['PARLEY_TEST_SOAK'] === '1' ? 20_000 : 4_000;

/** What a client got in full, and what the upstream said it took. */
interface Answered {
  readonly id: string;
  readonly marker: string;
  readonly ms: number;
}
interface Tokens {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
}
interface Row {
  readonly request_id: string;
  readonly usage: Tokens | null;
  readonly outcome: string;
}

let built: Build;
let upstream: FakeUpstream;
/** By the marker of the request. */
const reported = new Map<string, Tokens>();

beforeAll(async () => {
  built = build();
  upstream = await startUpstream();
  let calls = 0;
  upstream.play(async ({ body, response }) => {
    const { stream, messages } = JSON.parse(body) as { stream?: boolean; messages: readonly { content: string }[] };
    calls += 1;
    const usage = { prompt_tokens: 10 + (calls % 97), completion_tokens: 1 + (calls % 13), total_tokens: 0 };
    usage.total_tokens = usage.prompt_tokens + usage.completion_tokens;
    reported.set(messages[0]?.content ?? '', usage);
    await pause(calls % 8);
    if (stream !== true) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(completion('hi', { usage })));
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const content of ['a', 'b', 'c']) {
      response.write(events(chunk({ content })));
      await pause(1);
    }
    response.end(events(chunk({}, 'stop'), usageChunk(usage), '[DONE]'));
  });
}, 60_000);
afterAll(async () => {
  await upstream.close();
  built.remove();
});

const config = (more: object = {}) => ({
  providers: { lab: { type: 'openai-compatible', baseUrl: upstream.url } },
  models: { m: { targets: [{ provider: 'lab', model: 'm' }], retries: 0 } },
  keys: [{ name: 'test', key: KEY }],
  ...more,
});

/** Asks once; undefined where the answer did not come in full. */
async function ask(gateway: GatewayProcess, agent: Agent, marker: string): Promise<Answered | undefined> {
  const stream = Number(marker.split('-').at(-1)) % 2 === 0;
  const body = JSON.stringify({ model: 'm', stream, messages: [{ role: 'user', content: marker }] });
  const since = performance.now();
  try {
    const sent = request(`${gateway.url}/v1/chat/completions`, {
      ...{ method: 'POST', agent, timeout: 30_000 },
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', 'x-parley-tags': 'load' },
    });
    sent.end(body);
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    let text = '';
    for await (const piece of answer.setEncoding('utf8')) text += String(piece);
    const isWhole = stream ? text.endsWith('data: [DONE]\n\n') : (JSON.parse(text) as { usage?: object }).usage;
    if (answer.statusCode !== 200 || !answer.complete || !isWhole) return undefined;
    return { id: String(answer.headers['x-request-id']), marker, ms: performance.now() - since };
  } catch {
    return undefined; // the gateway was killed
  }
}

/** Clients that ask until they are told to stop. */
function load(gateway: GatewayProcess, name: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const answered: Answered[] = [];
  const state = { stopped: false, asked: 0, unanswered: 0 };
  const client = async () => {
    while (!state.stopped) {
      const got = await ask(gateway, agent, `${name}-${(state.asked += 1)}`);
      if (got === undefined) state.unanswered += 1;
      else answered.push(got);
      if (got === undefined && gateway.ended !== undefined) return;
    }
  };
  const over = Promise.all(Array.from({ length: CLIENTS }, client)).then(() => agent.destroy());
  return {
    answered,
    state,
    until: async (count: number) => {
      for (const end = performance.now() + 30_000; answered.length < count && performance.now() < end;) await pause(2);
    },
    stop: async () => {
      state.stopped = true;
      await over;
    },
  };
}

async function allRows(gateway: GatewayProcess): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const place: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page = (await gateway.admin(`/admin/requests?limit=500${place}`)) as {
      readonly data: readonly Row[];
      readonly next_cursor: string | null;
    };
    rows.push(...page.data);
    cursor = page.next_cursor;
  }
  return rows;
}

/** Waits until all that is in the outbox was shipped. */
async function shipped(gateway: GatewayProcess): Promise<void> {
  for (const end = performance.now() + 60_000; performance.now() < end; await pause(100)) {
    const metrics = await (await fetch(`${gateway.url}/metrics`, { headers: { connection: 'close' } })).text();
    if (/^parley_usage_outbox_records 0$/m.test(metrics) && /^parley_usage_records_waiting 0$/m.test(metrics)) return;
  }
  throw new Error('The outbox is not empty.');
}

/** Holds the ledger against what clients got and what the upstream reported. */
async function audit(gateway: GatewayProcess, answered: readonly Answered[]): Promise<void> {
  await shipped(gateway);
  const rows = await allRows(gateway);
  const byId = new Map(rows.map((row) => [row.request_id, row]));
  expect(byId.size).toBe(rows.length); // none twice
  expect(answered.filter(({ id }) => !byId.has(id))).toEqual([]);
  const ours = answered.map(({ id }) => byId.get(id)?.usage);
  const theirs = answered.map(({ marker }) => reported.get(marker));
  const sum = (all: readonly (Tokens | null | undefined)[], kind: keyof Tokens) =>
    all.reduce((total, tokens) => total + (tokens?.[kind] ?? 0), 0);
  for (const kind of ['prompt_tokens', 'completion_tokens'] as const) expect(sum(ours, kind)).toBe(sum(theirs, kind));
  // The sums are those of the rows.
  const { data } = (await gateway.admin('/admin/usage?from=2020-01-01&group_by=model')) as {
    readonly data: readonly (Tokens & { readonly requests: number })[];
  };
  const all = rows.map(({ usage }) => usage);
  expect(data.reduce((total, { requests }) => total + requests, 0)).toBe(rows.length);
  expect(sum(data, 'prompt_tokens')).toBe(sum(all, 'prompt_tokens'));
  expect(sum(data, 'completion_tokens')).toBe(sum(all, 'completion_tokens'));
}

async function killedOverAndOver(home: Home, name: string): Promise<void> {
  const answered: Answered[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const gateway = await home.start(built);
    const clients = load(gateway, `${name}-${round}`);
    await clients.until(ANSWERED);
    gateway.signal('SIGKILL');
    await gateway.end;
    await clients.stop();
    expect(clients.answered.length).toBeGreaterThanOrEqual(ANSWERED);
    answered.push(...clients.answered);
  }
  const last = await home.start(built);
  await audit(last, answered);
}

const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? 0;

/** A database of its own beside the one the URL names. */
async function ownDatabase(url: string): Promise<{ readonly url: URL; readonly drop: () => Promise<void> }> {
  const name = `parley_kill_${process.pid}_${Date.now()}`;
  const administer = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(statement);
    await client.end();
  };
  await administer(`create database ${name}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  return { url: own, drop: () => administer(`drop database ${name} with (force)`) };
}

it('loses and doubles nothing of what was answered where it is killed under load, five times over', async () => {
  const home = await makeHome(config());
  try {
    await killedOverAndOver(home, 'embedded');
  } finally {
    await home.remove();
  }
}, 180_000);

describe(`with PostgreSQL${REAL === undefined ? ': skipped, because PARLEY_TEST_POSTGRES_URL names no server' : ''}`, () => {
  const test = REAL === undefined ? it.skip : it;

  test('the same', async () => {
    const database = await ownDatabase(REAL ?? '');
    const home = await makeHome(config({ database: { url: database.url.href } }));
    try {
      await killedOverAndOver(home, 'postgres');
    } finally {
      await home.remove();
      await database.drop();
    }
  }, 180_000);

  test.each(['cut', 'silent'] as const)(
    'serves all and loses nothing while the database is away: %s',
    async (how) => {
      const database = await ownDatabase(REAL ?? '');
      const way = await new Way(database.url).open();
      const home = await makeHome(config({ database: { url: way.url } }));
      try {
        const gateway = await home.start(built);
        const clients = load(gateway, `away-${how}`);
        await clients.until(500);
        const before = clients.answered.length;
        if (how === 'cut') way.close();
        else way.blocked = true;
        await pause(AWAY_MS);
        const during = clients.answered.length;
        way.blocked = false;
        if (how === 'cut') await way.open();
        else {
          // What was swallowed is gone: the connections are of no use any more.
          way.close();
          await way.open();
        }
        await clients.until(during + 500);
        await clients.stop();
        const times = (from: number, to: number) => clients.answered.slice(from, to).map(({ ms }) => ms);
        const [there, away] = [times(100, before), times(before, during)];
        console.log(how, {
          ...{ there: there.length, away: away.length },
          p50: [percentile(there, 0.5), percentile(away, 0.5)],
          p99: [percentile(there, 0.99), percentile(away, 0.99)],
        });
        expect(clients.state.unanswered).toBe(0);
        expect(away.length).toBeGreaterThan(there.length);
        expect(percentile(away, 0.5)).toBeLessThan(2 * percentile(there, 0.5) + 5);
        await audit(gateway, clients.answered);
      } finally {
        await home.remove();
        way.close();
        await database.drop();
      }
    },
    120_000,
  );
});
