import { factsOf } from '../../catalog/model-facts.js';
import type { ChatRequest } from '../../domain/chat.js';
import { NO_TURN_STATES } from '../../domain/turn-state.js';
import { anthropicMessages } from './index.js';
import type { Host } from './wire.js';

type Fields = Readonly<Record<string, unknown>>;

function told(fields: Fields, model = 'claude-haiku-4-5', host: Host = 'anthropic') {
  const request = { model: 'asked', messages: [{ role: 'user', content: 'Hi' }], ...fields } as unknown as ChatRequest;
  const facts = factsOf('anthropic', model);
  const wire = anthropicMessages({ host }).request(request, {
    model,
    baseModel: model,
    facts,
    turns: NO_TURN_STATES,
    withoutState: false,
  });
  const body = JSON.parse(wire.body) as Fields & { tools?: Fields[]; system?: { text: string }[] };
  return { ...wire, body, report: wire.changes.map(({ path, treatment }) => `${treatment} ${path}`) };
}

const refusal = (fields: Fields, model?: string): unknown => {
  try {
    return told(fields, model).report;
  } catch (error) {
    const { status, code, param } = error as { status: number; code: string; param: string };
    return [status, code, param];
  }
};

const fn = (name: string, more: Fields = {}) => ({ type: 'function', function: { name, ...more } });
const tools = [fn('f'), fn('g')];

describe('a request', () => {
  it('is the least the API takes, byte for byte the same every time', () => {
    const { body, path, headers, changes, asked } = told({
      n: 1,
      logprobs: false,
      temperature: null,
      frequency_penalty: 0,
    });
    expect(body).toEqual({
      model: 'claude-haiku-4-5',
      max_tokens: 64_000,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
      stream: true,
    });
    expect({ path, headers, changes, asked }).toEqual({ path: '/v1/messages', headers: {}, changes: [], asked: {} });
  });

  it.each([
    [21_333, undefined],
    [21_334, true],
  ])('asks for %i tokens as a stream, as its client does or not: %s', (limit, stream) => {
    expect(told({ max_tokens: limit }).body['stream']).toBe(stream);
    expect(told({ max_tokens: limit, stream: true }).body['stream']).toBe(true);
  });

  it('names neither model nor version where Vertex AI has them elsewhere', () => {
    const { body, path } = told({ stream: true, tools: [fn('f', { strict: true })] }, 'claude-haiku-4-5', 'vertex');
    expect([path, body['model'], body['anthropic_version']]).toEqual([
      ':streamRawPredict',
      undefined,
      'vertex-2023-10-16',
    ]);
    expect(body.tools?.[0]?.['strict']).toBeUndefined();
    expect(told({ max_tokens: 9 }, 'claude-haiku-4-5', 'vertex').path).toBe(':rawPredict');
    expect(() =>
      told(
        { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://x/y' } }] }] },
        'claude-haiku-4-5',
        'vertex',
      ),
    ).toThrow(expect.objectContaining({ param: 'messages[0].content[0].image_url' }));
  });

  it.each<[Fields, unknown]>([
    [{ n: 2 }, [400, 'unsupported_value', 'n']],
    [{ logprobs: true }, [400, 'unsupported_parameter', 'logprobs']],
    [{ modalities: ['text', 'audio'] }, [400, 'unsupported_value', 'modalities']],
    [{ audio: { voice: 'alloy' } }, [400, 'unsupported_parameter', 'audio']],
    [{ max_tokens: 0 }, [400, 'integer_below_min_value', 'max_tokens']],
    [{ reasoning_effort: 'huge' }, [400, 'unsupported_value', 'reasoning_effort']],
    [{ tools: [{ type: 'custom', custom: { name: 'x' } }] }, [400, 'unsupported_value', 'tools[0].type']],
    [{ response_format: { type: 'grammar' } }, [400, 'unsupported_value', 'response_format.type']],
    [
      {
        seed: 1,
        logit_bias: { 5: 1 },
        presence_penalty: 1,
        prediction: { type: 'content' },
        metadata: { a: 'b' },
        odd: 1,
      },
      ['seed', 'logit_bias', 'presence_penalty', 'prediction', 'metadata', 'odd'].map((path) => `dropped ${path}`),
    ],
    [{ web_search_options: {}, verbosity: 'medium' }, ['dropped web_search_options']],
    [{ prompt_cache_key: 'k', service_tier: 'flex' }, ['dropped service_tier', 'dropped prompt_cache_key']],
    [{ stream_options: { include_usage: true }, store: false, logit_bias: {}, modalities: ['text'] }, []],
  ])('is refused or reported where it cannot be carried: %j', (fields, expected) => {
    expect(refusal(fields)).toEqual(expected);
  });

  it.each<[string, Fields, Fields, readonly string[]]>([
    ['claude-haiku-4-5', { max_tokens: 5, max_completion_tokens: 7 }, { max_tokens: 7 }, ['dropped max_tokens']],
    ['claude-3-haiku-20240307', { max_tokens: 9000 }, { max_tokens: 4096 }, ['adapted max_tokens']],
    ['claude-tomorrow', {}, { max_tokens: 4096 }, []],
    [
      'claude-haiku-4-5',
      { temperature: 1.5, top_p: 0.5 },
      { temperature: 1 },
      ['adapted temperature', 'dropped top_p'],
    ],
    ['claude-haiku-4-5', { temperature: 0.5, top_p: 1 }, { temperature: 0.5 }, []],
    ['claude-opus-4-8', { top_p: 1, top_k: 1 }, {}, ['dropped top_k']],
    ['claude-3-haiku', { temperature: 0.5, top_p: 0.5, top_k: 3 }, { temperature: 0.5, top_p: 0.5, top_k: 3 }, []],
    ['claude-haiku-4-5', { top_p: 0.5 }, { top_p: 0.5 }, []],
    ['claude-opus-4-8', { temperature: 1 }, { temperature: 1 }, []],
    ['claude-opus-4-8', { temperature: 0, top_k: 3 }, {}, ['dropped temperature', 'dropped top_k']],
    ['claude-haiku-4-5', { stop: 'a' }, { stop_sequences: ['a'] }, []],
    ['claude-haiku-4-5', { stop: [' ', 'b'] }, { stop_sequences: ['b'] }, ['adapted stop']],
    ['claude-haiku-4-5', { stop: ['\n'] }, {}, ['adapted stop']],
    ['claude-haiku-4-5', { user: 'u-1' }, { metadata: { user_id: 'u-1' } }, []],
    ['claude-haiku-4-5', { user: 'u', safety_identifier: 's' }, { metadata: { user_id: 's' } }, ['dropped user']],
    ['claude-haiku-4-5', { service_tier: 'default' }, { service_tier: 'standard_only' }, []],
    ['claude-haiku-4-5', { prompt_cache_retention: '24h' }, { cache_control: { type: 'ephemeral', ttl: '1h' } }, []],
    [
      'claude-haiku-4-5',
      { prompt_cache_options: { mode: 'implicit', ttl: '30m' } },
      { cache_control: { type: 'ephemeral', ttl: '1h' } },
      [],
    ],
    ['claude-haiku-4-5', { prompt_cache_options: { mode: 'implicit' } }, { cache_control: { type: 'ephemeral' } }, []],
  ])('%s: %j', (model, fields, expected, report) => {
    const { body, report: reported } = told(fields, model);
    const { model: _model, messages: _messages, max_tokens: limit, stream: _stream, ...rest } = body;
    expect({ ...rest, ...('max_tokens' in expected && { max_tokens: limit }) }).toEqual(expected);
    expect(reported).toEqual(report);
  });

  it('keeps its stored files from hosts that do not have them', () => {
    const messages = [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file_1' } }] }];
    expect(() => told({ messages }, 'claude-haiku-4-5', 'vertex')).toThrow(
      expect.objectContaining({ param: 'messages[0].content[0].file.file_id' }),
    );
  });

  it.each(['ann@example.org', '+49 170 1234567', 'x'.repeat(300)])('hashes what names a person: %.20s', (id) => {
    const { body, report } = told({ user: id });
    expect(body['metadata']).toEqual({ user_id: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(report).toEqual(['adapted user']);
  });
});

describe('tools', () => {
  it('have an object’s schema that names no other', () => {
    const parameters = { $schema: 'x', $id: 'y', properties: { a: { $ref: '#/$defs/A' } }, $defs: { A: {} } };
    const { body } = told({
      tools: [
        fn('f', { description: '', parameters }),
        { ...fn('g'), cache_control: { type: 'ephemeral' } },
        { type: 'web_search_20250305', name: 'web_search' },
      ],
      functions: [{ name: 'h', description: 'old' }],
    });
    const { $schema: _schema, $id: _id, ...rest } = parameters;
    const none = { type: 'object', properties: {} };
    expect(body.tools).toEqual([
      { name: 'f', input_schema: { ...rest, type: 'object' } },
      { name: 'g', input_schema: none, cache_control: { type: 'ephemeral' } },
      { type: 'web_search_20250305', name: 'web_search' },
      { name: 'h', description: 'old', input_schema: none },
    ]);
  });

  it('are strict where the model can be held to all of the schema', () => {
    const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] };
    const strict = (parameters: Fields, model?: string) =>
      told({ tools: [fn('f', { strict: true, parameters })] }, model);
    expect(strict(schema).body.tools?.[0]).toEqual({
      name: 'f',
      input_schema: { ...schema, additionalProperties: false },
      strict: true,
    });
    const limited = { type: 'object', properties: { a: { type: 'string', minLength: 2 } } };
    for (const [parameters, model] of [
      [limited, undefined],
      [schema, 'claude-3-haiku'],
    ] as const) {
      const { body, report } = strict(parameters, model);
      expect([body.tools?.[0], report]).toEqual([
        { name: 'f', input_schema: parameters },
        ['dropped tools[0].function.strict'],
      ]);
    }
  });

  const named = { type: 'function', function: { name: 'g' } };
  const only = (mode: string) => ({ type: 'allowed_tools', allowed_tools: { mode, tools: [named] } });
  it.each<[Fields, unknown, readonly string[]]>([
    [{}, undefined, ['f', 'g']],
    [{ tool_choice: 'auto' }, { type: 'auto' }, ['f', 'g']],
    [{ tool_choice: 'none', parallel_tool_calls: false }, { type: 'none' }, ['f', 'g']],
    [{ tool_choice: 'required' }, { type: 'any' }, ['f', 'g']],
    [
      { tool_choice: named, parallel_tool_calls: false },
      { type: 'tool', name: 'g', disable_parallel_tool_use: true },
      ['f', 'g'],
    ],
    [{ parallel_tool_calls: false }, { type: 'auto', disable_parallel_tool_use: true }, ['f', 'g']],
    [{ parallel_tool_calls: true }, undefined, ['f', 'g']],
    [{ tool_choice: only('auto') }, { type: 'auto' }, ['g']],
    [{ tool_choice: only('required') }, { type: 'any' }, ['g']],
    [{ function_call: { name: 'f' } }, { type: 'tool', name: 'f' }, ['f', 'g']],
  ])('are chosen as the client says: %j', (fields, choice, names) => {
    const { body, report } = told({ tools, ...fields });
    expect([body['tool_choice'], body.tools?.map(({ name }) => name), report]).toEqual([choice, names, []]);
  });

  it('are not forced where the model refuses that', () => {
    for (const model of ['claude-opus-5-5', 'claude-sonnet-5-5', 'claude-fable-5-1'])
      for (const choice of ['required', named])
        expect(refusal({ tools, tool_choice: choice }, model)).toEqual([400, 'unsupported_value', 'tool_choice']);
    expect(refusal({ tools, function_call: { name: 'f' } }, 'claude-opus-5-5')).toEqual([
      400,
      'unsupported_value',
      'function_call',
    ]);
    expect(refusal({ tools, tool_choice: 'required' }, 'claude-haiku-5-5')).toEqual([]);
  });

  it('that were said as functions are answered as such', () => {
    const functions = [{ name: 'f' }];
    const { body, asked, report } = told({ functions, function_call: { name: 'f' } });
    expect([body['tool_choice'], asked, report]).toEqual([{ type: 'tool', name: 'f' }, { legacyFunctions: true }, []]);
    expect(told({ functions, tools }).asked).toEqual({});
  });

  it.each(['required', { type: 'function', function: { name: 'f' } }])('must be there to be forced: %j', (choice) => {
    expect(refusal({ tools: [], tool_choice: choice })).toEqual([400, null, 'tool_choice']);
  });

  it('need not be there for a choice that leaves it to the model', () => {
    const { body, report } = told({ tools: [], tool_choice: 'auto', parallel_tool_calls: false });
    expect([body.tools, body['tool_choice'], report]).toEqual([undefined, undefined, []]);
  });
});

describe('thinking', () => {
  const adaptive = (effort: string) => ({
    thinking: { type: 'adaptive', display: 'summarized' },
    output_config: { effort },
  });
  const budget = (budget_tokens: number) => ({ thinking: { type: 'enabled', budget_tokens, display: 'summarized' } });
  const off = { thinking: { type: 'disabled' } };
  const EFFORT = ['adapted reasoning_effort'];
  it.each<[string, Fields, Fields, readonly string[]]>([
    ['claude-opus-5-5', {}, {}, []],
    ['claude-opus-5-5', { reasoning_effort: 'none' }, { output_config: { effort: 'low' } }, EFFORT],
    ['claude-sonnet-5-5', { reasoning_effort: 'none' }, { thinking: { type: 'between_tools' } }, EFFORT],
    ['claude-haiku-5-5', { reasoning_effort: 'none' }, off, []],
    ['claude-opus-4-8', { reasoning_effort: 'none' }, off, []],
    ['claude-opus-5', { reasoning_effort: 'minimal' }, adaptive('low'), EFFORT],
    ['claude-opus-5', { reasoning_effort: 'xhigh' }, adaptive('xhigh'), []],
    ['claude-opus-5', { reasoning_effort: 'max', temperature: 0.3 }, adaptive('max'), ['dropped temperature']],
    ['claude-opus-4-6', { reasoning_effort: 'xhigh' }, adaptive('high'), EFFORT],
    ['claude-opus-4-6', { thinking: { type: 'enabled', budget_tokens: 3000 } }, budget(3000), []],
    [
      'claude-sonnet-5',
      { thinking: { type: 'enabled', budget_tokens: 3000 } },
      adaptive('medium'),
      ['adapted thinking'],
    ],
    [
      'claude-opus-5',
      { thinking: { type: 'adaptive', display: 'omitted', extra: 1 }, reasoning_effort: 'low' },
      { thinking: { type: 'adaptive', display: 'omitted' }, output_config: { effort: 'low' } },
      ['dropped thinking.extra'],
    ],
    [
      'claude-opus-5-5',
      { thinking: { type: 'adaptive' } },
      { thinking: { type: 'adaptive', display: 'summarized' } },
      [],
    ],
    ['claude-haiku-4-5', { thinking: { type: 'adaptive' } }, budget(16_384), ['adapted thinking']],
    ['claude-sonnet-5-5', { thinking: { type: 'between_tools' } }, { thinking: { type: 'between_tools' } }, []],
    ['claude-opus-5', { thinking: { type: 'between_tools' } }, off, ['adapted thinking']],
    [
      'claude-opus-5',
      { thinking: { type: 'disabled' }, reasoning_effort: 'max' },
      { ...off, output_config: { effort: 'high' } },
      EFFORT,
    ],
    [
      'claude-sonnet-5',
      { thinking: { type: 'disabled' }, reasoning_effort: 'max' },
      { ...off, output_config: { effort: 'max' } },
      [],
    ],
    [
      'claude-haiku-4-5',
      { thinking: { type: 'enabled', budget_tokens: 2000 }, reasoning_effort: 'low' },
      budget(2000),
      ['dropped reasoning_effort'],
    ],
    ['claude-haiku-4-5', { thinking: { type: 'disabled' }, reasoning_effort: 'none' }, off, []],
    ['claude-opus-5', { thinking: 'on', reasoning_effort: 'low' }, adaptive('low'), ['dropped thinking']],
    ['claude-opus-5', { reasoning_effort: 'low', top_p: 1 }, adaptive('low'), []],
    ['claude-3-haiku', { reasoning_effort: 'none' }, {}, []],
    ['claude-haiku-4-5', { reasoning_effort: 'minimal' }, budget(1024), []],
    ['claude-haiku-4-5', { reasoning_effort: 'high' }, budget(16_384), []],
    ['claude-haiku-4-5', { reasoning_effort: 'max' }, budget(32_000), []],
    ['claude-haiku-4-5', { reasoning_effort: 'high', max_tokens: 2000 }, budget(1999), EFFORT],
    ['claude-haiku-4-5', { reasoning_effort: 'high', max_tokens: 1024 }, {}, EFFORT],
    ['claude-haiku-4-5', { reasoning_effort: 'none' }, off, []],
    ['claude-3-haiku', { reasoning_effort: 'high' }, {}, ['dropped reasoning_effort']],
    ['claude-3-7-sonnet-20250219', { reasoning_effort: 'low' }, budget(2048), []],
    ['claude-tomorrow', { reasoning_effort: 'high' }, adaptive('high'), []],
  ])('%s: %j', (model, fields, expected, report) => {
    const { body, report: reported } = told(fields, model);
    const { thinking, output_config: config } = body;
    expect({
      ...(thinking !== undefined && { thinking }),
      ...(config !== undefined && { output_config: config }),
    }).toEqual(expected);
    expect(body['temperature']).toBeUndefined();
    expect(reported).toEqual(report);
  });

  it('by budget gives way to a forced tool, to an answer begun, and to a turn whose thinking is gone', () => {
    const prefill = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Well' },
    ];
    const turn = (more: Fields) => [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: null, tool_calls: [{ id: 'a', ...fn('f', { arguments: '{}' }) }], ...more },
      { role: 'tool', tool_call_id: 'a', content: 'ok' },
    ];
    for (const fields of [{ tools, tool_choice: 'required' }, { messages: prefill }, { messages: turn({}) }]) {
      const { body, report } = told({ ...fields, reasoning_effort: 'high' });
      expect([body['thinking'], report]).toEqual([undefined, ['adapted reasoning_effort']]);
    }
    const signed = turn({ thinking_blocks: [{ type: 'thinking', thinking: 'Hm', signature: 's' }] });
    expect(told({ messages: signed, reasoning_effort: 'high' }).body['thinking']).toMatchObject({ type: 'enabled' });
    expect(told({ messages: turn({}), reasoning_effort: 'high' }, 'claude-opus-5').body['thinking']).toMatchObject({
      type: 'adaptive',
    });
  });
});

describe('response formats', () => {
  const object = (properties: Fields, more: Fields = {}) => ({
    type: 'object',
    properties,
    required: Object.keys(properties),
    ...more,
  });
  const json = (schema: Fields, more: Fields = {}) => ({
    response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, ...more } },
  });
  const plain = object({ a: { type: 'string', format: 'date' } });
  const closed = { additionalProperties: false };

  it('are the provider’s own where it knows the schema', () => {
    const { body, asked, report } = told(json({ ...plain, $schema: 'x' }, { strict: true }));
    expect(body['output_config']).toEqual({ format: { type: 'json_schema', schema: { ...plain, ...closed } } });
    expect([asked, report]).toEqual([{}, []]);
    const described = told(json(plain, { description: 'D' })).body['output_config'];
    expect(described).toMatchObject({ format: { schema: { description: 'D' } } });
  });

  it('are checked where the provider takes less than the schema says', () => {
    const schema = object({
      a: { type: 'integer', minimum: 1, description: 'A' },
      b: { oneOf: [{ type: 'string' }, { type: 'null' }] },
      c: { type: 'array', items: object({}, closed), minItems: 2 },
    });
    const { body, asked } = told(json(schema));
    expect(body['output_config']).toEqual({
      format: {
        type: 'json_schema',
        schema: {
          ...object({
            a: { type: 'integer', description: 'A\nMust also satisfy: {"minimum":1}' },
            b: { anyOf: [{ type: 'string' }, { type: 'null' }] },
            c: { type: 'array', items: { ...object({}), ...closed }, description: 'Must also satisfy: {"minItems":2}' },
          }),
          ...closed,
        },
      },
    });
    expect(asked).toEqual({ json: { schema } });
  });

  const recursive = object({ next: { $ref: '#/$defs/N' } }, { $defs: { N: object({ next: { $ref: '#/$defs/N' } }) } });
  const open = object({ a: { type: 'object', additionalProperties: { type: 'string' } } });
  const optional = {
    type: 'object',
    properties: Object.fromEntries([...'abcdefghijk'].map((key) => [key, { type: 'null' }])),
  };
  it.each<[string, Fields, Fields?]>([
    ['claude-3-5-sonnet-20240620', plain],
    ['claude-haiku-4-5', recursive],
    ['claude-haiku-4-5', open],
    ['claude-haiku-4-5', optional],
    ['claude-haiku-4-5', object({ a: true })],
    ['claude-haiku-4-5', object({ a: { type: ['object', 'null'] } })],
  ])('are a forced tool otherwise: %s %j', (model, schema) => {
    const { body, asked, report } = told({ ...json(schema), tools: [fn('json')] }, model);
    expect(body.tools?.map(({ name }) => name)).toEqual(['json', 'json_2']);
    expect(body.tools?.[1]?.['input_schema']).toEqual(schema);
    expect(body['tool_choice']).toEqual({ type: 'any', disable_parallel_tool_use: true });
    expect(asked).toEqual({ jsonTool: 'json_2', json: { schema } });
    expect(report).toEqual(['adapted response_format']);
    const alone = told(json(schema), model).body['tool_choice'];
    expect(alone).toEqual({ type: 'tool', name: 'json', disable_parallel_tool_use: true });
  });

  it.each<[string, Fields]>([
    ['a model that cannot be forced', { ...json(open), model: 'claude-opus-5-5' }],
    ['thinking by budget', { ...json(open), reasoning_effort: 'low' }],
    ['no object', json({ type: 'array', items: {} })],
    [
      'an answer begun',
      {
        ...json(plain),
        messages: [
          { role: 'user', content: 'x' },
          { role: 'assistant', content: '{' },
        ],
      },
    ],
    ['any object', { response_format: { type: 'json_object' } }],
  ])('are asked for in words, and checked, with %s', (_, { model = 'claude-haiku-4-5', ...fields }) => {
    const { body, asked, report } = told(fields, String(model));
    expect(body.system?.at(-1)?.text).toMatch(/^Answer with one JSON/);
    expect([body['output_config'], body.tools]).toEqual([undefined, undefined]);
    const { json_schema: wanted } = fields['response_format'] as { json_schema?: { schema: Fields } };
    expect(asked).toEqual({ json: wanted === undefined ? {} : { schema: wanted.schema } });
    expect(report).toEqual(['adapted response_format']);
  });

  it('do not stand in the way of a tool that must be called', () => {
    const { body, asked, report } = told({ ...json(open), tools, tool_choice: 'required' });
    expect([body.tools?.length, body['tool_choice'], asked]).toEqual([2, { type: 'any' }, {}]);
    expect(report).toEqual(['dropped response_format']);
    const any = told({ response_format: { type: 'json_object' }, tools, tool_choice: 'required' });
    expect([any.body.system, any.asked, any.report]).toEqual([undefined, {}, ['dropped response_format']]);
    const native = told({ ...json(plain), tools, tool_choice: 'required' });
    expect([native.body['output_config'], native.report]).toEqual([expect.anything(), []]);
  });
});
