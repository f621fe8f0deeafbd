import { Ajv2020 } from 'ajv/dist/2020.js';
import { firstValueFrom, type Subscription, toArray } from 'rxjs';
import type { ChatCompletion, ChatCompletionChunk, ChatRequest } from '../../domain/chat.js';
import type { ChatFrame } from '../../domain/chat-frame.js';
import type { Timeouts, UpstreamAttempt } from '../../domain/deployment.js';
import {
  type GatewayError,
  InvalidRequestError,
  ModelNotFoundError,
  TruncatedStreamError,
  UpstreamError,
  UpstreamTimeoutError,
  UpstreamUnreachableError,
} from '../../domain/errors.js';
import { Flow } from '../../domain/flow.js';
import type { UpstreamCall } from '../provider.js';
import { SimulatorProvider } from './simulator.provider.js';

const LONG: Timeouts = { connect: 5000, firstToken: 5000, idle: 5000, total: 5000 };

interface Circumstances {
  readonly model?: string;
  readonly timeouts?: Partial<Timeouts>;
  readonly signal?: AbortSignal;
}

function call({
  model = 'simulator',
  timeouts = {},
  signal = new AbortController().signal,
}: Circumstances = {}): UpstreamCall {
  const deployment = {
    provider: 'simulator',
    model,
    baseModel: model,
    facts: {},
    endpoint: { type: 'simulator', baseUrl: '', credentials: [], headers: {}, settings: {} },
    timeouts: { ...LONG, ...timeouts },
  };
  const attempt: UpstreamAttempt = {
    deployment,
    startedAt: performance.now(),
    answeredAt: undefined,
    endedAt: undefined,
    outcome: undefined,
    status: undefined,
    errorCode: null,
    usage: undefined,
    changes: [],
  };
  const onCancel = (stop: () => void) => signal.addEventListener('abort', stop);
  return {
    keyId: undefined,
    deployment,
    credential: undefined,
    strict: false,
    onCancel,
    signal,
    attempt,
    flow: new Flow(),
  };
}

const provider = new SimulatorProvider();
const ask = (fields: object): ChatRequest => ({
  model: 'simulator',
  messages: [{ role: 'user', content: 'Hi there' }],
  ...fields,
});

const complete = (fields: object, circumstances?: Circumstances): Promise<ChatCompletion> =>
  provider.chat.complete(ask(fields), call(circumstances));

const stream = (fields: object, circumstances?: Circumstances): Promise<ChatFrame[]> =>
  firstValueFrom(provider.chat.stream(ask({ stream: true, ...fields }), call(circumstances)).pipe(toArray()));

function chunksOf(frames: readonly ChatFrame[]): ChatCompletionChunk[] {
  const text = frames.map(({ bytes }) => Buffer.from(bytes).toString()).join('');
  return text
    .split('\n\n')
    .slice(0, -1)
    .map((event) => JSON.parse(event.replace(/^data: /, '')));
}

type Tree = Record<string, unknown>;

/** Adds chunks up as a client does; strings that come twice would double. */
function fold(chunks: readonly ChatCompletionChunk[]): readonly Tree[] {
  const choices: Tree[] = [];
  for (const { index, delta, finish_reason: reason, logprobs } of chunks.flatMap((chunk) => chunk.choices)) {
    const { tool_calls: calls = [], ...members } = delta;
    const choice = (choices[index] ??= { index, message: {}, finish_reason: null, logprobs: null });
    add(choice, { message: members, logprobs: logprobs ?? null, ...(reason !== null && { finish_reason: reason }) });
    for (const { index: at, ...fragment } of calls) add(choice, { message: { tool_calls: { [at]: fragment } } });
  }
  return choices;
}

function add(target: Tree, fragment: object): void {
  for (const [key, value] of Object.entries(fragment) as [string, unknown][]) {
    if (value === null) target[key] ??= null;
    else if (typeof value === 'string') target[key] = `${(target[key] as string | null | undefined) ?? ''}${value}`;
    else if (Array.isArray(value)) target[key] = [...((target[key] as unknown[] | null | undefined) ?? []), ...value];
    else if (typeof value === 'object') add((target[key] ??= {}) as Tree, value);
  }
}

/** What both forms of an answer have in common: all but the ids of calls and the form of their list. */
function essence(choices: readonly object[]): unknown {
  return choices.map((choice) => {
    const { message, ...rest } = choice as { message: { annotations?: unknown; tool_calls?: object } };
    const { annotations: _, tool_calls: calls = [], ...members } = message;
    return { ...rest, message: members, calls: Object.values(calls).map(({ id: __, ...toolCall }) => toolCall) };
  });
}

const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 1 } },
      required: ['city', 'days'],
    },
  },
};
const clock = { type: 'function', function: { name: 'get_time' } };
const sql = { type: 'custom', custom: { name: 'run_sql' } };
const tools = [weather, clock, sql];
const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'], additionalProperties: false };
const json_schema = { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } };
const result = [
  { role: 'user', content: 'Weather?' },
  {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'c1', type: 'function', function: { name: 'get_weather', arguments: '{}' } }],
  },
  { role: 'tool', tool_call_id: 'c1', content: '21 degrees' },
];
const user = (content: unknown) => ({ messages: [{ role: 'user', content }] });

const REQUESTS: Readonly<Record<string, object>> = {
  'a greeting': {},
  'several choices': { n: 3, simulator: { tokens: 5 } },
  'seeded text': { simulator: { seed: 7, tokens: 300 } },
  'text of more than one frame': { simulator: { tokens: 2000 } },
  'no text': { simulator: { text: '' } },
  'characters of several tokens': { simulator: { text: 'Ça va? 👩‍👩‍👧 漢字 🇩🇪' } },
  'half a character': { simulator: { text: 'broken \ud83d end' } },
  'cut off': { max_completion_tokens: 4 },
  stopped: { stop: ['simulator', 'zzz'] },
  'log probabilities': { logprobs: true, top_logprobs: 3, simulator: { tokens: 4 } },
  'a tool call': { tools },
  'several tool calls': { tools, ...user('get_time and get_weather and run_sql') },
  'several tool calls, several choices': { tools, n: 2, ...user('get_time and get_weather') },
  'a tool call cut off': { tools, max_tokens: 8 },
  'a custom tool': { tools: [sql] },
  'a legacy function': { functions: [weather.function] },
  'a tool result': { tools, messages: result },
  JSON: { response_format: { type: 'json_object' } },
  'JSON by a schema': { response_format: json_schema, n: 2 },
};

describe('an answer', () => {
  it.each(Object.entries(REQUESTS))('is the same streamed and whole: %s', async (_, fields) => {
    const whole = await complete(fields);
    const frames = await stream({ ...fields, stream_options: { include_usage: true } });
    const chunks = chunksOf(frames);
    expect(essence(fold(chunks))).toEqual(essence(whole.choices));
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage });
    expect(chunks.slice(0, -1).map(({ usage }) => usage)).toEqual(chunks.slice(1).map(() => null));
    expect(new Set(chunks.map(({ id, created, model, object }) => `${id} ${created} ${model} ${object}`)).size).toBe(1);
    expect(frames.map(({ usage }) => usage)).toEqual([...frames.slice(1).map(() => undefined), whole.usage]);
  });

  it('has every member of an OpenAI completion', async () => {
    const answer = await complete({ simulator: { text: 'Hello you' } });
    expect(answer).toEqual({
      id: expect.stringMatching(/^chatcmpl-[0-9a-f]{32}$/),
      object: 'chat.completion',
      created: expect.any(Number),
      model: 'simulator',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hello you', refusal: null, annotations: [] },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: {
        prompt_tokens: 9,
        completion_tokens: 2,
        total_tokens: 11,
        prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
        completion_tokens_details: {
          reasoning_tokens: 0,
          audio_tokens: 0,
          accepted_prediction_tokens: 0,
          rejected_prediction_tokens: 0,
        },
      },
      service_tier: 'default',
      system_fingerprint: 'fp_simulator',
    });
    expect(Math.abs(answer.created - Date.now() / 1000)).toBeLessThan(5);
  });

  it('is streamed role first, then the pieces, then the finish, without usage where nobody asked', async () => {
    const frames = await stream({ simulator: { text: 'Hello you' } });
    const chunks = chunksOf(frames);
    expect(chunks.map(({ choices }) => choices)).toEqual([
      [{ index: 0, delta: { role: 'assistant', content: '', refusal: null }, logprobs: null, finish_reason: null }],
      [{ index: 0, delta: { content: 'Hello' }, logprobs: null, finish_reason: null }],
      [{ index: 0, delta: { content: ' you' }, logprobs: null, finish_reason: null }],
      [{ index: 0, delta: {}, logprobs: null, finish_reason: 'stop' }],
    ]);
    expect(chunks.some((chunk) => 'usage' in chunk)).toBe(false);
    expect(frames.at(-1)?.usage?.total_tokens).toBe(11);
  });

  it('opens each tool call once, one after the other', async () => {
    const chunks = chunksOf(await stream({ tools, ...user('get_time, then get_weather') }));
    const deltas = chunks.map(({ choices: [choice] }) => choice?.delta);
    expect(deltas[0]).toEqual({ role: 'assistant', content: null, refusal: null });
    const fragments = deltas.flatMap((delta) => delta?.tool_calls ?? []);
    const indexes = fragments.map(({ index }) => index);
    expect(indexes).toEqual([...indexes].sort());
    const openings = fragments.filter(({ id }) => id !== undefined);
    expect(openings).toEqual([
      {
        index: 0,
        id: expect.stringMatching(/^call_\w{24}$/),
        type: 'function',
        function: { name: 'get_weather', arguments: '' },
      },
      {
        index: 1,
        id: expect.stringMatching(/^call_\w{24}$/),
        type: 'function',
        function: { name: 'get_time', arguments: '' },
      },
    ]);
    expect(
      fragments
        .filter((fragment) => !openings.includes(fragment))
        .every(({ type, function: f }) => type === undefined && f?.name === undefined),
    ).toBe(true);
  });
});

describe('text', () => {
  it.each<[string, object, Circumstances, RegExp]>([
    ['says what it is and repeats the user', {}, {}, /simulator, not a language model.*"Hi there"/],
    [
      'mentions attachments',
      user([
        { type: 'text', text: 'Look' },
        { type: 'image_url', image_url: { url: 'x' } },
      ]),
      {},
      /"Look" \(with 1 attachment\)/,
    ],
    ['echoes', user('Say this'), { model: 'simulator-echo' }, /^Say this$/],
    ['is the one that was given', { simulator: { text: 'Exactly.' } }, { model: 'simulator-echo' }, /^Exactly\.$/],
    ['uses the result of a tool', { messages: result, tools }, {}, /`get_weather` says: "21 degrees"/],
    ['ends before a stop text', { simulator: { text: 'one two three' }, stop: [' three', ' two'] }, {}, /^one$/],
    ['ends before the only stop text', { simulator: { text: 'one two three' }, stop: ' three' }, {}, /^one two$/],
    [
      'is JSON where JSON is asked for',
      { response_format: { type: 'json_object' } },
      {},
      /^\{"simulated":true,"message":".*Hi there.*"\}$/,
    ],
  ])('%s', async (_, fields, circumstances, text) => {
    const { choices } = await complete(fields, circumstances);
    expect(choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: expect.stringMatching(text) } });
  });

  it.each([1, 50, 1000])('is made up to the length of %i tokens, differently for each seed', async (tokens) => {
    const answers = await Promise.all([1, 1, 2].map((seed) => complete({ simulator: { tokens, seed } })));
    expect(answers.map(({ usage }) => usage?.completion_tokens)).toEqual([tokens, tokens, tokens]);
    const [one, again, other] = answers.map(({ choices }) => choices[0]?.message.content);
    expect(one).toBe(again);
    if (tokens > 1) expect(one).not.toBe(other);
  });

  it('ends at the limit and says so', async () => {
    const { choices, usage } = await complete({ max_tokens: 3, simulator: { tokens: 10 } });
    expect(choices[0]?.finish_reason).toBe('length');
    expect(usage?.completion_tokens).toBe(3);
    const endless = await complete(user('many words '.repeat(40_000)), { model: 'simulator-echo' });
    expect(endless.choices[0]?.finish_reason).toBe('length');
    expect(endless.usage).toMatchObject({ prompt_tokens: 80_008, completion_tokens: 16_384 });
  });

  it('has log probabilities of OpenAI’s shape', async () => {
    const { choices } = await complete({ logprobs: true, top_logprobs: 2, simulator: { text: 'né' } });
    const candidate = { token: expect.any(String), logprob: expect.any(Number), bytes: expect.any(Array) };
    const { content, refusal } = choices[0]?.logprobs as { content: { bytes: number[] }[]; refusal: null };
    expect(refusal).toBeNull();
    expect(content.flatMap(({ bytes }) => bytes)).toEqual([...Buffer.from('né')]);
    for (const entry of content) expect(entry).toEqual({ ...candidate, top_logprobs: [candidate, candidate] });
  });
});

describe('tools', () => {
  const force = (name: string) => ({ type: 'function', function: { name } });
  const two = [...result.slice(0, 2), { role: 'tool', tool_call_id: 'c1', content: 'ok' }];

  it.each<[string, object, readonly string[]]>([
    ['the first', { tools }, ['get_weather']],
    ['the first that the user names', { tools, ...user('please get_time now') }, ['get_time']],
    ['several that the user names', { tools, ...user('get_time and run_sql') }, ['get_time', 'run_sql']],
    [
      'one where calls must not be parallel',
      { tools, ...user('get_time and run_sql'), parallel_tool_calls: false },
      ['get_time'],
    ],
    ['any, being required to', { tools, tool_choice: 'required' }, ['get_weather']],
    ['the forced one', { tools, tool_choice: force('get_time') }, ['get_time']],
    ['the forced custom one', { tools, tool_choice: { type: 'custom', custom: { name: 'run_sql' } } }, ['run_sql']],
    ['none', { tools, tool_choice: 'none' }, []],
    ['none, there being none', { tools: [], tool_choice: null }, []],
    [
      'an allowed one',
      { tools, tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [force('get_time')] } } },
      ['get_time'],
    ],
    ['none after a result', { tools, messages: result }, []],
    ['another one after a result, being required to', { tools, messages: two, tool_choice: 'required' }, ['get_time']],
    ['none after the forced one’s result', { tools, messages: two, tool_choice: force('get_weather') }, []],
    ['none where the text is given', { tools, simulator: { text: 'no' } }, []],
    [
      'the forced one even where the text is given',
      { tools, tool_choice: force('get_time'), simulator: { text: 'no' } },
      ['get_time'],
    ],
    ['one before the JSON that is asked for', { tools, response_format: json_schema }, ['get_weather']],
  ])('calls %s', async (_, fields, names) => {
    const { choices } = await complete(fields);
    const [choice] = choices;
    expect(choice?.message.tool_calls?.map((toolCall) => (toolCall.function ?? toolCall.custom)?.name) ?? []).toEqual(
      names,
    );
    expect(choice?.finish_reason).toBe(names.length === 0 ? 'stop' : 'tool_calls');
    expect(choice?.message.content === null).toBe(names.length > 0);
  });

  it('gives arguments that meet the schema, and free text to a custom tool', async () => {
    const { choices } = await complete({ tools, n: 2, ...user('get_weather and get_time and run_sql') });
    for (const { message } of choices) {
      const [first, second, third] = message.tool_calls ?? [];
      const ajv = new Ajv2020();
      expect(ajv.validate(weather.function.parameters, JSON.parse(first?.function?.arguments ?? ''))).toBe(true);
      expect(second?.function?.arguments).toBe('{}');
      expect(third).toMatchObject({ type: 'custom', custom: { input: 'get_weather and get_time and run_sql' } });
    }
    expect(new Set(choices.flatMap(({ message }) => message.tool_calls?.map(({ id }) => id))).size).toBe(6);
  });

  it('answers legacy functions in the legacy shape', async () => {
    const { choices } = await complete({ functions: [weather.function], function_call: { name: 'get_weather' } });
    expect(choices[0]).toMatchObject({
      finish_reason: 'function_call',
      message: { content: null, function_call: { name: 'get_weather' } },
    });
    expect(choices[0]?.message).not.toHaveProperty('tool_calls');
  });

  it('answers with JSON of the schema once the tool has', async () => {
    const { choices } = await complete({ tools, messages: result, response_format: json_schema });
    expect(new Ajv2020().validate(schema, JSON.parse(choices[0]?.message.content ?? ''))).toBe(true);
  });
});

describe('what cannot be answered', () => {
  it.each<[object, string, string]>([
    [{ simulator: 'fast' }, 'simulator', 'invalid_type'],
    [{ simulator: [] }, 'simulator', 'invalid_type'],
    [{ simulator: { speed: 1 } }, 'simulator.speed', 'unknown_parameter'],
    [{ simulator: { text: 7 } }, 'simulator.text', 'invalid_type'],
    [{ simulator: { fault: '404' } }, 'simulator.fault', 'invalid_value'],
    [{ simulator: { fault: 429 } }, 'simulator.fault', 'invalid_value'],
    [{ simulator: { seed: 1.5 } }, 'simulator.seed', 'invalid_type'],
    [{ simulator: { tokens: 0 } }, 'simulator.tokens', 'integer_below_min_value'],
    [{ simulator: { tokens: 1e6 } }, 'simulator.tokens', 'integer_above_max_value'],
    [{ simulator: { tokens: 5, text: 'x' } }, 'simulator.tokens', 'invalid_value'],
    [{ simulator: { first_token_ms: -1 } }, 'simulator.first_token_ms', 'integer_below_min_value'],
    [{ simulator: { chunk_ms: 1e9 } }, 'simulator.chunk_ms', 'integer_above_max_value'],
    [{ simulator: { after_chunks: '3' } }, 'simulator.after_chunks', 'invalid_type'],
    [{ tools, tool_choice: { type: 'function', function: { name: 'nope' } } }, 'tool_choice', 'invalid_value'],
    [
      { tools, tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [{}] } } },
      'tool_choice.allowed_tools.tools',
      'invalid_value',
    ],
    [
      { tools: [clock, { type: 'function', function: { name: 'x', parameters: { $ref: '#' } } }], ...user('x') },
      'tools[1].function.parameters',
      'invalid_function_parameters',
    ],
    [
      { functions: [{ name: 'x', parameters: { allOf: [false] } }] },
      'functions[0].parameters',
      'invalid_function_parameters',
    ],
    [
      { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { $ref: '#' } } } },
      'response_format',
      'invalid_json_schema',
    ],
  ])('is refused with its path: %j', async (fields, param, code) => {
    for (const answer of [complete(fields), stream(fields)]) {
      const error = await answer.catch((thrown: unknown) => thrown as GatewayError);
      expect(error).toBeInstanceOf(InvalidRequestError);
      expect(error).toMatchObject({ status: 400, param, code });
    }
  });

  it('takes null for absence', async () => {
    const nothing = {
      text: null,
      seed: null,
      tokens: null,
      first_token_ms: null,
      chunk_ms: null,
      fault: null,
      after_chunks: null,
    };
    expect((await complete({ simulator: nothing })).choices).toHaveLength(1);
    expect((await complete({ simulator: null })).choices).toHaveLength(1);
  });

  it('knows no other models', async () => {
    await expect(complete({}, { model: 'gpt-4' })).rejects.toThrow(ModelNotFoundError);
  });
});

describe('faults', () => {
  it.each<[string, object]>([
    ['429', { status: 429, upstreamStatus: 429, type: 'requests', code: 'rate_limit_exceeded', retryAfterMs: 1000 }],
    ['500', { status: 500, upstreamStatus: 500, type: 'server_error', code: null }],
    ['503', { status: 503, upstreamStatus: 503, code: 'server_is_overloaded', retryAfterMs: 1000 }],
  ])('%s is the error OpenAI answers with', async (fault, detail) => {
    for (const answer of [complete({ simulator: { fault } }), stream({ simulator: { fault } })]) {
      const error = await answer.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(UpstreamError);
      expect(error).toMatchObject(detail);
    }
  });

  it('cut ends a stream after the chunks it was told, and a whole answer before it', async () => {
    await expect(complete({ simulator: { fault: 'cut' } })).rejects.toThrow(UpstreamUnreachableError);
    expect(await outcome({ simulator: { fault: 'cut', after_chunks: 3 } })).toEqual({
      chunks: 3,
      error: expect.any(TruncatedStreamError),
    });
    expect(await outcome({ simulator: { fault: '500', after_chunks: 2 } })).toEqual({
      chunks: 2,
      error: expect.any(UpstreamError),
    });
    expect(await outcome({ simulator: { fault: 'cut', after_chunks: 1, chunk_ms: 1 } })).toMatchObject({ chunks: 1 });
  });

  it.each<[string, object, Partial<Timeouts>, { chunks: number; clock: string }]>([
    ['before the first', { fault: 'stall' }, { firstToken: 60 }, { chunks: 0, clock: 'firstToken' }],
    ['in the middle', { fault: 'stall', after_chunks: 2 }, { idle: 60 }, { chunks: 2, clock: 'idle' }],
    ['because it is slower than it may be', { chunk_ms: 5000 }, { idle: 60 }, { chunks: 2, clock: 'idle' }],
    [
      'because it starts later than it may',
      { first_token_ms: 5000 },
      { firstToken: 60 },
      { chunks: 0, clock: 'firstToken' },
    ],
  ])('a stream that stalls %s runs into the clock', async (_, simulator, timeouts, { chunks, clock }) => {
    const ended = await outcome({ simulator }, { timeouts });
    expect(ended).toMatchObject({ chunks, error: { clock } });
    expect(ended.error).toBeInstanceOf(UpstreamTimeoutError);
  });

  it('a whole answer that stalls runs into the whole time', async () => {
    for (const simulator of [{ fault: 'stall' }, { first_token_ms: 900 }, { fault: 'slow' }]) {
      await expect(complete({ simulator }, { timeouts: { total: 40 } })).rejects.toMatchObject({ clock: 'total' });
    }
  });

  it('the flaky model fails now and then: by count, or by seed always alike', async () => {
    const flaky = new SimulatorProvider();
    const statusOf = (fields: object): Promise<number> =>
      flaky.chat.complete(ask(fields), call({ model: 'simulator-flaky' })).then(
        () => 200,
        ({ status }: UpstreamError) => status,
      );
    const counted: number[] = [];
    for (let request = 0; request < 12; request += 1) counted.push(await statusOf({}));
    expect(counted).toEqual([200, 200, 429, 200, 200, 500, 200, 200, 503, 200, 200, 429]);
    const seeds = Array.from({ length: 60 }, (_, seed) => seed);
    const seeded = await Promise.all(seeds.map((seed) => statusOf({ seed })));
    expect(await Promise.all(seeds.map((seed) => statusOf({ simulator: { seed } })))).toEqual(seeded);
    expect([...new Set(seeded)].sort()).toEqual([200, 429, 500, 503]);
    const failed = seeded.filter((status) => status !== 200).length;
    expect(failed).toBeGreaterThan(10);
    expect(failed).toBeLessThan(30);
  });

  async function outcome(fields: object, circumstances?: Circumstances): Promise<{ chunks: number; error: unknown }> {
    const frames: ChatFrame[] = [];
    return new Promise((resolve) => {
      provider.chat.stream(ask({ stream: true, ...fields }), call(circumstances)).subscribe({
        next: (frame) => frames.push(frame),
        error: (error: unknown) => resolve({ chunks: chunksOf(frames).length, error }),
        complete: () => resolve({ chunks: chunksOf(frames).length, error: undefined }),
      });
    });
  }
});

describe('the pace', () => {
  it('keeps to the delays it is given, in both forms', async () => {
    const simulator = { text: 'one two three', first_token_ms: 60, chunk_ms: 30 };
    const times: number[] = [];
    const startedAt = performance.now();
    const place = call();
    await new Promise<void>((complete) => {
      provider.chat
        .stream(ask({ stream: true, simulator }), place)
        .subscribe({ next: () => times.push(performance.now()), complete });
    });
    expect(times).toHaveLength(3);
    expect((times[0] ?? 0) - startedAt).toBeGreaterThan(55);
    expect((times[2] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(55);
    expect(place.attempt.answeredAt).toBeLessThanOrEqual(times[0] ?? 0);

    const wholeAt = performance.now();
    await complete({ simulator });
    expect(performance.now() - wholeAt).toBeGreaterThan(115);
  });

  it('the slow model takes a second to begin', async () => {
    const startedAt = performance.now();
    await complete({ simulator: { text: 'x' } }, { model: 'simulator-slow' });
    expect(performance.now() - startedAt).toBeGreaterThan(990);
  });

  it.each([0, 2])('waits while the flow is paused and goes on where it was (%i ms a chunk)', async (chunk_ms) => {
    const tokens = chunk_ms === 0 ? 4000 : 20;
    const place = call({ timeouts: { idle: 40 } });
    const frames: ChatFrame[] = [];
    let isComplete = false;
    provider.chat.stream(ask({ stream: true, simulator: { tokens, chunk_ms } }), place).subscribe({
      next: (frame) => {
        frames.push(frame);
        if (frames.length === 2) place.flow.pause();
      },
      complete: () => (isComplete = true),
    });
    await sleep(150);
    expect(frames).toHaveLength(2);
    place.flow.resume();
    while (!isComplete) await sleep(10);
    expect(chunksOf(frames)).toHaveLength(tokens + 2);
    expect(frames.at(-1)?.usage?.completion_tokens).toBe(tokens);
  });

  it('stops at once when unsubscribed from', async () => {
    let count = 0;
    const subscription: Subscription = provider.chat
      .stream(ask({ stream: true, simulator: { tokens: 500, chunk_ms: 1 } }), call())
      .subscribe(() => {
        count += 1;
        if (count === 3) subscription.unsubscribe();
      });
    await sleep(100);
    expect(count).toBe(3);
  });

  it.each([
    ['before it began', 0],
    ['while it runs', 30],
  ])('ends with the reason of the abort %s, in both forms', async (_, ms) => {
    const simulator = { first_token_ms: 5000 };
    for (const ask of [complete, stream]) {
      const abort = new AbortController();
      const answer = ask({ simulator }, { signal: abort.signal }).catch((error: unknown) => error);
      if (ms > 0) await sleep(ms);
      abort.abort(new Error('gone'));
      expect(await answer).toEqual(new Error('gone'));
    }
  });

  const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
});
