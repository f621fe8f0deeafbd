import { COMPATIBLE_ROWS } from '../../src/providers/openai-compatible.js';
import { startGateway, type Gateway } from '../support/gateway.js';
import { answerWith, completion, startUpstream, type FakeUpstream } from '../support/upstream.js';
import { ADAPTS, DROPS, HI, LIMITS, MESSAGES, NAMED, TOOLS, type Fields, type Row } from './upstream-rows.js';

let gateway: Gateway;
let upstream: FakeUpstream;

const ENTRA = 'eyJhbGciOiJub25lIn0.eyJhdWQiOiJ4In0.c2ln';

beforeAll(async () => {
  upstream = await startUpstream();
  const { url } = upstream;
  const rows = COMPATIBLE_ROWS.map(({ type, settings }) => {
    const provider = { apiKey: `key-of-${type}`, baseUrl: `${url}/${type}/v1`, ...(settings && { accountId: 'a' }) };
    return [type, provider] as const;
  });
  const azure = (more: object) => ({ type: 'azure-openai', apiKey: 'azure-key', ...more });
  gateway = await startGateway({
    config: {
      providers: {
        ...Object.fromEntries(rows),
        openai: { apiKey: 'sk-openai', baseUrl: `${url}/openai/v1/`, organization: 'org-1', project: 'proj_1' },
        named: { type: 'openai-compatible', baseUrl: url, headers: { 'X-Title': 'Parley', 'user-agent': 'ours' } },
        plain: { type: 'openai-compatible', baseUrl: url, quirks: ['noStreamOptions', 'maxTokens'] },
        az: azure({ baseUrl: url, baseModel: 'o3' }),
        'az-v1': azure({ baseUrl: `${url}/openai/v1/`, apiKey: ENTRA }),
        'az-openai': azure({ baseUrl: `${url}/openai` }),
        'az-preview': azure({ baseUrl: url, apiVersion: 'preview' }),
        'az-dated': azure({ baseUrl: url, apiVersion: '2024-10-21', deployments: { 'gpt-4o': 'our gpt/4' } }),
        'az-foundry': azure({ baseUrl: `${url}/models`, apiVersion: '2024-05-01-preview' }),
        'az-path': azure({ baseUrl: `${url}/openai/deployments/d`, apiVersion: '2024-10-21' }),
      },
    },
  });
});

afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

async function ask(body: object, headers: Readonly<Record<string, string>> = {}) {
  // Where a schema is asked for in words, the gateway looks at what came of it.
  upstream.play(answerWith(completion('{}')));
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ messages: [HI], ...body }),
  });
  const text = await response.text();
  return { response, text, error: response.ok ? undefined : (JSON.parse(text) as { error: object }).error };
}

describe.each<[string, Row[]]>([
  ['limits', LIMITS],
  ['what is refused', DROPS],
  ['what goes by another name', ADAPTS],
  ['messages', MESSAGES],
])('%s', (_, table) => {
  it.each(table)('%s %j', async (model, given, sent, dropped = '', adapted = '') => {
    const { response } = await ask({ model, ...given });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-parley-dropped-params') ?? '').toBe(dropped);
    expect(response.headers.get('x-parley-adapted-params') ?? '').toBe(adapted);
    const [call] = upstream.requests;
    const body = JSON.parse(call?.body ?? '') as Record<string, unknown>;
    expect(body).toEqual({
      messages: [HI],
      ...without(given, sent),
      ...sent,
      model: model.slice(model.indexOf('/') + 1),
    });
    const param = dropped || adapted;
    if (param === '') return;
    const strict = await ask({ model, ...given }, { 'x-parley-strict': 'true' });
    expect(strict.response.status).toBe(400);
    expect(strict.error).toMatchObject({ code: 'unsupported_parameter', param: param.split(',')[0] });
    expect(upstream.requests).toEqual([]);
  });
});

/** What was given and is not spoken of goes up as it is, but for limits, efforts and the like that went by another name. */
const without = (given: Fields, sent: Fields): Fields => {
  const renamed = ['max_tokens', 'max_completion_tokens', 'seed', 'reasoning_effort'];
  return Object.fromEntries(Object.entries(given).filter(([field]) => !(field in sent) && !renamed.includes(field)));
};

describe('what a provider lacks and an answer would miss is refused, asked strictly or not', () => {
  it.each<[string, Fields, string]>([
    ['groq/m', { n: 2 }, 'n'],
    ['groq/m', { logprobs: true }, 'logprobs'],
    ['mistral/m', { logprobs: true }, 'logprobs'],
    ['perplexity/sonar', { tools: TOOLS }, 'tools'],
    ['deepseek/m', { n: 3 }, 'n'],
    ['deepseek/deepseek-reasoner', { logprobs: true }, 'logprobs'],
    ['cohere/m', { n: 2 }, 'n'],
    ['zai/m', { logprobs: true }, 'logprobs'],
    ['minimax/m', { n: 2 }, 'n'],
    ['openai/gpt-4o-search-preview', { n: 2 }, 'n'],
    ['zai/m', { tools: TOOLS, tool_choice: NAMED }, 'tool_choice'],
    ['dashscope/m', { tools: TOOLS, tool_choice: 'required' }, 'tool_choice'],
  ])('%s %j', async (model, given, param) => {
    const { response, error } = await ask({ model, ...given });
    expect(response.status).toBe(400);
    expect(error).toMatchObject({ type: 'invalid_request_error', code: 'unsupported_parameter', param });
    expect(upstream.requests).toEqual([]);
  });
});

describe('where a call goes and as whom', () => {
  const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
  it.each<[string, string, Record<string, string>, string[]]>([
    [
      'openai/gpt-4o',
      '/openai/v1/chat/completions',
      { ...bearer('sk-openai'), 'openai-organization': 'org-1', 'openai-project': 'proj_1' },
      ['api-key'],
    ],
    ['zai/m', '/zai/v1/chat/completions', { ...bearer('key-of-zai'), 'accept-language': 'en-US' }, []],
    ['ollama/m:8b', '/ollama/v1/chat/completions', bearer('key-of-ollama'), []],
    ['named/a/b', '/chat/completions', { 'x-title': 'Parley', 'user-agent': 'ours' }, ['authorization']],
    ['az/my-o3', '/openai/v1/chat/completions', { 'api-key': 'azure-key' }, ['authorization']],
    ['az-v1/d', '/openai/v1/chat/completions', bearer(ENTRA), ['api-key']],
    ['az-openai/d', '/openai/v1/chat/completions', { 'api-key': 'azure-key' }, ['authorization']],
    ['az-preview/d', '/openai/v1/chat/completions?api-version=preview', { 'api-key': 'azure-key' }, []],
    ['az-dated/d', '/openai/deployments/d/chat/completions?api-version=2024-10-21', { 'api-key': 'azure-key' }, []],
    ['az-dated/gpt-4o', '/openai/deployments/our%20gpt%2F4/chat/completions?api-version=2024-10-21', {}, []],
    ['az-foundry/d', '/models/chat/completions?api-version=2024-05-01-preview', { 'api-key': 'azure-key' }, []],
    ['az-path/d', '/openai/deployments/d/chat/completions?api-version=2024-10-21', { 'api-key': 'azure-key' }, []],
  ])('%s', async (model, url, headers, absent) => {
    const client = {
      'x-api-key': 'x',
      'openai-organization': 'org-client',
      cookie: 'a=b',
      'x-forwarded-for': '10.0.0.1',
    };
    const { response } = await ask({ model }, client);
    expect(response.status).toBe(200);
    const [call] = upstream.requests;
    expect(call).toMatchObject({ method: 'POST', url, headers: { 'content-type': 'application/json', ...headers } });
    for (const name of [...absent, 'cookie', 'x-api-key', 'x-forwarded-for'])
      expect(call?.headers).not.toHaveProperty(name);
    expect(JSON.stringify([call?.headers, call?.body])).not.toMatch(new RegExp(`${gateway.key}|org-client`));
  });
});
