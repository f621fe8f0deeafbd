import { factsOf } from '../../../catalog/model-facts.js';
import type { ChatRequest } from '../../../domain/chat.js';
import type { ClaudeFacts } from '../../../domain/model-facts.js';
import { converseRequest } from './request.js';

const OPUS_5_5 = 'global.anthropic.claude-opus-5-5';
const OPUS_4_8 = 'us.anthropic.claude-opus-4-8';
const OPUS_4_6 = 'anthropic.claude-opus-4-6-v1';
const SONNET_4_5 = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';
const HAIKU_4_5 = 'us.anthropic.claude-haiku-4-5-20251001-v1:0';
const NOVA = 'us.amazon.nova-lite-v1:0';
const NOVA_2 = 'us.amazon.nova-2-lite-v1:0';
const MISTRAL = 'mistral.mistral-large-2407-v1:0';
const MISTRAL_3 = 'mistral.mistral-large-3-675b-instruct';
const LLAMA = 'us.meta.llama3-3-70b-instruct-v1:0';
const GPT_OSS = 'openai.gpt-oss-120b-1:0';
const GPT = 'openai.gpt-5.5';
const TITAN = 'amazon.titan-text-express-v1';

const MESSAGES = [{ role: 'user', content: 'a' }];

function sent(model: string, fields: object) {
  const request = { model: 'x', messages: MESSAGES, ...fields } as unknown as ChatRequest;
  const facts = factsOf('bedrock', model);
  const wire = converseRequest(request, { model, baseModel: model, facts, turns: new Map(), withoutState: false });
  const paths = wire.changes.map(({ path, treatment }) => `${treatment} ${path}`);
  return { wire, body: JSON.parse(wire.body), paths };
}

const closedAnswer = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};

const refused = (model: string, fields: object) => expect(() => sent(model, fields));
const tools = [
  {
    type: 'function',
    function: { name: 'f', description: ' ', parameters: { type: 'object', properties: { x: { type: 'number' } } } },
  },
  { type: 'function', function: { name: 'g', description: 'Does g.' } },
];
const named = { type: 'function', function: { name: 'g' } };
const SPEC_F = {
  toolSpec: { name: 'f', inputSchema: { json: { type: 'object', properties: { x: { type: 'number' } } } } },
};
const SPEC_G = {
  toolSpec: { name: 'g', description: 'Does g.', inputSchema: { json: { type: 'object', properties: {} } } },
};

describe('a request to Converse', () => {
  it('names the model in one segment of the path', () => {
    const { wire, body } = sent('arn:aws:bedrock:us-east-1:1:application-inference-profile/abc', {
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(wire.path).toBe(
      '/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aapplication-inference-profile%2Fabc/converse-stream',
    );
    expect(wire.headers).toEqual({ accept: 'application/vnd.amazon.eventstream' });
    expect(body).toEqual({ messages: [{ role: 'user', content: [{ text: 'a' }] }] });
    expect(sent(NOVA, {}).wire).toMatchObject({ path: '/model/us.amazon.nova-lite-v1%3A0/converse', changes: [] });
  });

  it.each<[what: string, model: string, fields: object, config: object | undefined, paths: readonly string[]]>([
    ['limits', NOVA, { max_tokens: 5, max_completion_tokens: 5 }, { maxTokens: 5 }, []],
    ['two limits', NOVA, { max_tokens: 5, max_completion_tokens: 6 }, { maxTokens: 6 }, ['dropped max_tokens']],
    ['too much', SONNET_4_5, { max_tokens: 100_000 }, { maxTokens: 64_000 }, ['adapted max_tokens']],
    ['sampling', NOVA, { temperature: 0.5, top_p: 0.9 }, { temperature: 0.5, topP: 0.9 }, []],
    ['heat', NOVA, { temperature: 1.5 }, { temperature: 1 }, ['adapted temperature']],
    ['either', SONNET_4_5, { temperature: 0, top_p: 0.9 }, { temperature: 0 }, ['dropped top_p']],
    [
      'no sampling',
      OPUS_4_8,
      { temperature: 0.5, top_p: 0.9, top_k: 5 },
      undefined,
      ['dropped temperature', 'dropped top_p', 'dropped top_k'],
    ],
    ['defaults where there is no sampling', GPT, { temperature: 1, top_p: 1 }, undefined, []],
    ['stop', NOVA, { stop: 'x' }, { stopSequences: ['x'] }, []],
    [
      'too many stops',
      NOVA,
      { stop: ['a', 'b', 'c', 'd', 'e'] },
      { stopSequences: ['a', 'b', 'c', 'd'] },
      ['adapted stop'],
    ],
    ['blank stops', HAIKU_4_5, { stop: ['\n', '\nHuman:'] }, { stopSequences: ['\nHuman:'] }, ['adapted stop']],
    ['blank stops that mean something', NOVA, { stop: ['\n', ''] }, { stopSequences: ['\n'] }, ['adapted stop']],
    ['no stops', LLAMA, { stop: ['x'] }, undefined, ['dropped stop']],
    ['an empty list', LLAMA, { stop: [] }, undefined, []],
    [
      'nulls',
      NOVA,
      { max_tokens: null, temperature: null, top_p: null, stop: null, tools: null, n: null, user: null, seed: null },
      undefined,
      [],
    ],
    [
      'defaults said aloud',
      NOVA,
      {
        n: 1,
        logprobs: false,
        top_logprobs: 0,
        presence_penalty: 0,
        frequency_penalty: 0,
        logit_bias: {},
        store: false,
        parallel_tool_calls: true,
        modalities: ['text'],
        service_tier: 'auto',
        response_format: { type: 'text' },
      },
      undefined,
      [],
    ],
    [
      'what has no place',
      NOVA,
      {
        seed: 1,
        presence_penalty: 1,
        logit_bias: { 1: 1 },
        prediction: { type: 'content' },
        prompt_cache_key: 'k',
        verbosity: 'low',
        mood: 'good',
      },
      undefined,
      [
        'dropped seed',
        'dropped presence_penalty',
        'dropped logit_bias',
        'dropped prediction',
        'dropped prompt_cache_key',
        'dropped verbosity',
        'dropped mood',
      ],
    ],
  ])('%s', (_what, model, fields, config, paths) => {
    const { body, paths: told } = sent(model, fields);
    expect(body.inferenceConfig).toEqual(config);
    expect(told).toEqual(paths);
  });

  it.each([
    ['n', { n: 2 }],
    ['logprobs', { logprobs: true }],
    ['top_logprobs', { top_logprobs: 2 }],
    ['modalities', { modalities: ['text', 'audio'] }],
    ['audio', { audio: { voice: 'ash', format: 'wav' } }],
  ])('refuses %s', (param, fields) => {
    refused(HAIKU_4_5, fields).toThrow(expect.objectContaining({ status: 400, code: 'unsupported_parameter', param }));
  });

  it('puts top_k where the family has it', () => {
    expect(sent(HAIKU_4_5, { top_k: 5 }).body.additionalModelRequestFields).toEqual({ top_k: 5 });
    expect(sent(NOVA, { top_k: 5 }).body.additionalModelRequestFields).toEqual({ inferenceConfig: { topK: 5 } });
    expect(sent(LLAMA, { top_k: 5 }).paths).toEqual(['dropped top_k']);
  });

  it('tells the logs who asks', () => {
    const metadata = Object.fromEntries(Array.from({ length: 16 }, (_, at) => [`k${at}`, 'v']));
    const { body, paths } = sent(NOVA, {
      user: 'u-1',
      safety_identifier: 's-1',
      metadata: { ...metadata, odd: 'ä', nine: 9 },
    });
    expect(Object.keys(body.requestMetadata)).toHaveLength(16);
    expect(body.requestMetadata).toMatchObject({ user: 'u-1', safety_identifier: 's-1', k13: 'v' });
    expect(paths).toEqual([
      'dropped metadata.k14',
      'dropped metadata.k15',
      'dropped metadata.odd',
      'dropped metadata.nine',
    ]);
  });

  it('asks for a tier, guardrails and speed, and hands on what is said in the provider’s own words', () => {
    const own = {
      guardrailConfig: { guardrailIdentifier: 'g', guardrailVersion: '1' },
      performanceConfig: { latency: 'optimized' },
      additionalModelRequestFields: { foo: 1 },
      anthropic_beta: ['b'],
    };
    expect(sent(HAIKU_4_5, { ...own, service_tier: 'fast' }).body).toMatchObject({
      serviceTier: { type: 'priority' },
      guardrailConfig: own.guardrailConfig,
      performanceConfig: own.performanceConfig,
      additionalModelRequestFields: { foo: 1, anthropic_beta: ['b'] },
    });
    expect(sent(NOVA, { service_tier: 'scale', anthropic_beta: ['b'], thinking: { type: 'enabled' } }).paths).toEqual([
      'dropped anthropic_beta',
      'dropped thinking',
      'dropped service_tier',
    ]);
  });
});

describe('tools for Converse', () => {
  it('are described, if there is anything to describe', () => {
    const { body, paths } = sent(NOVA, { tools, tool_choice: 'auto' });
    expect(body.toolConfig).toEqual({ tools: [SPEC_F, SPEC_G] });
    expect(paths).toEqual([]);
    expect(sent(NOVA, { tools: [] }).body.toolConfig).toBeUndefined();
    expect(
      sent(NOVA, { functions: [{ name: 'g', description: 'Does g.' }], function_call: { name: 'g' } }).body.toolConfig,
    ).toEqual({ tools: [SPEC_G], toolChoice: { tool: { name: 'g' } } });
  });

  it.each<[what: string, model: string, fields: object, config: object | undefined, additional: object | undefined]>([
    ['required', NOVA, { tool_choice: 'required' }, { tools: [SPEC_F, SPEC_G], toolChoice: { any: {} } }, undefined],
    [
      'named',
      NOVA,
      { tool_choice: named },
      { tools: [SPEC_F, SPEC_G], toolChoice: { tool: { name: 'g' } } },
      undefined,
    ],
    [
      'named, where only one can be forced',
      MISTRAL,
      { tool_choice: named },
      { tools: [SPEC_G], toolChoice: { any: {} } },
      undefined,
    ],
    ['none', NOVA, { tool_choice: 'none' }, undefined, undefined],
    [
      'none of Claude',
      HAIKU_4_5,
      { tool_choice: 'none' },
      { tools: [SPEC_F, SPEC_G] },
      { tool_choice: { type: 'none' } },
    ],
    [
      'one at a time',
      HAIKU_4_5,
      { parallel_tool_calls: false },
      { tools: [SPEC_F, SPEC_G] },
      { tool_choice: { type: 'auto', disable_parallel_tool_use: true } },
    ],
    [
      'one, at a time',
      HAIKU_4_5,
      { parallel_tool_calls: false, tool_choice: named },
      { tools: [SPEC_F, SPEC_G] },
      { tool_choice: { type: 'tool', name: 'g', disable_parallel_tool_use: true } },
    ],
    [
      'some',
      NOVA,
      { tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [named] } } },
      { tools: [SPEC_G], toolChoice: { any: {} } },
      undefined,
    ],
  ])('%s', (_what, model, fields, config, additional) => {
    const { body } = sent(model, { tools, ...fields });
    expect(body.toolConfig).toEqual(config);
    expect(body.additionalModelRequestFields).toEqual(additional);
  });

  it.each([
    ['required of Llama', LLAMA, { tools, tool_choice: 'required' }, 'unsupported_value', 'tool_choice'],
    ['named of Llama', LLAMA, { tools, tool_choice: named }, 'unsupported_value', 'tool_choice'],
    ['forced of the newest Claude', OPUS_5_5, { tools, tool_choice: 'required' }, 'unsupported_value', 'tool_choice'],
    ['forced without tools', NOVA, { tool_choice: 'required' }, null, 'tool_choice'],
    [
      'a tool that is not there',
      NOVA,
      { tools, tool_choice: { type: 'function', function: { name: 'h' } } },
      null,
      'tool_choice',
    ],
    [
      'a choice of none of the tools',
      NOVA,
      { tools, tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [] } } },
      null,
      'tool_choice.allowed_tools',
    ],
    ['an odd choice', NOVA, { tools, tool_choice: 'perhaps' }, 'invalid_value', 'tool_choice'],
    ['tools of a model without', TITAN, { tools }, 'unsupported_parameter', 'tools'],
    [
      'a tool of another kind',
      NOVA,
      { tools: [{ type: 'custom', custom: { name: 'c' } }] },
      'unsupported_value',
      'tools[0].type',
    ],
  ])('refuses %s', (_what, model, fields, code, param) => {
    refused(model, fields).toThrow(expect.objectContaining({ status: 400, code, param }));
  });

  it('may be chosen by their name alone', () => {
    const { body } = sent(NOVA, { tools, tool_choice: { type: 'function', name: 'g' } });
    expect(body.toolConfig.toolChoice).toEqual({ tool: { name: 'g' } });
  });

  it('tells of calls at once that it cannot prevent', () => {
    expect(sent(NOVA, { tools, parallel_tool_calls: false }).paths).toEqual(['dropped parallel_tool_calls']);
  });

  it('asks those in words that have no word for none, once tools were used', () => {
    const messages = [
      ...MESSAGES,
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 't', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 't', content: 'done' },
    ];
    const { body, paths } = sent(NOVA, { messages, tools, tool_choice: 'none' });
    expect(body).toMatchObject({
      toolConfig: { tools: [SPEC_F, SPEC_G] },
      system: [{ text: 'Do not call any tool.' }],
    });
    expect(paths).toEqual(['adapted tool_choice']);
    expect(sent(NOVA, { messages }).body).toMatchObject({
      toolConfig: { tools: [{ toolSpec: { name: 'f' } }] },
      system: [{ text: 'Do not call any tool.' }],
    });
  });

  it('go under names that are names, told apart and called back by their own', () => {
    const called = (name: string) => ({ type: 'function', function: { name } });
    const { wire, body, paths } = sent(NOVA, {
      tools: [called('a.b'), called('a_b'), called('a:b')],
      tool_choice: called('a:b'),
    });
    expect(body.toolConfig.tools.map(({ toolSpec }: { toolSpec: { name: string } }) => toolSpec.name)).toEqual([
      'a_b_2',
      'a_b',
      'a_b_3',
    ]);
    expect(body.toolConfig.toolChoice).toEqual({ tool: { name: 'a_b_3' } });
    expect(wire.asked.toolNames).toEqual(
      new Map([
        ['a_b_2', 'a.b'],
        ['a_b_3', 'a:b'],
      ]),
    );
    expect(paths).toEqual(['adapted tools[0].function.name', 'adapted tools[2].function.name']);
  });

  it('go under names of their own in linear time, however many are alike', () => {
    const call = (_: unknown, at: number) => ({
      id: `t${at}`,
      type: 'function',
      function: { name: `${String.fromCodePoint(0x4e00 + (at % 20_000))}${at >= 20_000 ? '你' : ''}`, arguments: '{}' },
    });
    const messages = [
      ...MESSAGES,
      { role: 'assistant', content: null, tool_calls: Array.from({ length: 30_000 }, call) },
    ];
    const started = performance.now();
    sent(NOVA, { messages });
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it('are answered with a function call where they were sent as functions', () => {
    const functions = [{ name: 'g', description: 'Does g.' }];
    expect(sent(NOVA, { functions }).wire.asked.legacyFunctions).toBe(true);
    expect(sent(NOVA, { functions, tools }).wire.asked.legacyFunctions).toBeUndefined();
    expect(sent(NOVA, { tools }).wire.asked.legacyFunctions).toBeUndefined();
  });

  it('are not asked to stream by models that cannot', () => {
    const path = (model: string, fields: object) => sent(model, { stream: true, ...fields }).wire;
    expect(path(LLAMA, { tools })).toMatchObject({
      path: expect.stringMatching(/\/converse$/),
      headers: { accept: 'application/json' },
    });
    expect(path(LLAMA, {}).path).toMatch(/\/converse-stream$/);
    expect(path(NOVA, { tools }).path).toMatch(/\/converse-stream$/);
  });

  const closed = { type: 'object', properties: {}, additionalProperties: false };
  it.each([
    ['Claude 4.5', SONNET_4_5, closed, true],
    [
      'an open schema',
      SONNET_4_5,
      { type: 'object', properties: { x: { type: 'object' } }, additionalProperties: false },
      false,
    ],
    [
      'what the decoder knows nothing of',
      SONNET_4_5,
      { ...closed, properties: { x: { type: 'integer', minimum: 1 } }, required: ['x'] },
      false,
    ],
    ['newer Claude', OPUS_4_8, closed, false],
    ['Nova', NOVA, closed, false],
  ])('are strict where they can be: %s', (_what, model, parameters, strict) => {
    const { body, paths } = sent(model, {
      tools: [{ type: 'function', function: { name: 'f', parameters, strict: true } }],
    });
    expect(body.toolConfig.tools[0].toolSpec.strict).toBe(strict ? true : undefined);
    expect(paths).toEqual(strict ? [] : ['dropped tools[0].function.strict']);
  });

  it('have schemas without references where the model follows none, unless they have no end', () => {
    const parameters = {
      $schema: 's',
      $id: 'i',
      properties: { p: { $ref: '#/$defs/P' } },
      $defs: { P: { type: 'string' } },
    };
    const json = (model: string, given: object) => {
      const { body, paths } = sent(model, {
        tools: [{ type: 'function', function: { name: 'f', parameters: given } }],
      });
      return [body.toolConfig.tools[0].toolSpec.inputSchema.json, paths];
    };
    expect(json(NOVA, parameters)).toEqual([
      { type: 'object', properties: { p: { type: 'string' } } },
      ['adapted tools[0].function.parameters'],
    ]);
    expect(json(HAIKU_4_5, parameters)).toEqual([
      { type: 'object', properties: parameters.properties, $defs: parameters.$defs },
      [],
    ]);
    const tree = {
      type: 'object',
      $defs: { T: { type: 'object', properties: { c: { $ref: '#/$defs/T' } } } },
      properties: { t: { $ref: '#/$defs/T' } },
    };
    expect(json(NOVA, tree)).toEqual([tree, []]);
    const bomb = Object.fromEntries(
      Array.from({ length: 40 }, (_, at) => [
        `a${at}`,
        { type: 'object', properties: { l: { $ref: `#/$defs/a${at + 1}` }, r: { $ref: `#/$defs/a${at + 1}` } } },
      ]),
    );
    const huge = { type: 'object', properties: { x: { $ref: '#/$defs/a0' } }, $defs: { ...bomb, a40: {} } };
    expect(json(LLAMA, huge)).toEqual([huge, []]);
  });

  it('end with a cache point where they are marked', () => {
    const [f, g] = tools;
    const marked = [f, { ...g, cache_control: { type: 'ephemeral' } }];
    expect(sent(HAIKU_4_5, { tools: marked }).body.toolConfig.tools).toEqual([
      SPEC_F,
      SPEC_G,
      { cachePoint: { type: 'default' } },
    ]);
  });
});

describe('thinking in Converse', () => {
  it.each<[model: string, effort: string, additional: object | undefined, paths: readonly string[]]>([
    [
      OPUS_4_8,
      'high',
      { thinking: { type: 'adaptive', display: 'summarized' }, output_config: { effort: 'high' } },
      [],
    ],
    [OPUS_4_8, 'none', { thinking: { type: 'disabled' } }, []],
    [HAIKU_4_5, 'low', { thinking: { type: 'enabled', budget_tokens: 2048, display: 'summarized' } }, []],
    [GPT_OSS, 'medium', { reasoning_effort: 'medium' }, []],
    [GPT_OSS, 'minimal', { reasoning_effort: 'low' }, ['adapted reasoning_effort']],
    [GPT, 'xhigh', { reasoning: { effort: 'xhigh' } }, []],
    [NOVA_2, 'low', { reasoningConfig: { type: 'enabled', maxReasoningEffort: 'low' } }, []],
    [NOVA_2, 'none', { reasoningConfig: { type: 'disabled' } }, []],
    [NOVA, 'high', undefined, ['dropped reasoning_effort']],
    [NOVA, 'none', undefined, []],
  ])('%s: %s', (model, effort, additional, paths) => {
    const { body, paths: told } = sent(model, { reasoning_effort: effort });
    expect(body.additionalModelRequestFields).toEqual(additional);
    expect(told).toEqual(paths);
  });

  it('leaves out what goes with no thinking', () => {
    const fields = { reasoning_effort: 'high', temperature: 0.5, top_p: 0.9, top_k: 5, max_tokens: 20_000 };
    const claude = sent(HAIKU_4_5, fields);
    expect(claude.body.inferenceConfig).toEqual({ maxTokens: 20_000 });
    expect(claude.paths).toEqual(['dropped temperature', 'dropped top_p', 'dropped top_k']);
    const nova = sent(NOVA_2, fields);
    expect(nova.body.inferenceConfig).toBeUndefined();
    expect(nova.paths).toEqual(['dropped max_tokens', 'dropped temperature', 'dropped top_p', 'dropped top_k']);
  });

  it('gives way to a forced tool where it must, and to a call whose thinking is gone', () => {
    const forced = sent(HAIKU_4_5, { reasoning_effort: 'high', tools, tool_choice: 'required' });
    expect(forced.body.toolConfig.toolChoice).toEqual({ any: {} });
    expect(forced.body.additionalModelRequestFields).toBeUndefined();
    expect(forced.paths).toEqual(['adapted reasoning_effort']);
    const messages = [
      ...MESSAGES,
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 't', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 't', content: 'done' },
    ];
    expect(sent(HAIKU_4_5, { messages, tools, reasoning_effort: 'high' }).paths).toEqual(['adapted reasoning_effort']);
    expect(sent(OPUS_4_6, { messages, tools, reasoning_effort: 'high' }).paths).toEqual([]);
  });

  it('leaves what is said in the provider’s own words beside what it adds', () => {
    const { body } = sent(OPUS_4_8, {
      reasoning_effort: 'low',
      additionalModelRequestFields: { output_config: { other: 1 } },
    });
    expect(body.additionalModelRequestFields.output_config).toEqual({ other: 1, effort: 'low' });
    expect(
      sent(NOVA, { top_k: 3, additionalModelRequestFields: { inferenceConfig: { other: 1 } } }).body
        .additionalModelRequestFields.inferenceConfig,
    ).toEqual({ other: 1, topK: 3 });
  });

  it.each(['guardrailConfig', 'performanceConfig', 'additionalModelRequestFields'])(
    'refuses %s that is none',
    (field) => {
      refused(NOVA, { [field]: 'x' }).toThrow(expect.objectContaining({ code: 'invalid_type', param: field }));
    },
  );

  it('refuses an effort nobody knows', () => {
    refused(GPT, { reasoning_effort: 'heroic' }).toThrow(
      expect.objectContaining({ code: 'unsupported_value', param: 'reasoning_effort' }),
    );
  });

  it('goes by the facts of the family, wherever the model is served', () => {
    const claude = factsOf('bedrock', OPUS_4_8).claude;
    expect(claude).toMatchObject<Partial<ClaudeFacts>>({ sampling: 'none', prefill: false });
    expect(factsOf('bedrock', NOVA).claude).toBeUndefined();
  });
});

describe('JSON from Converse', () => {
  const schema = {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  };
  const format = { type: 'json_schema', json_schema: { name: 'City', description: 'A city.', schema, strict: true } };

  it.each([SONNET_4_5, MISTRAL_3, GPT_OSS])('is asked for in the provider’s own way: %s', (model) => {
    const { body, wire, paths } = sent(model, { response_format: format });
    const { jsonSchema } = body.outputConfig.textFormat.structure;
    expect(jsonSchema).toMatchObject({ name: 'City', description: 'A city.' });
    expect(JSON.parse(jsonSchema.schema)).toEqual(schema);
    expect(wire.asked).not.toHaveProperty('json');
    expect(paths).toEqual([]);
  });

  it('is checked by the gateway where the provider checks only part of the schema', () => {
    const bounded = { ...schema, properties: { city: { type: 'string', minLength: 3 } } };
    const { wire, body } = sent(SONNET_4_5, {
      response_format: { type: 'json_schema', json_schema: { name: 'City', schema: bounded } },
    });
    expect(wire.asked.json).toEqual({ schema: bounded });
    expect(JSON.parse(body.outputConfig.textFormat.structure.jsonSchema.schema).properties.city).not.toHaveProperty(
      'minLength',
    );
  });

  it.each([
    [HAIKU_4_5, undefined, { type: 'tool', name: 'json', disable_parallel_tool_use: true }],
    [OPUS_4_8, undefined, { type: 'tool', name: 'json', disable_parallel_tool_use: true }],
    [NOVA, { tool: { name: 'json' } }, undefined],
    [MISTRAL, { any: {} }, undefined],
  ])('is asked for through a tool: %s', (model, toolChoice, claudeChoice) => {
    const { body, wire, paths } = sent(model, { response_format: format });
    expect(body.toolConfig.tools[0].toolSpec).toMatchObject({ name: 'json', inputSchema: { json: schema } });
    expect(body.toolConfig.toolChoice).toEqual(toolChoice);
    expect(body.additionalModelRequestFields?.tool_choice).toEqual(claudeChoice);
    expect(wire.asked).toMatchObject({ jsonTool: 'json', json: { schema } });
    expect(paths).toEqual(['adapted response_format']);
  });

  it.each([
    ['where nothing can be forced', LLAMA, { response_format: format }, { schema }],
    ['where Claude refuses to be forced', OPUS_5_5, { response_format: format }, { schema }],
    ['beside tools', NOVA, { response_format: format, tools }, { schema }],
    ['beside thinking by budget', HAIKU_4_5, { response_format: format, reasoning_effort: 'low' }, { schema }],
    ['without a schema', SONNET_4_5, { response_format: { type: 'json_object' } }, {}],
  ])('is asked for in words %s', (_where, model, fields, json) => {
    const { body, wire, paths } = sent(model, fields);
    expect(body.system.at(-1).text).toContain('Answer with one JSON');
    expect(wire.asked.json).toEqual(json);
    expect(wire.asked.jsonTool).toBeUndefined();
    expect(paths).toEqual(['adapted response_format']);
  });

  it.each([
    ['a schema', NOVA, { type: 'json_schema', json_schema: { name: 'answer', schema: closedAnswer } }],
    ['any object', SONNET_4_5, { type: 'json_object' }],
  ])('is not due where a call is the answer, which is said: %s', (_what, model, wanted) => {
    const { body, wire, paths } = sent(model, { response_format: wanted, tools, tool_choice: 'required' });
    expect(body.system).toBeUndefined();
    expect(wire.asked.json).toBeUndefined();
    expect(paths).toEqual(['dropped response_format']);
  });

  it('is asked for beside a forced tool where the provider takes both', () => {
    const wanted = { type: 'json_schema', json_schema: { name: 'answer', schema: closedAnswer } };
    const { body, paths } = sent(SONNET_4_5, { response_format: wanted, tools, tool_choice: 'required' });
    expect(body).toMatchObject({ outputConfig: { textFormat: {} }, toolConfig: { toolChoice: { any: {} } } });
    expect(paths).toEqual([]);
  });

  it('is refused in a form nobody knows', () => {
    refused(NOVA, { response_format: { type: 'xml' } }).toThrow(
      expect.objectContaining({ code: 'unsupported_value', param: 'response_format.type' }),
    );
  });
});
