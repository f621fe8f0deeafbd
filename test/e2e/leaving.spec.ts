import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Intake } from '../../src/http/intake.js';
import { startGateway, type Gateway } from '../support/gateway.js';
import { connectTo } from '../support/raw-http.js';
import {
  answerWith,
  chunk,
  completion,
  events,
  startUpstream,
  type FakeUpstream,
  type Script,
} from '../support/upstream.js';

let gateway: Gateway;
let upstream: FakeUpstream;
/** It takes connections and then says nothing: the handshake of TLS never ends. */
let deaf: Server;

beforeAll(async () => {
  upstream = await startUpstream();
  deaf = createServer((socket) => socket.on('error', () => undefined).resume()).listen(0, '127.0.0.1');
  await once(deaf, 'listening');
  gateway = await startGateway({
    config: {
      providers: {
        lab: { type: 'openai-compatible', baseUrl: upstream.url },
        deaf: { type: 'openai-compatible', baseUrl: `https://127.0.0.1:${(deaf.address() as AddressInfo).port}` },
      },
    },
  });
});

afterAll(async () => {
  await gateway.close();
  await upstream.close();
  deaf.close();
});

/** A client that has asked, once or several times in a row, and reads nothing until it is told to. */
function ask(model: string, stream: boolean, times = 1) {
  const body = JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'hi' }] });
  const socket = connectTo(gateway.url);
  socket.on('error', () => undefined).pause();
  const request =
    `POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer ${gateway.key}\r\n` +
    `connection: ${times > 1 ? 'keep-alive' : 'close'}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  socket.write(request.repeat(times));
  return socket;
}

interface UsageRow {
  readonly outcome: string;
  readonly attempts: readonly { readonly outcome: string }[];
}

/** The usage records of a model once there are as many as expected, or those that are there after a second. */
async function recordsOf(model: string, expected = 1): Promise<readonly UsageRow[]> {
  for (let waited = 0; ; waited += 50) {
    const response = await gateway.admin('GET', `/admin/requests?limit=500&model=${encodeURIComponent(model)}`);
    const { data } = (await response.json()) as { data: readonly UsageRow[] };
    if (data.length >= expected || waited >= 1_000) return data;
    await delay(50);
  }
}

const within = <T>(ms: number, promise: Promise<T>): Promise<T | 'too late'> =>
  Promise.race([promise, delay(ms, 'too late' as const, { ref: false })]);

const silent: Script = () => undefined;
const headersOnly: Script = ({ response }) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
};
const roleOnly: Script = ({ response }) => void response.write(events(chunk({ role: 'assistant', content: '' })));
const halfAnAnswer: Script = ({ response }) => void response.write(events(chunk({ role: 'assistant', content: 'a' })));
const halfAnObject: Script = ({ response }) => void response.write('{"id":"chatcmpl-1","choices":[');

describe('a client that leaves ends the call upstream', () => {
  it.each<[string, boolean, Script]>([
    ['while nothing has come', true, silent],
    ['while only the headers have come', true, headersOnly],
    ['while only the role has come', true, roleOnly],
    ['in the middle of a stream', true, halfAnAnswer],
    ['while it waits for a whole answer', false, silent],
    ['in the middle of a whole answer', false, halfAnObject],
  ])('%s', async (name, stream, script) => {
    const model = `lab/${name}`;
    upstream.play(script);
    const client = ask(model, stream);
    const call = await upstream.next();
    if (script === halfAnAnswer) await once(client.resume(), 'data');
    else await delay(50); // what the upstream sent is with the gateway by now
    client.destroy();
    expect(await within(1_000, call.over)).toBe('cancelled');
    expect(await recordsOf(model)).toMatchObject([{ outcome: 'abandoned', attempts: [{ outcome: 'abandoned' }] }]);
  });

  it('and all those that wait behind it on its connection', async () => {
    upstream.play(silent);
    const client = ask('lab/pipeline', true, 3);
    while (upstream.requests.length < 3) await delay(10);
    client.destroy();
    const calls = upstream.requests.map(({ over }) => within(1_000, over));
    expect(await Promise.all(calls)).toEqual(Array(3).fill('cancelled'));
    expect(await recordsOf('lab/pipeline', 3)).toHaveLength(3);
    expect(gateway.app.get(Intake).underWay).toBe(0);
  });

  it('or is cut off, where it asks for more at once than anybody needs', async () => {
    upstream.play(silent);
    const client = ask('lab/flood', true, 102);
    await once(client.resume(), 'close');
    expect(await recordsOf('lab/flood', 102)).toHaveLength(102);
    expect(gateway.app.get(Intake).underWay).toBe(0);
  });

  it('before it has been accepted', async () => {
    const connected = once(deaf, 'connection');
    const client = ask('deaf/m', true);
    await connected;
    client.destroy();
    expect(await recordsOf('deaf/m')).toMatchObject([{ outcome: 'abandoned', attempts: [{ outcome: 'abandoned' }] }]);
  });

  it('and nobody else does: of 50 clients half go, the others get all of it', async () => {
    upstream.play(async ({ response }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (let n = 0; n < 20 && !response.destroyed; n += 1) {
        response.write(events(chunk({ ...(n === 0 && { role: 'assistant' }), content: `${n} ` })));
        await delay(10);
      }
      response.end(events(chunk({}, 'stop'), '[DONE]'));
    });
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, at) => {
        const client = ask('lab/crowd', true).setEncoding('utf8').resume();
        let text = '';
        client.on('data', (piece: string) => {
          text += piece;
          if (at % 2 === 0 && text.includes('"5 "')) client.destroy();
        });
        await once(client, 'close');
        return text;
      }),
    );
    for (const text of answers.filter((_, at) => at % 2 === 1)) {
      expect(text).toContain('"19 "');
      expect(text).toContain('data: [DONE]');
    }
    const over = await Promise.all(upstream.requests.map((call) => within(1_000, call.over)));
    expect(over.filter((how) => how === 'cancelled')).toHaveLength(25);
    const outcomes = (await recordsOf('lab/crowd', 50)).map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === 'abandoned')).toHaveLength(25);
    expect(outcomes.filter((outcome) => outcome === 'completed')).toHaveLength(25);
  });

  it('and the gateway goes on', async () => {
    upstream.play(answerWith(completion('ok')));
    const client = ask('lab/m', false).setEncoding('utf8').resume();
    const [text] = (await once(client, 'data')) as [string];
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    client.destroy();
  });
});

const MB = 1024 * 1024;
const PIECE = 'x'.repeat(64 * 1024);
const EVENT = events(chunk({ content: PIECE }));

/** Streams so many events as fast as they are taken. */
function flood(count: number): { readonly script: Script; readonly written: () => number } {
  let written = 0;
  const script: Script = async ({ response }) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(events(chunk({ role: 'assistant', content: '' })));
    for (let n = 0; n < count && !response.destroyed; n += 1) {
      written += EVENT.length;
      if (!response.write(EVENT)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
    }
    if (!response.destroyed) response.end(events(chunk({}, 'stop'), '[DONE]'));
  };
  return { script, written: () => written };
}

describe('a client that does not read', () => {
  it('is dropped after a while, whoever it is and whatever it asked for', async () => {
    const server = gateway.app.getHttpServer();
    const usual = server.timeout;
    server.timeout = 500; // of connections from now on
    const stranger = connectTo(gateway.url).on('error', () => undefined);
    await once(stranger, 'connect');
    stranger.pause();
    stranger.write('GET /openapi.json HTTP/1.1\r\nhost: gateway\r\n\r\n'.repeat(90));
    const intake = gateway.app.get(Intake);
    while (intake.underWay === 0) await delay(5);
    await delay(250);
    expect(intake.underWay).toBeGreaterThan(0);
    for (let waited = 0; intake.underWay > 0 && waited < 5_000; waited += 50) await delay(50);
    expect(intake.underWay).toBe(0);
    server.timeout = usual;
    stranger.destroy();
  });

  it('is kept as long as it waits for an answer', async () => {
    const server = gateway.app.getHttpServer();
    const usual = server.timeout;
    server.timeout = 100;
    upstream.play(async ({ response }) => {
      await delay(400);
      response.end(JSON.stringify(completion('late')));
    });
    const client = ask('lab/late', false).setEncoding('utf8');
    const pieces = (await client.resume().toArray()) as string[];
    expect(pieces.join('')).toContain('late');
    server.timeout = usual;
  });

  it('stops the provider after a bounded amount', async () => {
    const { script, written } = flood((200 * MB) / PIECE.length);
    upstream.play(script);
    const before = process.memoryUsage().rss;
    const client = ask('lab/m', true);
    const call = await upstream.next();
    let last = -1;
    while (last !== written()) {
      last = written();
      await delay(500);
    }
    const grown = process.memoryUsage().rss - before;
    client.destroy();
    expect(last).toBeGreaterThan(PIECE.length);
    // The kernel buffers four times on the way, with up to 6 MB each; what the gateway holds itself shows in its memory.
    expect(last).toBeLessThan(32 * MB);
    expect(grown).toBeLessThan(60 * MB);
    expect(await within(1_000, call.over)).toBe('cancelled');
  });

  it('gets all of it once it reads', async () => {
    const count = (24 * MB) / PIECE.length;
    upstream.play(flood(count).script);
    const client = ask('lab/m', true).setEncoding('latin1');
    await delay(300);
    const hash = createHash('sha256');
    let text = '';
    client.on('data', (piece: string) => (text += piece)).resume();
    await once(client, 'end');
    const body = unchunked(text.slice(text.indexOf('\r\n\r\n') + 4));
    const expected =
      events(chunk({ role: 'assistant', content: '' })) + EVENT.repeat(count) + events(chunk({}, 'stop'), '[DONE]');
    expect(body).toHaveLength(expected.length);
    expect(hash.update(body).digest('hex')).toBe(createHash('sha256').update(expected).digest('hex'));
  });
});

function unchunked(text: string): string {
  const pieces: string[] = [];
  for (let at = 0; ;) {
    const end = text.indexOf('\r\n', at);
    const size = parseInt(text.slice(at, end), 16);
    if (!(size > 0)) return pieces.join('');
    pieces.push(text.slice(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}
