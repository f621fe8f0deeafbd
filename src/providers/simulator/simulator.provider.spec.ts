import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ChatCompletionChunk } from '../../domain/chat.js';
import {
  type Circumstances,
  complete,
  stream,
  chunksOf,
  weather,
  sql,
  tools,
  schema,
  json_schema,
  result,
  user,
} from '../../../test/support/simulator.js';

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
