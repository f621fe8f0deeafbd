import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSocketServer, type AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs';
import { TruncatedStreamError, UpstreamUnreachableError } from '../domain/errors.js';
import { Flow } from '../domain/flow.js';
import { HttpTransport, type WireCall } from './http-transport.js';
import { WireFailureError } from './wire-failure-error.js';

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

describe('HttpTransport', () => {
  const transport = new HttpTransport();
  let server: Server;
  let answer: Answer;
  let connections = 0;
  /** The request whose connection closed before its answer was whole. */
  let onCut: (path: string) => void;
  let cut: Promise<string>;
  let base = '';

  beforeAll(async () => {
    server = createServer((request, response) => {
      response.once('close', () => {
        if (!response.writableFinished) onCut(request.url ?? '');
      });
      request.resume().once('end', () => answer(response, request));
    });
    server.on('connection', () => (connections += 1));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  beforeEach(() => {
    connections = 0;
    cut = new Promise((resolve) => (onCut = resolve));
  });

  afterAll(async () => {
    await transport.onApplicationShutdown();
    await new Promise((resolve) => server.close(resolve));
  });

  const call = (path = '/a?b=1'): WireCall => ({
    url: base + path,
    headers: { 'x-key': 'k' },
    body: '{"é":1}',
    connectTimeout: 1000,
  });
  const send = (stops: (() => void)[] = []) => transport.send(call(), (stop) => stops.push(stop));
  const text = (pieces: readonly Buffer[]) => Buffer.concat(pieces).toString();

  it('posts the body to the very path and gives back the whole answer', async () => {
    answer = (response, { method, url, headers }) => {
      response.write('{"method":"');
      setTimeout(
        () => response.end(`${method} ${url} ${String(headers['x-key'])} ${String(headers['content-length'])}"}`),
        5,
      );
    };
    expect(JSON.parse((await send()).toString())).toEqual({ method: 'POST /a?b=1 k 8' });
  });

  it('tells of many small pieces of one read as one', async () => {
    const events = Array.from({ length: 50 }, (_, at) => `data: ${at}\n\n`);
    answer = (response) => {
      response.cork();
      for (const event of events) response.write(event);
      response.uncork();
      response.end();
    };
    const pieces = await lastValueFrom(transport.stream(call(), new Flow()).pipe(toArray()));
    expect(text(pieces)).toBe(events.join(''));
    expect(pieces.length).toBeLessThan(10);
  });

  it('holds the provider up while the client cannot take more, and loses nothing', async () => {
    const piece = Buffer.alloc(64 * 1024, 'x');
    let sent = 0;
    answer = (response) => {
      const more = (): void => {
        while (sent < 400) {
          sent += 1;
          if (!response.write(piece)) {
            response.once('drain', more);
            return;
          }
        }
        response.end();
      };
      more();
    };
    const flow = new Flow();
    let received = 0;
    const done = new Promise<void>((resolve, reject) => {
      transport.stream(call(), flow).subscribe({
        next: (bytes) => {
          if (received === 0) flow.pause();
          received += bytes.length;
        },
        error: reject,
        complete: resolve,
      });
    });
    await wait(300);
    const held = received;
    expect(held).toBeLessThan(2_000_000);
    expect(sent).toBeLessThan(400);
    await wait(100);
    expect(received).toBe(held);
    flow.resume();
    await done;
    expect(received).toBe(400 * piece.length);
  });

  it.each<readonly [string, Answer]>([
    ['before the headers', () => undefined],
    ['after the headers', (response) => void response.write('data: 1\n\n')],
  ])('closes the connection when the call is given up %s', async (_, script) => {
    const started = new Promise<void>((resolve) => {
      answer = (response, request) => {
        script(response, request);
        resolve();
      };
    });
    const stops: (() => void)[] = [];
    let settled = false;
    void send(stops).finally(() => (settled = true));
    await started;
    await wait(20);
    stops.forEach((stop) => stop());
    expect(await cut).toBe('/a?b=1');
    expect(settled).toBe(false); // whoever gave it up asks no more
    const stream = transport.stream(call('/stream'), new Flow()).subscribe({ error: () => (settled = true) });
    cut = new Promise((resolve) => (onCut = resolve));
    await wait(50);
    stream.unsubscribe();
    expect(await cut).toBe('/stream');
    expect(settled).toBe(false);
  });

  it('sends nothing for a call given up before its connection is open', async () => {
    let asked = 0;
    answer = (response) => {
      asked += 1;
      response.end();
    };
    const fresh = new HttpTransport();
    fresh.stream(call(), new Flow()).subscribe().unsubscribe();
    await wait(50);
    expect(asked).toBe(0);
    await fresh.onApplicationShutdown();
  });

  it.each([
    [401, 'no', { 'retry-after': '3' }],
    [500, '', {}],
    [302, 'moved', { location: 'http://127.0.0.1:1/' }],
    [304, '', {}],
  ] as const)('fails with the status %i, its headers and its body', async (status, body, headers) => {
    answer = (response) => void response.writeHead(status, { ...headers }).end(body);
    const failure = { status, body, headers: expect.objectContaining(headers) };
    const error: unknown = await send().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(WireFailureError);
    expect(error).toMatchObject({ failure });
    await expect(firstValueFrom(transport.stream(call(), new Flow()))).rejects.toMatchObject({ failure });
  });

  it('keeps no more of an error page than anybody reads', async () => {
    answer = (response) => void response.writeHead(500).end('x'.repeat(3_000_000));
    const error = (await send().catch((thrown: unknown) => thrown)) as WireFailureError;
    expect(error.failure.body.length).toBeLessThanOrEqual(256 * 1024);
    expect(error.failure.body.length).toBeGreaterThan(0);
  });

  it('keeps the status of an error whose body is cut', async () => {
    answer = (response) => {
      response.writeHead(503, { 'content-length': '100' });
      response.write('half');
      setTimeout(() => response.destroy(), 20);
    };
    await expect(send()).rejects.toMatchObject({ failure: { status: 503, body: 'half' } });
  });

  it.each<readonly [string, Answer]>([
    ['a chunked one', (response) => response.write('half')],
    ['one of known length', (response) => void response.writeHead(200, { 'content-length': '100' }).write('half')],
  ])('says when an answer breaks off: %s', async (_, begin) => {
    answer = (response, request) => {
      begin(response, request);
      setTimeout(() => response.destroy(), 20);
    };
    await expect(send()).rejects.toBeInstanceOf(TruncatedStreamError);
    const pieces: Buffer[] = [];
    const error = await new Promise((resolve) => {
      transport.stream(call(), new Flow()).subscribe({ next: (piece) => pieces.push(piece), error: resolve });
    });
    expect(error).toBeInstanceOf(TruncatedStreamError);
    expect(text(pieces)).toBe('half');
  });

  it('says when nobody answers', async () => {
    answer = (response) => void response.destroy();
    await expect(send()).rejects.toBeInstanceOf(UpstreamUnreachableError);
    const closed = createSocketServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const error = await transport
      .send({ ...call(), url: `http://127.0.0.1:${port}/` }, () => undefined)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      status: 502,
      code: 'upstream_unreachable',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('uses a connection again once its answer is whole', async () => {
    answer = (response) => void response.end('ok');
    const fresh = new HttpTransport();
    for (let at = 0; at < 20; at += 1) await fresh.send(call(), () => undefined);
    // A second one, as the first is not free yet in the very moment in which its answer ends.
    expect(connections).toBeLessThanOrEqual(2);
    await fresh.onApplicationShutdown();
  });
});
