import type { OpenAI } from 'openai';
import { clientOf, MAJORS, type Major } from './sdk/majors.js';
import { startStage, type Stage } from './sdk/stage.js';

const ASK = { model: 'gpt-4o', messages: [{ role: 'user' as const, content: 'Say hello.' }] };

/** How the simulator is to answer; the SDKs send on what they do not know. */
const failing = (fault: string, more: object = {}) => ({ ...ASK, simulator: { fault, ...more } });

interface ApiError {
  readonly status: number | undefined;
  readonly code: string | null;
  readonly message: string;
}

interface Failure {
  readonly what: string;
  readonly kind: keyof Major['sdk'];
  readonly fields: object;
  readonly ask: (client: OpenAI, stage: Stage) => Promise<unknown>;
  readonly options?: (stage: Stage & { readonly limitedKey: string }) => object;
}

const create = (client: OpenAI) => client.chat.completions.create(ASK);
const asking = (change: object) => (client: OpenAI) => client.chat.completions.create({ ...ASK, ...change });

const FAILURES: readonly Failure[] = [
  {
    what: 'a field of the wrong type',
    kind: 'BadRequestError',
    fields: { status: 400, type: 'invalid_request_error', code: 'invalid_type', param: 'messages[1].content' },
    ask: asking({ messages: [...ASK.messages, { role: 'user', content: 5 }] }),
  },
  {
    what: 'a value out of range',
    kind: 'BadRequestError',
    fields: { status: 400, code: 'integer_below_min_value', param: 'n' },
    ask: asking({ n: 0 }),
  },
  {
    what: 'a wrong key',
    kind: 'AuthenticationError',
    fields: { status: 401, type: 'invalid_request_error', code: 'invalid_api_key' },
    ask: create,
    options: () => ({ apiKey: 'sk-parley-wrong' }),
  },
  {
    what: 'no key',
    kind: 'AuthenticationError',
    fields: { status: 401, code: null },
    ask: create,
    options: () => ({ defaultHeaders: { authorization: null } }),
  },
  {
    what: 'a key for other models',
    kind: 'PermissionDeniedError',
    fields: { status: 403, type: 'invalid_request_error' },
    ask: create,
    options: ({ limitedKey }) => ({ apiKey: limitedKey }),
  },
  {
    what: 'an unknown model',
    kind: 'NotFoundError',
    fields: { status: 404, code: 'model_not_found', message: expect.stringContaining('`gpt-4o`') },
    ask: asking({ model: 'gpt-4oo' }),
  },
  {
    what: 'an unknown model in the path',
    kind: 'NotFoundError',
    fields: { status: 404, code: 'model_not_found', param: 'model' },
    ask: (client) => client.models.retrieve('no/such'),
  },
  {
    what: 'an unknown URL',
    kind: 'NotFoundError',
    fields: { status: 404, code: 'unknown_url' },
    ask: (client) => client.get('/no/such/url'),
  },
  {
    what: 'a body over the limit',
    kind: 'APIError',
    fields: { status: 413, type: 'invalid_request_error' },
    ask: asking({ messages: [{ role: 'user', content: 'x'.repeat(300_000) }] }),
  },
  {
    what: 'a rate limit upstream',
    kind: 'RateLimitError',
    fields: { status: 429, type: 'requests', code: 'rate_limit_exceeded' },
    ask: asking(failing('429')),
  },
  {
    what: 'a rate limit before a stream',
    kind: 'RateLimitError',
    fields: { status: 429, code: 'rate_limit_exceeded' },
    ask: asking({ ...failing('429'), stream: true }),
  },
  {
    what: 'a failure upstream, which is not worth another try',
    kind: 'InternalServerError',
    fields: { status: 500, type: 'server_error' },
    ask: asking(failing('500')),
    options: () => ({ maxRetries: 2 }),
  },
];

let stage: Stage & { readonly limitedKey: string };
beforeAll(async () => {
  const started = await startStage();
  const made = await started.admin('POST', '/admin/keys', { name: 'limited', models: ['simulator-echo'] });
  stage = { ...started, limitedKey: ((await made.json()) as { readonly key: string }).key };
});
afterAll(() => stage.close());

describe.each(MAJORS)('$name', (major) => {
  const client = (options: object = {}) => clientOf(major, stage, options);

  it.each(FAILURES)('is told of $what', async ({ kind, fields, ask, options }) => {
    const before = stage.seen.length;
    const error: unknown = await ask(client(options?.(stage)), stage).catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(major.sdk[kind]);
    expect(error).toMatchObject({ message: expect.stringMatching(/^\d{3} \S.{10}/), ...fields });
    // Older majors call it request_id.
    const { requestID, request_id: older } = error as { readonly requestID?: string; readonly request_id?: string };
    expect(requestID ?? older).toMatch(/^req_/);
    expect(stage.seen.length - before).toBe(1);
  });

  it('is told of a stream that breaks off, after what came before', async () => {
    const stream = await client({ maxRetries: 2 }).chat.completions.create({
      ...failing('cut', { after_chunks: 4 }),
      stream: true,
    });
    let text = '';
    const read = async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    };
    const error = (await read().catch((failure: unknown) => failure)) as ApiError;
    expect(error).toBeInstanceOf(major.sdk.APIError);
    expect(error).toMatchObject({ status: undefined, code: 'stream_truncated' });
    expect(text).toMatch(/^Hello!/);

    const helper = major.helpers(client()).stream({ ...failing('cut', { after_chunks: 4 }), stream: true });
    await expect(helper.finalContent()).rejects.toMatchObject({ code: 'stream_truncated' });
  });

  it('lists and finds models', async () => {
    const ids = [];
    for await (const { id } of client().models.list()) ids.push(id);
    expect(ids).toEqual(expect.arrayContaining(['gpt-4o', 'gpt-4', 'simulator', 'simulator-echo']));
    const created = expect.any(Number);
    const model = await client().models.retrieve('gpt-4o');
    expect(model).toMatchObject({
      id: 'gpt-4o',
      object: 'model',
      created,
      owned_by: expect.stringContaining('parley'),
    });
    const withSlash = await client().models.retrieve('simulator/simulator-echo');
    expect(withSlash).toMatchObject({ id: 'simulator/simulator-echo', object: 'model' });
    const slash = major.version === '4.' ? '/' : '%2F';
    expect(stage.seen.at(-1)?.url).toBe(`/v1/models/simulator${slash}simulator-echo`);
  });

  it('shows the headers of an answer and of a stream', async () => {
    for (const stream of [false, true]) {
      const {
        data,
        response,
        request_id: id,
      } = await client()
        .chat.completions.create({ ...ASK, stream })
        .withResponse();
      const header = (name: string) => response.headers.get(name);
      expect(response.status).toBe(200);
      expect(header('x-request-id')).toMatch(/^req_/);
      expect(header('x-request-id')).toBe(id);
      if (!stream) expect(data).toHaveProperty('_request_id', id);
      expect(header('openai-processing-ms')).toMatch(/^\d+$/);
      expect(header('openai-version')).toBe('2020-10-01');
      expect(header('x-parley-provider')).toBe('simulator');
      expect(header('x-parley-model')).toBe('simulator');
      expect(header('x-parley-attempts')).toBe('1');
      expect(header('content-type')).toMatch(stream ? /^text\/event-stream/ : /^application\/json/);
      if ('controller' in data) data.controller.abort();
    }
  });

  it('works as a client of Azure', async () => {
    const options = { endpoint: stage.url, apiKey: stage.key, apiVersion: '2024-10-21', maxRetries: 0 };
    const azure = new major.sdk.AzureOpenAI(options);
    const plain = await azure.chat.completions.create(ASK);
    expect(plain.choices[0]?.message.content).toContain('Say hello.');
    const { url, headers } = stage.seen.at(-1) ?? {};
    expect(url).toBe('/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21');
    expect(headers).toMatchObject({ 'api-key': stage.key });
    expect(headers).not.toHaveProperty('authorization');

    const deployed = new major.sdk.AzureOpenAI({ ...options, deployment: 'gpt-4' });
    const stream = await deployed.chat.completions.create({ ...ASK, model: '', stream: true });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    expect(stage.seen.at(-1)?.url).toContain('/openai/deployments/gpt-4/');
    expect(text).toBe(plain.choices[0]?.message.content);

    const unknown = azure.chat.completions.create({ ...ASK, model: 'gpt-5-of-ours' });
    await expect(unknown).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
  });
});

it('every major waits as long as it is told before it asks again', async () => {
  const before = stage.seen.length;
  const errors = await Promise.all(
    MAJORS.map((major) =>
      clientOf(major, stage, { maxRetries: 2 })
        .chat.completions.create(failing('429'))
        .catch((error: unknown) => error instanceof major.sdk.RateLimitError),
    ),
  );
  expect(errors).toEqual(MAJORS.map(() => true));
  for (const { version } of MAJORS) {
    const asked = stage.seen.slice(before).filter(({ headers }) => headers['user-agent']?.includes(`/JS ${version}`));
    expect(asked.map(({ headers }) => headers['x-stainless-retry-count'])).toEqual(['0', '1', '2']);
    const waits = asked.slice(1).map(({ at }, index) => at - (asked[index]?.at ?? 0));
    for (const wait of waits) {
      expect(wait).toBeGreaterThan(990);
      expect(wait).toBeLessThan(3000);
    }
  }
});
