import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { findLocalServers, type LocalServer } from './local-servers.js';

const servers: Server[] = [];

async function listening(answer: RequestListener): Promise<number> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return (server.address() as AddressInfo).port;
}

const saying =
  (body: unknown, status = 200): RequestListener =>
  (_, response) =>
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(typeof body === 'string' ? body : JSON.stringify(body));

const LIST = { object: 'list', data: [{ id: 'llama3.2:1b', object: 'model' }, { id: 'qwen3' }] };
const at = (port: number): readonly LocalServer[] => [{ type: 'vllm', name: 'vLLM', port }];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

describe('findLocalServers', () => {
  it('asks for the models once and says what it found', async () => {
    const paths: (string | undefined)[] = [];
    const port = await listening((request, response) => {
      paths.push(`${request.method} ${request.url}`);
      saying(LIST)(request, response);
    });
    expect(await findLocalServers({ ownPort: 1, servers: at(port) })).toEqual([
      { type: 'vllm', name: 'vLLM', baseUrl: `http://127.0.0.1:${port}/v1`, models: ['llama3.2:1b', 'qwen3'] },
    ]);
    expect(paths).toEqual(['GET /v1/models']);
  });

  it.each<[string, RequestListener]>([
    ['another shape', saying({ models: [] })],
    ['a list of something else', saying({ object: 'list', data: [{ name: 'x' }] })],
    ['a list that is none', saying({ object: 'list', data: null })],
    ['ids that are no text', saying({ object: 'list', data: [{ id: 7 }] })],
    ['ids that would spoil a log', saying({ object: 'list', data: [{ id: 'a\u001b[2Jb' }] })],
    ['null', saying(null)],
    ['a web page', saying('<html>hello</html>')],
    ['nothing', saying('')],
    ['an error', saying(LIST, 500)],
    ['a redirect', (_, response) => response.writeHead(302, { location: '/elsewhere' }).end()],
    ['too much', saying({ ...LIST, filler: 'x'.repeat(1_100_000) })],
    ['no answer at all', () => undefined],
    ['an answer without end', (_, response) => void response.write('{"object":"list"')],
    ['a broken connection', (_, response) => void response.destroy()],
  ])('passes over a server that gives %s, within its time', async (_, answer) => {
    const port = await listening(answer);
    const startedAt = performance.now();
    expect(await findLocalServers({ ownPort: 1, servers: at(port) })).toEqual([]);
    expect(performance.now() - startedAt).toBeLessThan(1500);
  });

  it('never finds the gateway itself, and passes over closed ports', async () => {
    let asked = 0;
    const port = await listening((request, response) => {
      asked += 1;
      saying(LIST)(request, response);
    });
    expect(await findLocalServers({ ownPort: port, servers: [...at(port), ...at(1)] })).toEqual([]);
    expect(asked).toBe(0);
  });

  it.each([
    [undefined, true],
    ['', true],
    ['PORT', false],
    [':PORT', true],
    ['127.0.0.1:PORT', true],
    ['localhost:PORT', true],
    ['0.0.0.0:PORT', true],
    ['0.0.0.0', true],
    ['http://127.0.0.1:PORT/', true],
    ['[::1]:PORT', true],
    ['192.0.2.1:PORT', false],
    ['example.com', false],
    ['https://localhost:PORT', false],
    ['http://[broken', false],
  ])('looks for Ollama at OLLAMA_HOST=%s only on this machine', async (host, isFound) => {
    const port = await listening(saying(LIST));
    const found = await findLocalServers({
      ownPort: 1,
      ollamaHost: host?.replace('PORT', String(port)),
      servers: [{ type: 'ollama', name: 'Ollama', port }],
    });
    expect(found.map(({ baseUrl }) => baseUrl)).toEqual(isFound ? [`http://127.0.0.1:${port}/v1`] : []);
  });
});
