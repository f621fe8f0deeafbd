import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastValueFrom } from 'rxjs';
import { upstreamsOver } from '../../test/support/upstreams.js';
import { loadConfig } from '../config/load-config.js';
import type { ChatRequest } from '../domain/chat.js';
import type { UpstreamAttempt } from '../domain/deployment.js';
import { Flow } from '../domain/flow.js';
import { Secret } from '../domain/secret.js';
import { GeminiProvider } from './gemini.provider.js';
import { PROVIDER_TYPES } from './provider-types.js';
import type { Provider, UpstreamCall } from './provider.js';
import { HOST_OF_LOCATION } from './vertex-address.js';
import { VertexProvider } from './vertex.provider.js';

const REQUEST: ChatRequest = { model: 'm', messages: [{ role: 'user', content: 'Hi' }] };

interface Where {
  readonly baseUrl?: string;
  readonly model?: string;
  readonly key?: string;
  readonly settings?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

function callTo(
  provider: Provider,
  { baseUrl, model = 'gemini-2.5-pro', key, settings = {}, headers = {} }: Where,
): UpstreamCall {
  const credential = key === undefined ? undefined : new Secret(key);
  const deployment: UpstreamCall['deployment'] = {
    provider: 'g',
    model,
    baseModel: model,
    facts: {},
    endpoint: { type: 'g', baseUrl: baseUrl ?? provider.baseUrl ?? '', credentials: [], headers, settings },
    timeouts: { connect: 5000, firstToken: 5000, idle: 5000, total: 5000 },
    weight: 1,
  };
  return {
    keyId: undefined,
    deployment,
    credential,
    strict: false,
    onCancel: () => undefined,
    signal: new AbortController().signal,
    attempt: { changes: [] } as unknown as UpstreamAttempt,
    flow: new Flow(),
  };
}

async function shown(provider: Provider, where: Where, request = REQUEST) {
  const explained = await provider.chat?.explain?.(request, callTo(provider, where));
  if (explained === undefined) throw new Error('It explains nothing.');
  return { url: explained.url, headers: explained.headers, body: explained.body };
}

describe('the Gemini API', () => {
  const gemini = new GeminiProvider(upstreamsOver());

  it.each<readonly [Where, string]>([
    [{}, 'https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-pro:generateContent'],
    [{ baseUrl: 'http://a/b' }, 'http://a/b/v1beta/models/gemini-2.5-pro:generateContent'],
    [{ baseUrl: 'http://a/v1beta' }, 'http://a/v1beta/models/gemini-2.5-pro:generateContent'],
    [{ baseUrl: 'http://a/v1' }, 'http://a/v1/models/gemini-2.5-pro:generateContent'],
    [{ model: 'tunedModels/x' }, 'https://generativelanguage.googleapis.com/v1beta/tunedModels/x:generateContent'],
  ])('is at %j', async (where, url) => {
    const sent = await shown(gemini, { ...where, key: 'secret-key' });
    expect(sent).toMatchObject({ url, headers: { 'x-goog-api-key': 'secret-key' } });
    expect(sent.headers).not.toHaveProperty('authorization');
  });
});

describe('Vertex AI', () => {
  const vertex = new VertexProvider(upstreamsOver());
  const settings = { project: 'p 1' };
  const GEMINI = '/publishers/google/models/gemini-2.5-pro:generateContent';

  it.each<readonly [string, Where, string]>([
    ['anywhere', { settings }, `${HOST_OF_LOCATION}/v1/projects/p%201/locations/global${GEMINI}`],
    [
      'in a region',
      { settings: { ...settings, location: 'europe-west4' } },
      `https://europe-west4-aiplatform.googleapis.com/v1/projects/p%201/locations/europe-west4${GEMINI}`,
    ],
    [
      'in the EU',
      { settings: { ...settings, location: 'eu' } },
      `https://aiplatform.eu.rep.googleapis.com/v1/projects/p%201/locations/eu${GEMINI}`,
    ],
    [
      'in another version',
      { settings: { ...settings, apiVersion: 'v1beta1' } },
      `${HOST_OF_LOCATION}/v1beta1/projects/p%201/locations/global${GEMINI}`,
    ],
    ['elsewhere', { settings, baseUrl: 'http://proxy' }, `http://proxy/v1/projects/p%201/locations/global${GEMINI}`],
    [
      'elsewhere, in its version',
      { settings, baseUrl: 'http://proxy/v1beta1' },
      `http://proxy/v1beta1/projects/p%201/locations/global${GEMINI}`,
    ],
    ['in express mode', { key: 'k', settings: { location: 'eu' } }, `${HOST_OF_LOCATION}/v1${GEMINI}`],
    [
      'a tuned model',
      { settings, model: 'endpoints/42' },
      `${HOST_OF_LOCATION}/v1/projects/p%201/locations/global/endpoints/42:generateContent`,
    ],
    [
      'a tuned model by its full name',
      { settings, model: 'projects/9/locations/global/endpoints/42' },
      `${HOST_OF_LOCATION}/v1/projects/p%201/locations/global/endpoints/42:generateContent`,
    ],
    [
      'Claude',
      { settings, model: 'claude-sonnet-4-5@20250929' },
      `${HOST_OF_LOCATION}/v1/projects/p%201/locations/global/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict`,
    ],
    [
      'Claude by its full name',
      { settings, model: 'publishers/anthropic/models/claude-x' },
      `${HOST_OF_LOCATION}/v1/projects/p%201/locations/global/publishers/anthropic/models/claude-x:rawPredict`,
    ],
    [
      'an open model',
      { settings, model: 'meta/llama-4' },
      `${HOST_OF_LOCATION}/v1/projects/p%201/locations/global/endpoints/openapi/chat/completions`,
    ],
  ])('is at the right place: %s', async (_, where, url) => {
    expect((await shown(vertex, where)).url).toBe(url);
  });

  it('knows what each publisher’s models refuse', () => {
    const refused = (model: string) => vertex.chat?.refuses?.(callTo(vertex, { settings, model }).deployment);
    expect(refused('gemini-2.5-pro')).toContain('logit_bias');
    expect(refused('meta/llama-4')).toEqual([]);
  });

  it('takes a key in a header, and speaks each publisher’s own dialect', async () => {
    expect((await shown(vertex, { key: 'k' })).headers).toMatchObject({ 'x-goog-api-key': 'k' });
    expect((await shown(vertex, { settings })).headers).not.toHaveProperty('x-goog-api-key');
    expect((await shown(vertex, { settings, model: 'claude-x' })).body).toMatchObject({
      anthropic_version: 'vertex-2023-10-16',
    });
    expect((await shown(vertex, { settings, model: 'meta/llama-4' })).body).toMatchObject({ model: 'meta/llama-4' });
  });

  it('says that it is not set up where it has neither project nor key', async () => {
    await expect(shown(vertex, {})).rejects.toMatchObject({ status: 502, code: 'upstream_authentication' });
  });
});

describe('Google in the configuration', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-google-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is found by a key of the Gemini API, and on Vertex AI only where it is named', () => {
    const env = {
      GOOGLE_API_KEY: 'k',
      GEMINI_BASE_URL: 'http://g',
      GOOGLE_VERTEX_PROJECT: 'p',
      GOOGLE_CLOUD_LOCATION: 'eu',
    };
    const found = loadConfig({ types: PROVIDER_TYPES, env, cwd: folder }).providers;
    expect(found).toMatchObject([{ type: 'gemini', baseUrl: 'http://g' }]);
    writeFileSync(join(folder, 'parley.yaml'), 'providers: { cloud: { type: vertex, credentialsFile: a.json } }');
    const named = loadConfig({ types: PROVIDER_TYPES, env, cwd: folder }).providers;
    const settings = { project: 'p', location: 'eu', credentialsFile: 'a.json' };
    expect(named).toMatchObject([{ name: 'cloud', type: 'vertex', apiKeys: [], settings }]);
  });
});

describe('tokens of Google Cloud', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-google-'));
  const credentialsFile = join(folder, 'account.json');
  const asked: { readonly url: string; readonly authorization: string | undefined }[] = [];
  let server: Server;
  let origin: string;
  let lifetime = 3600;
  let refuses = false;

  const tokens = () => asked.filter(({ url }) => url === '/token').length;

  function answer({ url = '' }: IncomingMessage): readonly [status: number, body: object] {
    if (url === '/token' && refuses) return [400, { error: 'invalid_grant', error_description: 'Bad account robot@p' }];
    if (url === '/token')
      return [
        200,
        {
          access_token: `token-${tokens()}`,
          expires_in: lifetime,
          token_type: 'Bearer',
          issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        },
      ];
    return [200, { candidates: [{ content: { parts: [{ text: 'Hello' }] }, finishReason: 'STOP' }] }];
  }

  beforeAll(async () => {
    server = createServer((request, response) => {
      request.resume();
      request.on('end', () => {
        asked.push({ url: request.url ?? '', authorization: request.headers.authorization });
        const [status, body] = answer(request);
        const stream = request.url?.includes('alt=sse') === true;
        response.writeHead(status, { 'content-type': stream ? 'text/event-stream' : 'application/json' });
        response.end(stream ? `data: ${JSON.stringify(body)}\n\n` : JSON.stringify(body));
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    // An account's own key always goes to Google itself; one that another identity stands for goes where its file says.
    const subject = join(folder, 'subject');
    writeFileSync(subject, 'robot@p');
    const account = {
      type: 'external_account',
      audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/p',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `${origin}/token`,
      credential_source: { file: subject },
    };
    writeFileSync(credentialsFile, JSON.stringify(account));
  });

  beforeEach(() => {
    asked.length = 0;
    lifetime = 3600;
    refuses = false;
  });

  afterAll(async () => {
    rmSync(folder, { recursive: true });
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });

  const here = (more: Where = {}): Where => ({ baseUrl: origin, settings: { project: 'p', credentialsFile }, ...more });
  const complete = (provider: Provider, where: Where) => provider.chat?.complete(REQUEST, callTo(provider, where));

  it('are fetched once and sent with every call, streams too', async () => {
    const vertex = new VertexProvider(upstreamsOver());
    await expect(complete(vertex, here())).resolves.toMatchObject({ choices: [{ message: { content: 'Hello' } }] });
    const streaming = vertex.chat?.stream({ ...REQUEST, stream: true }, callTo(vertex, here()));
    if (streaming === undefined) throw new Error('It does not stream.');
    await lastValueFrom(streaming);
    expect(asked.map(({ url }) => url.replace(/^\/v1\/.*:/, ''))).toEqual([
      '/token',
      'generateContent',
      'streamGenerateContent?alt=sse',
    ]);
    expect(asked.slice(1).map(({ authorization }) => authorization)).toEqual(['Bearer token-1', 'Bearer token-1']);
  });

  it('are fetched anew before they end', async () => {
    const vertex = new VertexProvider(upstreamsOver());
    lifetime = 60;
    await complete(vertex, here());
    await complete(vertex, here());
    expect(tokens()).toBe(2);
  });

  it('may be given instead of a key', async () => {
    await complete(new VertexProvider(upstreamsOver()), here({ key: 'ya29.mine' }));
    expect(asked.map(({ authorization }) => authorization)).toEqual(['Bearer ya29.mine']);
  });

  it.each<readonly [string, () => Where]>([
    [
      'that are refused',
      () => {
        refuses = true;
        return here();
      },
    ],
    ['without a file', () => here({ settings: { project: 'p', credentialsFile: join(folder, 'none.json') } })],
  ])('%s fail without a word of why', async (_, where) => {
    const failure = await complete(new VertexProvider(upstreamsOver()), where())?.catch((error: unknown) => error);
    expect(failure).toMatchObject({ status: 502, code: 'upstream_authentication' });
    expect((failure as Error).message).not.toMatch(/robot|none\.json|invalid_grant/);
  });
});
