import OpenAI from 'openai';
import { startGateway, type Gateway } from '../support/gateway.js';
import { answerWith, startUpstream, type FakeUpstream, type Script } from '../support/upstream.js';
import { awsEvent as aws } from '../support/aws-event.js';

const sse = (...events: readonly object[]): Buffer =>
  Buffer.from(
    events
      .map((event) => `event: ${String((event as { type?: string }).type)}\ndata: ${JSON.stringify(event)}\n\n`)
      .join(''),
  );

/** What a provider says in its own dialect. */
interface Dialect {
  readonly model: string;
  readonly path: { readonly plain: string; readonly stream: string };
  readonly credential: readonly [header: string, value: string];
  readonly whole: object;
  readonly start: Buffer;
  readonly rest: Buffer;
  /** An error as the first event, and as a later one. */
  readonly overload: Buffer;
  readonly errors: readonly (readonly [
    status: number,
    body: object,
    headers: Readonly<Record<string, string>>,
    told: object,
  ])[];
  readonly native: string;
  /** A parameter that is dropped. */
  readonly drops: string;
}

const CLAUDE_HEAD = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-haiku-4-5' };
const claudeError = (type: string, message: string) => ({
  type: 'error',
  error: { type, message },
  request_id: 'req_up',
});
const googleError = (code: number, status: string, message: string, details: readonly object[] = []) => ({
  error: { code, status, message, details },
});
const candidate = (text: string, finishReason?: string) => ({
  candidates: [{ content: { role: 'model', parts: [{ text }] }, index: 0, ...(finishReason && { finishReason }) }],
  usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 2, totalTokenCount: 11 },
  modelVersion: 'gemini-2.5-flash',
});

const TOO_LONG = { status: 400, code: 'context_length_exceeded' };
const LIMITED = { status: 429, code: 'rate_limit_exceeded' };
const NOT_OURS = { status: 502, code: 'upstream_authentication' };

const DIALECTS = {
  anthropic: {
    model: 'anthropic/claude-haiku-4-5',
    path: { plain: '/v1/messages', stream: '/v1/messages' },
    credential: ['x-api-key', 'sk-ant-secret-0123456789'],
    whole: {
      ...CLAUDE_HEAD,
      content: [{ type: 'text', text: 'Hi there' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 9, output_tokens: 2 },
    },
    start: sse(
      { type: 'message_start', message: { ...CLAUDE_HEAD, content: [], usage: { input_tokens: 9, output_tokens: 1 } } },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'ping' },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } },
    ),
    rest: sse(
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: ' there' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } },
      { type: 'message_stop' },
    ),
    overload: sse(claudeError('overloaded_error', 'Overloaded')),
    errors: [
      [400, claudeError('invalid_request_error', 'prompt is too long: 300000 tokens > 200000 maximum'), {}, TOO_LONG],
      [401, claudeError('authentication_error', 'invalid x-api-key'), {}, NOT_OURS],
      [429, claudeError('rate_limit_error', 'Slow down'), { 'retry-after': '7' }, { ...LIMITED, wait: '7' }],
      [529, claudeError('overloaded_error', 'Overloaded'), {}, { status: 503 }],
    ],
    native: 'end_turn',
    drops: 'seed',
  },
  gemini: {
    model: 'gemini/gemini-2.5-flash',
    path: {
      plain: '/v1beta/models/gemini-2.5-flash:generateContent',
      stream: '/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse',
    },
    credential: ['x-goog-api-key', 'AIza-secret-0123456789'],
    whole: candidate('Hi there', 'STOP'),
    start: sse(candidate('Hi')),
    rest: sse(candidate(' there', 'STOP')),
    overload: sse(googleError(503, 'UNAVAILABLE', 'The model is overloaded.')),
    errors: [
      [
        400,
        googleError(
          400,
          'INVALID_ARGUMENT',
          'The input token count (9) exceeds the maximum number of tokens allowed (8).',
        ),
        {},
        TOO_LONG,
      ],
      [400, googleError(400, 'INVALID_ARGUMENT', 'API key not valid.', [{ reason: 'API_KEY_INVALID' }]), {}, NOT_OURS],
      [
        429,
        googleError(429, 'RESOURCE_EXHAUSTED', 'Quota', [
          { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7s' },
        ]),
        {},
        { ...LIMITED, wait: '7' },
      ],
      [503, googleError(503, 'UNAVAILABLE', 'The model is overloaded.'), {}, { status: 503 }],
    ],
    native: 'STOP',
    drops: 'logit_bias',
  },
  bedrock: {
    model: 'bedrock/amazon.nova-pro-v1:0',
    path: { plain: '/model/amazon.nova-pro-v1%3A0/converse', stream: '/model/amazon.nova-pro-v1%3A0/converse-stream' },
    credential: ['authorization', 'Bearer bedrock-secret-0123456789'],
    whole: {
      output: { message: { role: 'assistant', content: [{ text: 'Hi there' }] } },
      stopReason: 'end_turn',
      usage: { inputTokens: 9, outputTokens: 2, totalTokens: 11 },
    },
    start: Buffer.concat([
      aws('messageStart', { role: 'assistant' }),
      aws('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Hi' } }),
    ]),
    rest: Buffer.concat([
      aws('contentBlockDelta', { contentBlockIndex: 0, delta: { text: ' there' } }),
      aws('contentBlockStop', { contentBlockIndex: 0 }),
      aws('messageStop', { stopReason: 'end_turn' }),
      aws('metadata', { usage: { inputTokens: 9, outputTokens: 2, totalTokens: 11 } }),
    ]),
    overload: aws('serviceUnavailableException', { message: 'Too busy' }, 'exception'),
    errors: [
      [
        400,
        { message: 'Input is too long for requested model.' },
        { 'x-amzn-errortype': 'ValidationException' },
        TOO_LONG,
      ],
      [
        403,
        { message: 'The security token included in the request is invalid.' },
        { 'x-amzn-errortype': 'UnrecognizedClientException' },
        NOT_OURS,
      ],
      [429, { message: 'Too many requests' }, { 'x-amzn-errortype': 'ThrottlingException' }, LIMITED],
      [503, { message: 'Busy' }, { 'x-amzn-errortype': 'ServiceUnavailableException' }, { status: 503 }],
    ],
    native: 'end_turn',
    drops: 'seed',
  },
} satisfies Readonly<Record<string, Dialect>>;

let gateway: Gateway;
let upstream: FakeUpstream;
let client: OpenAI;

beforeAll(async () => {
  upstream = await startUpstream();
  const at = (name: keyof typeof DIALECTS) => {
    const [, value] = DIALECTS[name].credential;
    return { baseUrl: upstream.url, apiKey: value.replace('Bearer ', '') };
  };
  gateway = await startGateway({
    config: {
      providers: {
        anthropic: at('anthropic'),
        gemini: at('gemini'),
        bedrock: { ...at('bedrock'), region: 'us-east-1' },
      },
    },
  });
  client = new OpenAI({ apiKey: gateway.key, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
});

afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

/** Sends these pieces, each on its own, and then ends or cuts the connection. */
const streaming =
  (pieces: readonly Buffer[], then: 'end' | 'cut' = 'end'): Script =>
  async ({ response }) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const piece of pieces) await new Promise((resolve) => response.write(piece, resolve));
    if (then === 'end') response.end();
    else response.destroy();
  };

const ask = (model: string, more: object = {}, headers: object = {}) =>
  fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }], ...more }),
  });

describe('Anthropic', () => {
  const claude = DIALECTS.anthropic;
  const serverTool = sse(
    { type: 'message_start', message: { ...CLAUDE_HEAD, content: [], usage: { input_tokens: 9, output_tokens: 1 } } },
    {
      type: 'content_block_start',
      index: 0,
      content_block: { type: 'server_tool_use', id: 's1', name: 'web_search', input: {} },
    },
  );

  it('is asked for long answers as a stream, which plain clients never see', async () => {
    upstream.play(streaming([claude.start, claude.rest]));
    const whole = (await (await ask(claude.model)).json()) as object;
    expect(JSON.parse(upstream.requests[0]?.body ?? '')).toMatchObject({ stream: true, max_tokens: 64_000 });
    upstream.play(answerWith(claude.whole));
    expect({ ...((await (await ask(claude.model)).json()) as object), id: '', created: 0 }).toEqual({
      ...whole,
      id: '',
      created: 0,
    });
  });

  it.each([
    ['ends too early', [claude.start], 502, 'stream_truncated'],
    ['breaks off', [claude.start], 502, 'stream_truncated'],
    ['fails on the way', [claude.start, claude.overload], 503, 'server_is_overloaded'],
  ] as const)('tells plain clients of a stream that %s', async (what, pieces, status, code) => {
    upstream.play(streaming(pieces, what === 'breaks off' ? 'cut' : 'end'));
    const answer = await ask(claude.model);
    expect([answer.status, await answer.json()]).toEqual([
      status,
      { error: expect.objectContaining({ code }) as object },
    ]);
  });

  it('has begun once a tool of its own is at work, and shows nothing of it', async () => {
    upstream.play(streaming([serverTool]));
    const answer = await ask(claude.model, { stream: true });
    const text = await answer.text();
    expect([answer.status, text.match(/"delta":\{[^}]*\}/g)]).toEqual([
      200,
      ['"delta":{"role":"assistant","content":""}'],
    ]);
    expect(text).toContain('"code":"stream_truncated"');
  });

  it('says which stop text it was, streamed or not', async () => {
    const stop = { stop_reason: 'stop_sequence', stop_sequence: 'END' };
    upstream.play(answerWith({ ...claude.whole, ...stop }));
    expect(await (await ask(claude.model)).json()).toMatchObject({
      choices: [{ finish_reason: 'stop', matched_stop: 'END' }],
    });
    upstream.play(
      streaming([claude.start, sse({ type: 'message_delta', delta: stop, usage: {} }, { type: 'message_stop' })]),
    );
    expect(await (await ask(claude.model, { stream: true })).text()).toContain('"matched_stop":"END"');
  });
});

describe.each(Object.entries<Dialect>(DIALECTS))('%s, asked through the OpenAI SDK', (_, dialect) => {
  const { model, path, credential, drops } = dialect;
  const messages = [{ role: 'user' as const, content: 'Hello' }];

  it('answers', async () => {
    upstream.play(answerWith(dialect.whole));
    const { data, response } = await client.chat.completions
      .create({ model, messages, [drops]: drops === 'seed' ? 7 : { 1: 1 } })
      .withResponse();
    expect(upstream.requests[0]).toMatchObject({
      method: 'POST',
      url: path.plain,
      headers: { [credential[0]]: credential[1] },
    });
    expect(data).toMatchObject({
      id: expect.stringMatching(/^chatcmpl-/),
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hi there', refusal: null },
          finish_reason: 'stop',
          native_finish_reason: dialect.native,
        },
      ],
      usage: { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 },
    });
    expect(response.headers.get('x-parley-dropped-params')).toBe(drops);
  });

  it('streams', async () => {
    upstream.play(streaming([dialect.start, dialect.rest]));
    const stream = client.chat.completions.stream({ model, messages, stream_options: { include_usage: true } });
    const answer = await stream.finalChatCompletion();
    expect(upstream.requests[0]).toMatchObject({ url: path.stream, headers: { [credential[0]]: credential[1] } });
    expect(answer.choices[0]).toMatchObject({ message: { content: 'Hi there' }, finish_reason: 'stop' });
    expect(answer.usage).toMatchObject({ prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 });
  });

  it('refuses to drop anything where that is asked for', async () => {
    upstream.play(answerWith(dialect.whole));
    const more = { [drops]: drops === 'seed' ? 7 : { 1: 1 } };
    const answer = await ask(model, more, { 'x-parley-strict': 'true' });
    expect([answer.status, await answer.json()]).toEqual([
      400,
      { error: expect.objectContaining({ code: 'unsupported_parameter', param: drops }) as object },
    ]);
    expect(upstream.requests).toHaveLength(0);
  });

  it.each(dialect.errors)('tells a %i as OpenAI would: %j', async (status, body, headers, told) => {
    upstream.play(answerWith(body, { status, headers }));
    for (const stream of [false, true]) {
      const answer = await ask(model, { stream });
      const text = await answer.text();
      const { error } = JSON.parse(text) as { error: { code: string } };
      const wait = answer.headers.get('retry-after');
      expect({ status: answer.status, code: error.code, wait }).toMatchObject(told);
      expect(text).not.toContain('secret');
    }
  });

  it('tells an error that is the first event by a status', async () => {
    upstream.play(streaming([dialect.overload]));
    const answer = await ask(model, { stream: true });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      503,
      expect.stringContaining('application/json'),
    ]);
  });

  it.each([
    ['an error in the middle', 'error', (): Script => streaming([dialect.start, dialect.overload])],
    ['a stream that ends too early', 'stream_truncated', (): Script => streaming([dialect.start])],
    ['a stream that breaks off', 'stream_truncated', (): Script => streaming([dialect.start], 'cut')],
  ])('ends %s with an error and without [DONE]', async (_what, code, script) => {
    upstream.play(script());
    const text = await (await ask(model, { stream: true })).text();
    expect(text).toContain('"content":"Hi"');
    expect(text).toContain('data: {"error":{');
    if (code !== 'error') expect(text).toContain(`"code":"${code}"`);
    expect(text).not.toMatch(/\[DONE\]|"finish_reason":"/);
  });
});
