import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { startGateway, type Gateway } from '../support/gateway.js';

/** A request as a real client wrote it. */
interface ClientRequest {
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

const recordings = process.env['PARLEY_RECORDINGS'];
const root =
  process.env['PARLEY_CLIENT_REQUESTS'] ??
  (recordings === undefined ? undefined : join(recordings, '..', 'client-requests'));
const requests = root !== undefined && existsSync(root) ? readRequests(root) : [];

function readRequests(folder: string): readonly ClientRequest[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /chat-completions.*\.json$/.test(file))
    .sort()
    .map((file) => ({ ...(JSON.parse(readFileSync(join(folder, file), 'utf8')) as ClientRequest), name: file }));
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Sends the headers the client sent, but for its key and what goes with the place and the length. */
function send(gateway: Gateway, { url, headers, body }: ClientRequest): Promise<Answer> {
  const { host: _host, 'content-length': _length, connection: _connection, ...kept } = headers;
  const target = new URL(url, gateway.url);
  const options = { method: 'POST', headers: { ...kept, authorization: `Bearer ${gateway.key}` } };
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(target, options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    outgoing.once('error', reject).end(JSON.stringify(body));
  });
}

function expectAnswer({ status, headers, text }: Answer, { body }: ClientRequest): void {
  expect({ status, text: status === 200 ? '' : text }).toEqual({ status: 200, text: '' });
  expect(headers).not.toHaveProperty('content-encoding'); // many clients offer gzip, which would hold a stream back
  if (body['stream'] !== true) {
    expect(headers['content-type']).toBe('application/json');
    const { choices, usage } = JSON.parse(text) as { choices: { finish_reason: string }[]; usage: object };
    expect(choices).toHaveLength(typeof body['n'] === 'number' ? body['n'] : 1);
    for (const choice of choices) expect(choice.finish_reason).toMatch(/^(stop|length|tool_calls|function_call)$/);
    expect(usage).toMatchObject({ total_tokens: expect.any(Number) });
    return;
  }
  expect(headers['content-type']).toMatch(/^text\/event-stream/);
  expect(text).toMatch(/^(data: .+\n\n)+$/);
  const events = text.split('\n\n').slice(0, -1);
  expect(events.pop()).toBe('data: [DONE]');
  const chunks = events.map((event) => JSON.parse(event.slice(6)) as { object: string; choices: unknown[] });
  for (const chunk of chunks) expect(chunk).toMatchObject({ object: 'chat.completion.chunk' });
  const asked = (body['stream_options'] as { include_usage?: boolean } | null | undefined)?.include_usage === true;
  expect(chunks.filter(({ choices }) => choices.length === 0)).toHaveLength(asked ? 1 : 0);
}

/** Nothing of the switch is left in a body that is asked not to stream: OpenAI refuses options without a stream. */
function toggled(request: ClientRequest): ClientRequest {
  const { stream, stream_options: _options, ...body } = request.body;
  return { ...request, body: stream === true ? body : { ...body, stream: true } };
}

if (requests.length === 0) {
  it.skip('PARLEY_CLIENT_REQUESTS names no folder of recorded client requests', () => undefined);
} else {
  describe('requests that real clients have sent', () => {
    let gateway: Gateway;
    beforeAll(async () => {
      const names = new Set(requests.map(({ body }) => String(body['model'])));
      const target = { targets: [{ provider: 'simulator', model: 'simulator' }] };
      gateway = await startGateway({
        config: {
          providers: { simulator: {} },
          models: Object.fromEntries([...names].map((name) => [name, target])),
        },
      });
    });
    afterAll(() => gateway.close());

    it.each(requests.map((request): [string, ClientRequest] => [request.name, request]))('%s', async (_, request) => {
      expectAnswer(await send(gateway, request), request);
      const other = toggled(request);
      expectAnswer(await send(gateway, other), other);
    });
  });
}
