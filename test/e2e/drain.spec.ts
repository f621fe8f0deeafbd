import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { build, makeHome, type Build, type GatewayProcess, type Home } from '../support/process.js';
import { connectTo } from '../support/raw-http.js';
import { chunk, events, startUpstream, type FakeUpstream, type UpstreamRequest } from '../support/upstream.js';

const KEY = `sk-parley-${'k'.repeat(43)}`;
const REFUSED = { error: { type: 'service_unavailable_error', code: 'shutting_down', param: null } };

let built: Build;
let upstream: FakeUpstream;
let home: Home;
let gateway: GatewayProcess;
/** The calls upstream, by the model they are for. */
let calls: Map<string, UpstreamRequest>;

beforeAll(async () => {
  built = build();
  upstream = await startUpstream();
});
afterAll(async () => {
  built.remove();
  await upstream.close();
});
afterEach(() => home.remove());

/** A gateway in front of a provider that begins each stream, and ends what `finish` names; what else it is asked waits. */
async function start(drainTimeout: string): Promise<void> {
  calls = new Map();
  upstream.play((call) => {
    const { model, stream } = JSON.parse(call.body) as { readonly model: string; readonly stream?: boolean };
    calls.set(model, call);
    if (stream === true && model !== 'silent')
      call.response.write(events(chunk({ role: 'assistant', content: 'first' })));
  });
  home = await makeHome({
    server: { drainTimeout },
    providers: { lab: { type: 'openai-compatible', baseUrl: upstream.url } },
    keys: [{ name: 'test', key: KEY }],
  });
  gateway = await home.start(built);
}

function finish(model: string): void {
  calls.get(model)?.response.end(events(chunk({ content: 'last' }), chunk({}, 'stop'), '[DONE]'));
}

/** A connection of a client that keeps it alive, and all that came over it. */
class Connection {
  received = '';
  readonly closed: Promise<unknown>;
  readonly #socket: Socket;

  constructor() {
    this.#socket = connectTo(gateway.url).setEncoding('utf8');
    this.#socket.on('data', (piece: string) => (this.received += piece)).on('error', () => undefined);
    this.closed = once(this.#socket, 'close');
  }

  get(path: string): void {
    this.write(`GET ${path} HTTP/1.1\r\nhost: gateway\r\n\r\n`);
  }

  /** Asks, and sends only so many bytes of the body. */
  ask(model: string, { stream = true, bytes = Infinity } = {}): string {
    const body = JSON.stringify({ model: `lab/${model}`, stream, messages: [{ role: 'user', content: 'hi' }] });
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer ${KEY}\r\n`;
    this.write(`${head}content-length: ${body.length}\r\n\r\n${body.slice(0, bytes)}`);
    return body.slice(bytes);
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  async until(text: string): Promise<void> {
    while (!this.received.includes(text)) await once(this.#socket, 'data');
  }

  /** What came after this text, head and body apart. */
  after(text: string): { readonly head: string; readonly body: string } {
    const from = this.received.indexOf(text) + text.length;
    const [head = '', body = ''] = this.received.slice(from).split('\r\n\r\n');
    return { head: head.toLowerCase(), body };
  }
}

async function openStream(model: string): Promise<Connection> {
  const connection = new Connection();
  connection.ask(model);
  await connection.until('first');
  return connection;
}

/** The listener is gone: the signal was heard. */
async function stopped(): Promise<void> {
  for (let taken = true; taken;) {
    const socket = connectTo(gateway.url);
    taken = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
  }
}

/** How a chunked body ends where it is whole. */
const END = 'data: [DONE]\n\n\r\n0\r\n\r\n';

it('finishes what is open, takes on nothing new, and then ends', async () => {
  await start('20s');
  const idle = new Connection();
  idle.get('/healthz');
  await idle.until('{"status":"ok"}');
  const longest = await openStream('longest');
  const [first, second, third] = [await openStream('a'), await openStream('b'), await openStream('c')];
  const whole = new Connection();
  whole.ask('whole', { stream: false });
  while (!calls.has('whole')) await pause(5);

  gateway.signal('SIGTERM');
  await Promise.all([stopped(), idle.closed]);

  // A probe before its turn, and a request whose body comes late: both after the answer that is open.
  second.get('/readyz');
  finish('a');
  await first.until(END);
  const rest = first.ask('late', { bytes: 20 });
  await pause(100);
  expect(first.received).not.toContain('HTTP/1.1 503');
  first.write(rest);
  finish('b');
  await Promise.all([first.closed, second.closed]);

  const refused = first.after(END);
  expect(refused.head).toMatch(/^http\/1\.1 503 /);
  for (const header of ['connection: close', 'x-should-retry: true', 'retry-after: 1', 'retry-after-ms: 1000'])
    expect(refused.head.split('\r\n')).toContain(header);
  expect(JSON.parse(refused.body)).toMatchObject(REFUSED);
  expect(calls.has('late')).toBe(false);

  const probed = second.after(END);
  expect(probed.head).toMatch(/^http\/1\.1 503 .*connection: close/s);
  expect(JSON.parse(probed.body)).toMatchObject({ status: 'draining', draining: true });

  const answer = { choices: [{ index: 0, message: { role: 'assistant', content: 'ok' }, finish_reason: 'stop' }] };
  calls.get('whole')?.response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  await whole.closed;
  expect(whole.received.toLowerCase()).toMatch(/^http\/1\.1 200 .*connection: close.*"content":"ok"/s);

  finish('c');
  await third.closed; // though it asks for nothing more
  expect(third.received).toMatch(/data: \[DONE\]\n\n\r\n0\r\n\r\n$/);

  expect(gateway.ended).toBeUndefined();
  finish('longest');
  await longest.until(END);
  expect(longest.received).toContain('"last"');
  const finishedAt = performance.now();
  expect(await gateway.end).toBe(0);
  expect(performance.now() - finishedAt).toBeLessThan(1_000);
});

it('tells those whose answers take too long, and keeps their usage', async () => {
  await start('300ms');
  const open = await openStream('open');
  const [silent, whole] = [new Connection(), new Connection()];
  silent.ask('silent');
  whole.ask('whole', { stream: false });
  while (calls.size < 3) await pause(5);

  const toldAt = performance.now();
  gateway.signal('SIGTERM');
  await Promise.all([open.closed, silent.closed, whole.closed]);
  expect(performance.now() - toldAt).toBeGreaterThan(290);
  expect(await gateway.end).toBe(0);
  expect(performance.now() - toldAt).toBeLessThan(2_000);

  const [, frame = ''] = /data: (\{"error".*\})\n\n\r\n0\r\n\r\n$/.exec(open.received) ?? [];
  expect(JSON.parse(frame)).toMatchObject(REFUSED);
  expect(open.received).not.toContain('[DONE]');
  for (const { received } of [silent, whole]) {
    const [head = '', body = ''] = received.split('\r\n\r\n');
    expect(head.toLowerCase()).toMatch(/^http\/1\.1 503 .*x-should-retry: true.*connection: close/s);
    expect(JSON.parse(body)).toMatchObject(REFUSED);
  }
  const over = [...calls.values()].map((call) => call.over);
  expect(await Promise.all(over)).toEqual(['cancelled', 'cancelled', 'cancelled']);

  const next = await home.start(built);
  const { data } = (await next.admin('/admin/requests')) as { data: readonly Readonly<Record<string, unknown>>[] };
  const rows = data.map(({ model, outcome, status, error_code: code }) => [model, outcome, status, code]);
  expect(rows.toSorted()).toEqual([
    ['lab/open', 'failed', 200, 'shutting_down'],
    ['lab/silent', 'failed', 503, 'shutting_down'],
    ['lab/whole', 'failed', 503, 'shutting_down'],
  ]);
});

it('does not wait for ever for a request that never comes whole', async () => {
  await start('100ms');
  const connection = new Connection();
  connection.ask('never', { bytes: 20 });
  await fetch(`${gateway.url}/healthz`, { headers: { connection: 'close' } }); // whoever came before was let in
  const toldAt = performance.now();
  gateway.signal('SIGTERM');
  expect(await gateway.end).toBe(0);
  expect(performance.now() - toldAt).toBeGreaterThan(2_000);
  expect(performance.now() - toldAt).toBeLessThan(4_000);
  await connection.closed;
});

it('ends at once at a second signal, of whichever kind', async () => {
  await start('20s');
  const open = await openStream('open');
  gateway.signal('SIGINT');
  await pause(20);
  gateway.signal('SIGINT'); // the same once more, as under `npm start`
  await stopped();
  await pause(150);
  expect(gateway.ended).toBeUndefined();
  gateway.signal('SIGTERM');
  const toldAt = performance.now();
  expect(await gateway.end).toBe(1);
  expect(performance.now() - toldAt).toBeLessThan(1_000);
  await open.closed;
});
