import { startGateway, type Gateway } from '../support/gateway.js';
import { captureLog, expectRefusal, type CapturedLog } from '../support/refusal.js';
import { answerWith, completion, startUpstream, type FakeUpstream } from '../support/upstream.js';
import {
  FIELDS,
  HI,
  MESSAGES,
  MODELS,
  nested,
  NOT_A_REQUEST,
  NULLS,
  request,
  TOOLS,
  withField,
  type Case,
} from './bad-bodies.js';

let gateway: Gateway;
let upstream: FakeUpstream;
let log: CapturedLog;

beforeAll(async () => {
  log = captureLog();
  upstream = await startUpstream();
  upstream.play(answerWith(completion('ok')));
  gateway = await startGateway({
    config: {
      providers: {
        simulator: {},
        lab: { type: 'openai-compatible', baseUrl: `${upstream.url}/v1` },
        groq: { apiKey: 'gsk-of-the-gateway', baseUrl: upstream.url },
      },
      models: {
        usual: { targets: [{ provider: 'groq', model: 'm' }], defaults: { max_tokens: 7, logit_bias: { 1: 1 } } },
      },
    },
    env: { PARLEY_LOG_LEVEL: 'trace' },
  });
});

afterAll(async () => {
  await gateway.close();
  await upstream.close();
  log.stop();
});

async function post(body: string | Buffer, headers: Readonly<Record<string, string>> = {}) {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : new Uint8Array(body),
    signal: AbortSignal.timeout(5_000),
  });
  return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
}

describe.each<[string, Case[]]>([
  ['a body', NOT_A_REQUEST],
  ['a field', FIELDS],
  ['messages', MESSAGES],
  ['tools and formats', TOOLS],
  ['a model name', MODELS],
])('refuses %s', (_, table) => {
  it.each(table)('%s', async (_name, body, code, param, status = 400) => {
    const answer = await post(body);
    expectRefusal(answer, { status, code, param });
    expect(answer.headers).not.toHaveProperty('x-evil');
    expect(answer.body.length).toBeLessThan(1_000);
  });
});

describe('takes what is only unusual, and sends it on untouched', () => {
  const lab = (field: string) => withField(field).replace('"simulator"', '"lab/m"');
  it.each<[string, string]>([
    [
      'keys that name prototypes',
      '"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toString":null',
    ],
    [
      'the same, deeper',
      '"metadata":{"__proto__":{"polluted":1},"hasOwnProperty":1},"x":[{"__proto__":[{"__proto__":null}]}]',
    ],
    ['100 levels', `"x":${nested(100)}`],
    ['integers beyond 2^53', '"seed":9223372036854775807,"x":123456789012345678901234567890'],
    ['numbers as they are written', '"temperature":1.0,"top_p":1e0,"x":[0.10,-0,1E+2]'],
    ['half of a surrogate pair', '"user":"\\ud800","x":"\\udfff"'],
    ['a megabyte of text', `"user":"${'é'.repeat(500_000)}"`],
    ['a key that stands twice', '"x":1,"x":2'],
    ['escapes', '"\\u0078":"\\u0041\\/"'],
    ['null in a field of other servers', '"top_k":null'],
    ['fields of other servers', '"top_k":40,"chat_template_kwargs":{"enable_thinking":false},"extra_body":{}'],
  ])('%s', async (_, field) => {
    const answer = await post(lab(field));
    expect(answer).toMatchObject({ status: 200 });
    const sent = upstream.requests.at(-1)?.body ?? '';
    expect(sent).toContain(field);
    expect(JSON.parse(sent)).toMatchObject({ model: 'm', messages: [HI] });
    expect({}).not.toHaveProperty('polluted');
  });

  it('leaves documented fields out that are null', async () => {
    const fields = ['stop', 'n', 'tools', 'seed', 'response_format', 'logit_bias', 'function_call'];
    expect(await post(lab(fields.map((field) => `"${field}":null`).join(',')))).toMatchObject({ status: 200 });
    const sent = JSON.parse(upstream.requests.at(-1)?.body ?? '') as object;
    expect(Object.keys(sent).filter((field) => fields.includes(field))).toEqual([]);
  });

  it.each<[string, string | Buffer]>([
    ['a byte order mark', `\ufeff${request()}`],
    ['white space around', `\r\n\t ${request()} \n`],
    ...NULLS,
    ['10,000 messages', request({ messages: Array(10_000).fill(HI), max_tokens: 1 })],
  ])('%s', async (_, body) => {
    expect(await post(body)).toMatchObject({ status: 200 });
  });

  it.each([
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'Application/JSON',
    'application/vnd.api+json',
  ])('content type %s', async (type) => {
    expect(await post(request(), { 'content-type': type })).toMatchObject({ status: 200 });
  });
});

describe('headers of the gateway', () => {
  it.each<[string, Record<string, string>, object]>([
    ['tags by the thousand', { 'x-parley-tags': 'a,'.repeat(5_000) }, { status: 200 }],
    ['tags of odd characters', { 'x-parley-tags': "'; drop table--, \xff,,<b>" }, { status: 200 }],
    [
      "the client's own id",
      { 'x-client-request-id': '~a b'.repeat(128) },
      { status: 200, headers: { 'x-client-request-id': '~a b'.repeat(128) } },
    ],
    ['strict: not a word it knows', { 'x-parley-strict': 'maybe' }, { status: 200 }],
  ])('%s', async (_, headers, expected) => {
    expect(await post(request(), headers)).toMatchObject(expected);
  });

  it.each([
    ['of 513 characters', 'a'.repeat(513)],
    ['beyond ASCII', 'caf\xe9'],
    ['with a tab', 'a\tb'],
  ])('refuses an id of the client %s', async (_, id) => {
    const answer = await post(request(), { 'x-client-request-id': id });
    expectRefusal(answer, { status: 400, code: null, param: null });
    expect(answer.headers).not.toHaveProperty('x-client-request-id');
  });

  it('writes the id of the client into its log', async () => {
    await post(request(), { 'x-client-request-id': 'mine-1' });
    expect(log.text()).toContain('"clientRequest":"mine-1"');
  });

  it.each(['lab/a/b', 'lab%2Fa/b', 'lab%2Fa%2Fb'])(
    'takes a deployment with slashes from the path: %s',
    async (name) => {
      const { model, ...rest } = JSON.parse(request()) as Record<string, unknown>;
      const url = `${gateway.url}/openai/deployments/${name}/chat/completions?api-version=2024-10-21`;
      const headers = { 'api-key': gateway.key, 'content-type': 'application/json' };
      const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(rest) });
      expect([model, answer.status, answer.headers.get('x-parley-model')]).toEqual(['simulator', 200, 'a/b']);
      await answer.text();
      const records = (await (await gateway.admin('GET', '/admin/requests?limit=1')).json()) as { data: unknown[] };
      expect(records.data[0]).toMatchObject({ model: 'lab/a/b' });
    },
  );

  it('neither reports nor refuses what becomes of defaults of the route', async () => {
    const body = request({ model: 'usual' });
    for (const strict of ['false', 'true']) {
      const answer = await post(body, { 'x-parley-strict': strict });
      expect(answer).toMatchObject({ status: 200 });
      expect(answer.headers).not.toHaveProperty('x-parley-dropped-params');
      expect(JSON.parse(upstream.requests.at(-1)?.body ?? '')).toMatchObject({ max_tokens: 7 });
    }
    const own = await post(request({ model: 'usual', max_completion_tokens: 9, logit_bias: { 5: 1 } }));
    expect(own.headers).toMatchObject({ 'x-parley-dropped-params': 'logit_bias' });
    const sent = JSON.parse(upstream.requests.at(-1)?.body ?? '') as object;
    expect(sent).toMatchObject({ max_completion_tokens: 9 });
    expect(sent).not.toHaveProperty('max_tokens');
  });

  it('does not tell where a provider is', async () => {
    const { host } = new URL(upstream.url);
    const message = `connect ${host}, then 10.0.0.7:80`;
    upstream.play(answerWith({ error: { message, type: 'x' } }, { status: 500 }));
    const { body } = await post(request({ model: 'lab/m' }));
    upstream.play(answerWith(completion('ok')));
    expect(body).toContain('connect [host], then [host]');
  });

  it('refuses what would be dropped, where it is asked to be strict', async () => {
    const body = request({ model: 'groq/m', logit_bias: { 5: 1 } });
    upstream.play(answerWith(completion('ok')));
    expect(await post(body)).toMatchObject({ status: 200, headers: { 'x-parley-dropped-params': 'logit_bias' } });
    expectRefusal(await post(body, { 'x-parley-strict': 'true' }), {
      status: 400,
      code: 'unsupported_parameter',
      param: 'logit_bias',
    });
    expect(upstream.requests).toHaveLength(1);
  });
});

it('has told its log no secret, and of no fault of its own', async () => {
  expect(await post(request())).toMatchObject({ status: 200 });
  const lines = log.text().trim().split('\n');
  expect(lines.length).toBeGreaterThan(100);
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ level: expect.stringMatching(/^(info|warn)$/) });
  for (const secret of [gateway.key, gateway.adminKey, 'gsk-of-the-gateway']) expect(log.text()).not.toContain(secret);
});
