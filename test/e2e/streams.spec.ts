import { jest } from '@jest/globals';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
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
  type UpstreamRequest,
} from '../support/upstream.js';

const FIRST = events(chunk({ role: 'assistant', content: 'Hel' }));
const REST = events(chunk({ content: 'lo' }), chunk({}, 'stop'), '[DONE]');
const KEEP_ALIVE = ': keep-alive\n\n';

/** Only the timers of the gateway stand still: sockets go on as they do. */
const clock = () =>
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance', 'Date', 'hrtime'] });

let upstream: FakeUpstream;
let second: FakeUpstream;
const gateways: Gateway[] = [];

async function start(earlyHeaders: boolean): Promise<Gateway> {
  const gateway = await startGateway({
    config: {
      server: { earlyHeaders },
      providers: {
        lab: { type: 'openai-compatible', baseUrl: upstream.url },
        spare: { type: 'openai-compatible', baseUrl: second.url },
      },
      models: {
        m: {
          targets: [
            { provider: 'lab', model: 'm' },
            { provider: 'spare', model: 'm' },
          ],
          retries: 0,
        },
      },
    },
  });
  gateways.push(gateway);
  return gateway;
}

/** A client that keeps what it has read. */
function ask(gateway: Gateway, stream = true) {
  const body = JSON.stringify({ model: 'm', stream, messages: [{ role: 'user', content: 'hi' }] });
  const socket = connectTo(gateway.url);
  socket.on('error', () => undefined);
  const client = { socket, read: '', closed: once(socket, 'close') };
  socket.on('data', (bytes: Buffer) => (client.read += bytes.toString()));
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer ${gateway.key}\r\n` +
      `connection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  return client;
}

/** Until something is so; the clocks of the gateway stand still meanwhile. */
async function until(isSo: () => boolean): Promise<void> {
  const end = performance.now() + 5_000;
  while (!isSo()) {
    if (performance.now() > end) throw new Error('It never came to that.');
    await turn();
  }
}

/** Until its connection is closed; the clocks go on, as its usage is to be written. */
async function over(client: ReturnType<typeof ask>): Promise<void> {
  let isClosed = false;
  void client.closed.then(() => (isClosed = true));
  while (!isClosed) {
    await jest.advanceTimersByTimeAsync(1);
    await turn();
  }
}

const opened = async (host: FakeUpstream): Promise<UpstreamRequest['response']> => {
  const { response } = await host.next();
  response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  return response;
};

beforeAll(async () => {
  upstream = await startUpstream();
  second = await startUpstream();
});

beforeEach(() => {
  upstream.play(() => undefined);
  second.play(() => undefined);
});

afterEach(async () => {
  jest.useRealTimers();
  for (const gateway of gateways.splice(0)) await gateway.close();
});

afterAll(async () => {
  await upstream.close();
  await second.close();
});

describe('a stream that is silent', () => {
  it('is kept alive by a comment every fifteen seconds once it is open, and not before', async () => {
    const gateway = await start(false);
    clock();
    const client = ask(gateway);
    const answer = await opened(upstream);
    await jest.advanceTimersByTimeAsync(40_000);
    expect(client.read).toBe('');
    answer.write(FIRST);
    await until(() => client.read.includes('Hel'));
    await jest.advanceTimersByTimeAsync(14_000);
    expect(client.read).not.toContain(KEEP_ALIVE);
    await jest.advanceTimersByTimeAsync(17_000);
    await until(() => client.read.split(KEEP_ALIVE).length === 3);
    answer.end(REST);
    await over(client);
    expect(client.read).toMatch(/Hel[^]*: keep-alive\n\n[^]*: keep-alive\n\n[^]*"lo"[^]*data: \[DONE\]/);
  });

  it('is opened by such a comment where headers are to come early; what fails behind it is still made good', async () => {
    const gateway = await start(true);
    clock();
    const client = ask(gateway);
    const { response } = await upstream.next();
    await jest.advanceTimersByTimeAsync(15_000);
    await until(() => client.read.includes(KEEP_ALIVE));
    expect(client.read).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*content-type: text\/event-stream/i);
    response.writeHead(500).end('{}');
    const answer = await opened(second);
    answer.end(FIRST + REST);
    await over(client);
    expect(client.read).toMatch(/: keep-alive\n\n[^]*"Hel"[^]*"lo"[^]*\[DONE\]/);
    expect(client.read).not.toContain('error');
  });

  it('ends with an error frame where all fail after it was opened early', async () => {
    const gateway = await start(true);
    clock();
    const client = ask(gateway);
    const { response } = await upstream.next();
    await jest.advanceTimersByTimeAsync(15_000);
    await until(() => client.read.includes(KEEP_ALIVE));
    second.play(answerWith({ error: { message: 'Oops' } }, { status: 500 }));
    response.writeHead(500).end('{}');
    await over(client);
    expect(client.read).toMatch(/: keep-alive\n\n[^]*data: {"error":{"message":"Oops"/);
    expect(client.read).not.toContain('[DONE]');
  });

  it('is a status as long as it may be: a plain answer and one that fails at once', async () => {
    const gateway = await start(true);
    for (const stream of [true, false]) {
      upstream.play(answerWith({ error: { message: 'x' } }, { status: 400 }));
      const client = ask(gateway, stream);
      await client.closed;
      expect(client.read).toMatch(/^HTTP\/1.1 400 /);
    }
  });
});

describe('a client that does not read', () => {
  /** Much more than sockets hold. */
  const FLOOD = events(chunk({ content: 'x'.repeat(60_000) })).repeat(400);

  it('holds the provider up, and is given up when it has taken nothing for a minute', async () => {
    const gateway = await start(false);
    clock();
    const client = ask(gateway);
    client.socket.pause();
    const request = await upstream.next();
    request.response.writeHead(200, { 'content-type': 'text/event-stream' });
    request.response.write(FLOOD);
    let held = -1;
    await until(() => {
      const still = request.response.writableLength === held && held > 0;
      held = request.response.writableLength;
      return still;
    });
    for (let turns = 0; turns < 2_000; turns += 1) await turn();
    await jest.advanceTimersByTimeAsync(59_000);
    await turn();
    expect(request.response.destroyed).toBe(false);
    await jest.advanceTimersByTimeAsync(2_000);
    expect(await request.over).toBe('cancelled');
    jest.useRealTimers();
    client.socket.destroy();
    const { data } = (await (await gateway.admin('GET', '/admin/requests')).json()) as { data: unknown[] };
    expect(data).toMatchObject([{ outcome: 'abandoned', stream: true, attempts: [{ outcome: 'abandoned' }] }]);
  });

  it('is given up as well where all of its answer has been written', async () => {
    const gateway = await start(false);
    upstream.play(answerWith(completion('x'.repeat(30_000_000))));
    clock();
    const client = ask(gateway, false);
    client.socket.pause();
    expect(await (await upstream.next()).over).toBe('answered');
    for (let turns = 0; turns < 100; turns += 1) {
      await jest.advanceTimersByTimeAsync(1); // its usage is written meanwhile
      await turn();
    }
    const intake = gateway.app.get(Intake);
    await jest.advanceTimersByTimeAsync(58_000);
    expect(intake.underWay).toBe(1);
    await jest.advanceTimersByTimeAsync(3_000);
    await until(() => intake.underWay === 0);
    client.socket.destroy();
  });
});
