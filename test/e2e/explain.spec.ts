import { startGateway, type Gateway } from '../support/gateway.js';
import { startUpstream, type FakeUpstream } from '../support/upstream.js';

const KEY = 'sk-upstream-secret-0001';
const OTHER_KEY = 'sk-upstream-secret-0002';
const HEADER_SECRET = 'team-secret-value';
const SECRETS = [KEY, OTHER_KEY, HEADER_SECRET];

interface Explained {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: {
    readonly [member: string]: unknown;
    readonly upstream_request: { url: string; headers: Record<string, string>; body: Record<string, unknown> } | null;
    readonly params: readonly { path: string; treatment: string; to?: string; reason?: string }[];
  };
}

describe('x-parley-explain', () => {
  let upstream: FakeUpstream;
  let gateway: Gateway;

  beforeAll(async () => {
    upstream = await startUpstream();
    gateway = await startGateway({
      config: {
        server: { earlyHeaders: true },
        providers: {
          openai: { baseUrl: `${upstream.url}/v1`, apiKeys: [KEY, OTHER_KEY] },
          azure: {
            type: 'azure-openai',
            baseUrl: upstream.url,
            apiKey: KEY,
            deployments: { 'gpt-4o': 'our-gpt' },
            headers: { 'x-team-token': HEADER_SECRET, 'x-team': `of ${HEADER_SECRET}` },
          },
          groq: { baseUrl: `${upstream.url}/openai/v1`, apiKey: KEY },
          deepseek: { baseUrl: upstream.url, apiKey: KEY },
          anthropic: { baseUrl: upstream.url, apiKey: KEY },
          gemini: { baseUrl: upstream.url, apiKey: KEY },
          bedrock: { baseUrl: upstream.url, apiKey: KEY, region: 'us-east-1' },
          signed: {
            type: 'bedrock',
            baseUrl: upstream.url,
            region: 'us-east-1',
            accessKeyId: 'AKIDEXAMPLE',
            secretAccessKey: HEADER_SECRET,
          },
          simulator: {},
        },
        models: {
          best: {
            targets: [
              { provider: 'openai', model: 'gpt-4o' },
              { provider: 'azure', model: 'gpt-4o' },
            ],
            defaults: { temperature: 0.2, seed: 1 },
          },
        },
      },
    });
  });

  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  const ask = async (body: object, headers: Readonly<Record<string, string>> = {}): Promise<Explained> => {
    upstream.play(({ response }) => void response.writeHead(500).end());
    const asked = { messages: [{ role: 'user', content: 'Hello, you there!' }], ...body };
    const response = await gateway.chat(asked, { 'x-parley-explain': 'true', ...headers });
    const text = await response.text();
    expect(upstream.requests).toHaveLength(0);
    for (const secret of SECRETS) expect(text).not.toContain(secret);
    return { status: response.status, headers: response.headers, text, body: JSON.parse(text) as Explained['body'] };
  };

  it('shows plan, request, parameters and estimate, whatever the client streams', async () => {
    const { status, headers, body } = await ask({ model: 'best', stream: true, max_tokens: 100, user: null });
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json']);
    expect(headers.get('x-request-id')).toMatch(/^req_/);
    expect([...headers.keys()].filter((name) => name.startsWith('x-parley-'))).toEqual([]);
    expect(body).toEqual({
      object: 'explanation',
      model: 'best',
      plan: [
        { provider: 'openai', model: 'gpt-4o', chosen: true },
        { provider: 'azure', model: 'our-gpt', chosen: false, reason: 'lower_priority' },
      ],
      upstream_request: {
        method: 'POST',
        url: `${upstream.url}/v1/chat/completions`,
        headers: expect.objectContaining({ authorization: '[secret]', 'content-type': 'application/json' }),
        body: {
          messages: [{ role: 'user', content: 'Hello, you there!' }],
          model: 'gpt-4o',
          stream: true,
          stream_options: { include_usage: true },
          max_tokens: 100,
          temperature: 0.2,
          seed: 1,
        },
      },
      params: [
        { path: 'messages', treatment: 'forwarded' },
        { path: 'model', treatment: 'adapted', to: 'gpt-4o', reason: "the provider's own name of the model" },
        { path: 'stream', treatment: 'forwarded' },
        { path: 'max_tokens', treatment: 'forwarded' },
        { path: 'user', treatment: 'dropped', reason: 'null is the same as absence' },
      ],
      estimate: { prompt_tokens: 5, max_completion_tokens: 100, cost_usd: expect.closeTo(5 * 2.5e-6 + 100 * 1e-5, 6) },
      limits: [],
    });
  });

  it('masks what is secret, wherever it stands', async () => {
    const { body } = await ask({ model: 'azure/gpt-4o', messages: [{ role: 'user', content: `My key is ${KEY}` }] });
    expect(body.upstream_request).toMatchObject({
      url: `${upstream.url}/openai/v1/chat/completions`,
      headers: { 'api-key': '[secret]', 'x-team-token': '[secret]', 'x-team': 'of [secret]' },
      body: { model: 'our-gpt', messages: [{ content: 'My key is [secret]' }] },
    });
  });

  it.each<[string, string, object, string]>([
    ['anthropic/claude-sonnet-4-5', '/v1/messages', { 'x-api-key': '[secret]' }, 'max_tokens'],
    ['gemini/gemini-2.5-flash', '/v1beta/models/gemini-2.5-flash:', { 'x-goog-api-key': '[secret]' }, 'contents'],
    ['bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0', '/model/', { authorization: '[secret]' }, 'messages'],
    ['signed/anthropic.claude-sonnet-4-5-20250929-v1:0', '/model/', { authorization: '[secret]' }, 'messages'],
  ])('shows a dialect of its own: %s', async (model, path, headers, member) => {
    const { status, body } = await ask({ model, logit_bias: { 1: 2 }, stream: true });
    expect([status, body.upstream_request]).toMatchObject([200, { headers }]);
    expect(body.upstream_request?.url).toContain(upstream.url + path);
    expect(body.upstream_request?.body).toHaveProperty(member);
    expect(body.params).toContainEqual(expect.objectContaining({ path: 'logit_bias', treatment: 'dropped' }));
  });

  it('tells of each parameter once, and of the places below', async () => {
    const { body } = await ask({
      model: 'groq/llama-3.3-70b-versatile',
      messages: [{ role: 'user', name: 'ann', content: 'hi' }],
      logit_bias: { 1: 2 },
      n: 1,
    });
    expect(body.params).toEqual([
      { path: 'messages', treatment: 'forwarded' },
      expect.objectContaining({ path: 'model', treatment: 'adapted', to: 'llama-3.3-70b-versatile' }),
      { path: 'logit_bias', treatment: 'dropped' },
      { path: 'n', treatment: 'forwarded' },
      { path: 'messages[0].name', treatment: 'dropped' },
    ]);
  });

  it.each<[string, object, Readonly<Record<string, string>>, string]>([
    ['would change the answer', { model: 'groq/x', n: 2 }, {}, 'n'],
    [
      'cannot be honoured, where the client is strict',
      { model: 'groq/x', logit_bias: {} },
      { 'x-parley-strict': 'true' },
      'logit_bias',
    ],
    [
      'could not be checked',
      {
        model: 'deepseek/x',
        response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { $ref: '#/no' } } },
      },
      {},
      'response_format',
    ],
  ])('explains the refusal of what %s', async (_, request, headers, param) => {
    const { status, body } = await ask(request, headers);
    expect([status, body.upstream_request]).toEqual([200, null]);
    expect(body.params).toContainEqual({ path: param, treatment: 'refused', reason: expect.any(String) as string });
    expect(body.params.filter(({ path }) => path === param)).toHaveLength(1);
  });

  it('has no request to show of a provider that opens no connection, and no price where none is known', async () => {
    const { body } = await ask({ model: 'simulator' });
    expect(body).toMatchObject({ upstream_request: null, estimate: { cost_usd: null } });
  });

  it.each<[string, object, Readonly<Record<string, string>>, number]>([
    ['an unknown model', { model: 'gtp-4o' }, {}, 404],
    ['a bad request', { model: 'best', messages: [] }, {}, 400],
    ['an unknown key', { model: 'best' }, { authorization: 'Bearer sk-parley-no' }, 401],
  ])('does not explain %s', async (_, request, headers, status) => {
    expect((await ask(request, headers)).status).toBe(status);
  });

  it('explains only what the key may use, and leaves no record', async () => {
    const made = (await (await gateway.admin('POST', '/admin/keys', { name: 'g', models: ['gpt-*'] })).json()) as {
      key: string;
    };
    expect((await ask({ model: 'best' }, { authorization: `Bearer ${made.key}` })).status).toBe(403);
    await ask({ model: 'best' });
    const requests = (await (await gateway.admin('GET', '/admin/requests')).json()) as {
      data: readonly { error_code: string }[];
    };
    expect(requests.data.filter(({ error_code: code }) => code === null)).toEqual([]);
  });
});
