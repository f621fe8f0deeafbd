import { startGateway, type Gateway } from '../support/gateway.js';
import { exchangeRaw, type RawOptions } from '../support/raw-http.js';
import { captureLog, expectRefusal, type CapturedLog } from '../support/refusal.js';

let gateway: Gateway;
let log: CapturedLog;

beforeAll(async () => {
  log = captureLog();
  gateway = await startGateway({
    config: { providers: { simulator: {} }, server: { bodyLimit: '64kb' } },
    env: { PARLEY_LOG_LEVEL: 'trace' },
  });
});

afterAll(async () => {
  await gateway.close();
  log.stop();
});

const PATH = '/v1/chat/completions';
const BODY = JSON.stringify({ model: 'simulator', messages: [{ role: 'user', content: 'hi' }], max_tokens: 2 });
const LENGTH = `content-length: ${BODY.length}`;
const JSON_TYPE = 'content-type: application/json';

/** A request as text; `KEY` and `ADMIN` stand for the gateway's keys. */
function http(line: string, headers: readonly string[] = [], body = ''): string {
  return `${[line, 'host: gateway', ...headers].join('\r\n')}\r\n\r\n${body}`;
}
const post = (headers: readonly string[], body = BODY, line = `POST ${PATH} HTTP/1.1`) =>
  http(line, ['authorization: Bearer KEY', ...headers], body);
const withKeys = (text: string) => text.replaceAll('KEY', gateway.key).replaceAll('ADMIN', gateway.adminKey);
const exchange = (text: string, options?: RawOptions) => exchangeRaw(gateway.url, withKeys(text), options);

type Case = [name: string, request: string, status: number, code: string | null, headers?: Record<string, string>];

const STRANGERS: Case[] = [
  ['no credential', http(`POST ${PATH} HTTP/1.1`, [JSON_TYPE, LENGTH], BODY), 401, null],
  ['an empty one', http(`POST ${PATH} HTTP/1.1`, ['authorization:', LENGTH], BODY), 401, null],
  ['a scheme without a key', http(`POST ${PATH} HTTP/1.1`, ['authorization: Bearer ', LENGTH], BODY), 401, null],
  ['another scheme', http(`POST ${PATH} HTTP/1.1`, ['authorization: Basic S0VZ', LENGTH], BODY), 401, null],
  ['the key without a scheme', http(`POST ${PATH} HTTP/1.1`, ['authorization: KEY', LENGTH], BODY), 401, null],
  ['an unknown key', post(['x-a: b', LENGTH]).replace('KEY', 'sk-parley-nope'), 401, 'invalid_api_key'],
  ['a key of bytes', post([LENGTH]).replace('KEY', 'sk-parley-\xff\xfe'), 401, 'invalid_api_key'],
  ['half a key', post([LENGTH]).replace('Bearer KEY', 'Bearer KEY').replace('KEY', 'KE'), 401, 'invalid_api_key'],
  ['a key as long as headers go', post([LENGTH]).replace('KEY', 'k'.repeat(12_000)), 401, 'invalid_api_key'],
  ['the admin key', post([LENGTH]).replace('KEY', 'ADMIN'), 401, 'invalid_api_key'],
  ['a key for /admin', http('GET /admin/keys HTTP/1.1', ['authorization: Bearer KEY']), 401, 'invalid_api_key'],
  ['the key in the query', http(`POST ${PATH}?api_key=KEY HTTP/1.1`, [LENGTH], BODY), 401, null],
  ['an oversize body', http(`POST ${PATH} HTTP/1.1`, ['content-length: 99999999']), 401, null],
];

const BODIES: Case[] = [
  ['text/plain', post(['content-type: text/plain', LENGTH]), 415, 'unsupported_content_type'],
  ['a form', post(['content-type: application/x-www-form-urlencoded', LENGTH]), 415, 'unsupported_content_type'],
  ['multipart', post(['content-type: multipart/form-data; boundary=x', LENGTH]), 415, 'unsupported_content_type'],
  ['JSON lines', post(['content-type: application/jsonl', LENGTH]), 415, 'unsupported_content_type'],
  ['gzip', post([JSON_TYPE, 'content-encoding: gzip', LENGTH]), 415, 'unsupported_content_encoding'],
  ['no length and no body', post([JSON_TYPE], ''), 400, null],
  ['a length of 0', post([JSON_TYPE, 'content-length: 0'], ''), 400, null],
  ['too long by its length', post(['content-length: 65537'], 'x'.repeat(65_537)), 413, 'request_too_large'],
  [
    'too long in one chunk',
    post(['transfer-encoding: chunked'], `10001\r\n${'x'.repeat(65_537)}\r\n0\r\n\r\n`),
    413,
    'request_too_large',
  ],
  [
    'too long in many',
    post(['transfer-encoding: chunked'], `1000\r\n${'x'.repeat(4_096)}\r\n`.repeat(40) + '0\r\n\r\n'),
    413,
    'request_too_large',
  ],
  ['shorter than it is', post([JSON_TYPE, `content-length: ${BODY.length - 1}`]), 400, null],
  ['chunks of no size', post(['transfer-encoding: chunked'], 'zz\r\n{}\r\n0\r\n\r\n'), 400, null],
];

const BROKEN: Case[] = [
  ['no HTTP', 'hello\r\n\r\n', 400, null],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400, null],
  ['a method of its own', http('BREW / HTTP/1.1'), 400, null],
  ['a version of its own', http('GET / HTTP/9.9'), 400, null],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, null],
  ['a header without a colon', http('GET / HTTP/1.1', ['nonsense']), 400, null],
  ['a header with a NUL', http('GET / HTTP/1.1', ['x: a\0b']), 400, null],
  ['a length below 0', post(['content-length: -1']), 400, null],
  ['a length that is none', post(['content-length: ten']), 400, null],
  ['two lengths', post([LENGTH, 'content-length: 5']), 400, null],
  [
    'a length and chunks',
    post([LENGTH, 'transfer-encoding: chunked'], '0\r\n\r\nGET /admin/keys HTTP/1.1\r\n\r\n'),
    400,
    null,
  ],
  ['chunks by another name', post(['transfer-encoding: xchunked'], '0\r\n\r\n'), 400, null],
  ['headers without end', http('GET / HTTP/1.1', [`x: ${'a'.repeat(20_000)}`]), 431, null],
  ['a thousand headers', http('GET / HTTP/1.1', Array(2_000).fill('x-a: 12345678')), 431, null],
  ['a URL without end', http(`GET /${'a'.repeat(20_000)} HTTP/1.1`), 431, null],
  ['no host', `GET /v1/models HTTP/1.1\r\nauthorization: Bearer nope\r\n\r\n`, 400, null],
];

const auth = 'authorization: Bearer KEY';
const URLS: Case[] = [
  ['none that it knows', http('POST /v1/nothing HTTP/1.1', [auth]), 404, 'unknown_url'],
  ['the root', http('GET / HTTP/1.1'), 404, 'unknown_url'],
  ['a slash too many', http(`POST /${PATH} HTTP/1.1`, [auth]), 404, 'unknown_url'],
  ['a way up', http('GET /v1/../admin/keys HTTP/1.1', [auth]), 404, 'unknown_url'],
  ['a hidden way up', http('GET /v1/%2e%2e/admin/keys HTTP/1.1', [auth]), 404, 'unknown_url'],
  ['a way up by backslash', http('GET /v1\\..\\admin\\keys HTTP/1.1', [auth]), 404, 'unknown_url'],
  ['no percent code', http('GET /%ZZ HTTP/1.1', [auth]), 404, 'unknown_url'],
  ['a percent code of NUL', http('GET /v1/chat%00 HTTP/1.1', [auth]), 404, 'unknown_url'],
  ['no percent code in a name', http('POST /openai/deployments/%ZZ/chat/completions HTTP/1.1', [auth]), 400, null],
  ['half a character in a name', http('GET /v1/models/%C3 HTTP/1.1', [auth]), 400, null],
  ['an unknown name', http('GET /v1/models/%00%0d%0ax-evil:1 HTTP/1.1', [auth]), 404, 'model_not_found'],
  ['a page of a query', http(`GET /v1/nope?${'a=b&'.repeat(3_000)} HTTP/1.1`), 404, 'unknown_url'],
];

const METHODS: Case[] = [
  ...['GET', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND'].map((method): Case => [
    method,
    http(`${method} ${PATH} HTTP/1.1`, [auth]),
    405,
    'method_not_supported',
    { allow: 'POST' },
  ]),
  ['POST to a list', http('POST /v1/models HTTP/1.1', [auth]), 405, 'method_not_supported'],
  ['DELETE without a key', http(`DELETE ${PATH} HTTP/1.1`), 401, null],
];

describe.each<[string, Case[]]>([
  ['strangers', STRANGERS],
  ['bodies', BODIES],
  ['what is no HTTP', BROKEN],
  ['URLs', URLS],
  ['methods', METHODS],
])('refuses %s', (_, table) => {
  it.each(table)('%s', async (_name, text, status, code, headers = {}) => {
    const { answers } = await exchange(text);
    const [answer] = answers;
    if (answer === undefined) throw new Error('There was no answer.');
    // Only a body that was not understood has a path to point at.
    expectRefusal(answer, {
      status,
      code,
      param: answer.status === 404 && code === 'model_not_found' ? 'model' : null,
    });
    expect(answer.headers).toMatchObject(headers);
    expect(answer.headers).not.toHaveProperty('x-evil');
    for (const secret of [gateway.key, gateway.adminKey]) expect(answer.body).not.toContain(secret);
  });
});

describe('takes what HTTP allows', () => {
  const chunked = (pieces: readonly string[]) =>
    pieces.map((piece) => `${piece.length.toString(16)};ext=1\r\n${piece}\r\n`).join('') + '0\r\nx-trailer: 1\r\n\r\n';
  it.each<[string, string]>([
    ['a body without a type', post([LENGTH])],
    ['chunks of a byte', post([JSON_TYPE, 'transfer-encoding: chunked'], chunked([...BODY]))],
    ['a client that asks first', post([JSON_TYPE, 'expect: 100-continue', LENGTH])],
    ['a client that expects something else', post([JSON_TYPE, 'expect: the-best', LENGTH])],
    ['an absolute URL', post([LENGTH], BODY, `POST http://elsewhere${PATH} HTTP/1.1`)],
    ['HTTP/1.0', post([LENGTH], BODY, `POST ${PATH} HTTP/1.0`)],
    ['a scheme in capitals, a key in spaces', post([LENGTH]).replace('Bearer KEY', 'BEARER   KEY  ')],
    ['x-api-key', post([LENGTH]).replace('authorization: Bearer', 'x-api-key:')],
    ['api-key beside a bearer of nothing', post([LENGTH, 'api-key: KEY']).replace('Bearer KEY', 'Bearer')],
    ['an upgrade it will not make', post([LENGTH, 'connection: upgrade', 'upgrade: h2c'])],
  ])('%s', async (_, text) => {
    const { answers } = await exchange(text);
    expect(answers).toEqual([expect.objectContaining({ status: 200 })]);
    expect(JSON.parse(answers[0]?.body ?? '')).toMatchObject({ object: 'chat.completion' });
  });

  it('answers requests in a pipeline in their order', async () => {
    const { answers } = await exchange(post([LENGTH]) + http('GET /nope HTTP/1.1') + post([LENGTH]), { answers: 3 });
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 200]);
  });

  it('goes on with the connection after a body that was too long, or closes it', async () => {
    const long = post(['content-length: 70000'], 'x'.repeat(70_000));
    const { answers, closed } = await exchange(long + post([LENGTH]), { answers: 2 });
    expect(answers.map(({ status }) => status)).toEqual(closed ? [413] : [413, 200]);
  });

  it.each([true, false])(
    'does not mix its complaint about what follows into an answer (stream: %s)',
    async (stream) => {
      const body = JSON.stringify({ ...JSON.parse(BODY), stream, simulator: { chunk_ms: 20 } });
      const { answers } = await exchange(`${post([`content-length: ${body.length}`], body)}nonsense\r\n\r\n`, {
        answers: 2,
      });
      expect(answers.map(({ status }) => status).slice(0, 1)).toEqual([200]);
      expect(answers[0]?.body).toMatch(stream ? /data: \[DONE\]\n\n$/ : /^\{.*\}$/);
      expect(answers[1]?.status ?? 400).toBe(400);
    },
  );

  it('answers HEAD without a body', async () => {
    const { answers } = await exchange(http(`HEAD ${PATH} HTTP/1.1`, [auth]) + http('GET /nope HTTP/1.1'), {
      answers: 2,
      head: true,
    });
    expect(answers).toMatchObject([{ status: 405, body: '', headers: { allow: 'POST' } }, { status: 404 }]);
  });

  it.each(['*', PATH, '/nowhere', '/admin/keys'])('answers OPTIONS %s without a key', async (path) => {
    const { answers } = await exchange(http(`OPTIONS ${path} HTTP/1.1`));
    expect(answers).toMatchObject([
      { status: 204, body: '', headers: { 'x-request-id': expect.stringMatching(/^req_/) } },
    ]);
  });

  it('opens no tunnel', async () => {
    const { answers, closed } = await exchange(http('CONNECT localhost:22 HTTP/1.1'));
    expect({ closed, answers: answers.map(({ status }) => status >= 400) }).toEqual({ closed: true, answers: [] });
  });
});

it('has told its log no secret, and of no fault of its own', async () => {
  expect((await exchange(post([LENGTH]))).answers).toMatchObject([{ status: 200 }]);
  const lines = log.text().trim().split('\n');
  expect(lines.length).toBeGreaterThan(50);
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ level: expect.stringMatching(/^(info|warn)$/) });
  for (const secret of [gateway.key, gateway.adminKey]) expect(log.text()).not.toContain(secret);
});
