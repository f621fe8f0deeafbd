import { factsOf } from '../../../catalog/model-facts.js';
import type { ChatRequest } from '../../../domain/chat.js';
import { NO_TURN_STATES } from '../../../domain/turn-state.js';
import { geminiRequest } from './request.js';

type Fields = Readonly<Record<string, unknown>>;

interface How {
  readonly model?: string;
  readonly host?: 'gemini' | 'vertex';
}

function sent(fields: Fields, { model = 'gemini-3.5-flash', host = 'gemini' }: How = {}) {
  const request = { model: 'm', messages: [{ role: 'user', content: 'Hi' }], ...fields } as unknown as ChatRequest;
  const facts = factsOf(host, model);
  const wire = geminiRequest(host, request, {
    model,
    baseModel: model,
    facts,
    turns: NO_TURN_STATES,
    withoutState: false,
  });
  const { contents, ...body } = JSON.parse(wire.body) as Fields;
  const changes = wire.changes.map(({ path, treatment }) => `${treatment} ${path}`);
  return { path: wire.path, headers: wire.headers, asked: wire.asked, contents, body, changes };
}

const config = (fields: Fields, how?: How) => {
  const { body, changes } = sent(fields, how);
  return { config: body['generationConfig'], changes };
};

const OLDER = 'gemini-2.5-flash';
const SCHEMA = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] };
const tool = (name: string, more: Fields = {}) => ({
  type: 'function',
  function: { name, parameters: SCHEMA, ...more },
});
const declared = (name: string, more: Fields = {}) => ({ name, parametersJsonSchema: SCHEMA, ...more });
const named = (name: string) => ({ type: 'function', function: { name } });
const inJson = { type: 'json_schema', json_schema: { name: 'x', schema: SCHEMA } };

describe('a request for Gemini', () => {
  it.each<readonly [string, Fields, How, string]>([
    ['plainly', {}, { model: 'gemini-2.5-pro' }, '/v1beta/models/gemini-2.5-pro:generateContent'],
    [
      'as a stream',
      { stream: true, stream_options: { include_usage: true } },
      { model: 'models/gemini-2.5-pro' },
      '/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse',
    ],
    ['of a tuned model', {}, { model: 'tunedModels/mine-1' }, '/v1beta/tunedModels/mine-1:generateContent'],
    [
      'of a name that leads elsewhere',
      {},
      { model: '../../x?y=' },
      '/v1beta/models/..%2F..%2Fx%3Fy%3D:generateContent',
    ],
    [
      'on Vertex AI',
      {},
      { host: 'vertex', model: 'publishers/google/models/gemini-2.5-pro' },
      '/publishers/google/models/gemini-2.5-pro:generateContent',
    ],
    ['of an endpoint there', {}, { host: 'vertex', model: 'endpoints/123' }, '/endpoints/123:generateContent'],
    [
      'by the name of its publisher',
      {},
      { host: 'vertex', model: 'google/gemini-2.5-pro' },
      '/publishers/google/models/gemini-2.5-pro:generateContent',
    ],
    [
      'by its full name',
      {},
      { host: 'vertex', model: 'projects/p/locations/eu/endpoints/7' },
      '/endpoints/7:generateContent',
    ],
    ['of an endpoint by its number', {}, { host: 'vertex', model: '123' }, '/endpoints/123:generateContent'],
  ])('goes to the right place %s', (_, fields, how, path) => {
    expect(sent(fields, how)).toMatchObject({ path, changes: [] });
  });

  it('says no more than was asked', () => {
    const defaults = {
      n: 1,
      logprobs: false,
      presence_penalty: 0,
      parallel_tool_calls: true,
      store: false,
      tools: [],
      stop: [],
    };
    const nothing = { temperature: null, user: null, response_format: null, logit_bias: {}, service_tier: 'auto' };
    expect(
      sent({ ...defaults, ...nothing, response_format: { type: 'text' }, modalities: ['text'] }, { model: OLDER }),
    ).toMatchObject({
      contents: [{ role: 'user', parts: [{ text: 'Hi' }] }],
      body: {},
      changes: [],
    });
  });

  it.each<readonly [Fields, How, Fields | undefined, readonly string[]]>([
    [{ temperature: 0.5, top_p: 0.9, top_k: 3 }, {}, { temperature: 0.5, topP: 0.9, topK: 3 }, []],
    [{ max_tokens: 10 }, {}, { maxOutputTokens: 10 }, []],
    [{ max_tokens: 10, max_completion_tokens: 20 }, {}, { maxOutputTokens: 20 }, ['dropped max_tokens']],
    [
      { max_completion_tokens: 90_000 },
      { model: 'gemini-flash-latest' },
      { maxOutputTokens: 65_536 },
      ['adapted max_completion_tokens'],
    ],
    [{ max_completion_tokens: 90_000 }, {}, { maxOutputTokens: 65_536 }, ['adapted max_completion_tokens']],
    [{ max_tokens: 60_000 }, { model: 'gemini-4-argon' }, { maxOutputTokens: 32_768 }, ['adapted max_tokens']],
    [{ max_tokens: 60_000, stream: true }, { model: 'gemini-4-argon' }, { maxOutputTokens: 60_000 }, []],
    [{ stop: 'x' }, {}, { stopSequences: ['x'] }, []],
    [{ n: 3 }, {}, { candidateCount: 3 }, []],
    [{ seed: 7 }, {}, { seed: 7 }, []],
    [{ seed: 4_294_967_297 }, {}, { seed: 1 }, ['adapted seed']],
    [{ presence_penalty: 1, frequency_penalty: 0 }, { model: OLDER }, undefined, ['dropped presence_penalty']],
    [{ presence_penalty: 1 }, { model: OLDER, host: 'vertex' }, { presencePenalty: 1 }, []],
    [{ frequency_penalty: 1 }, {}, { frequencyPenalty: 1 }, []],
    [{ logprobs: true, top_logprobs: 2 }, {}, { responseLogprobs: true, logprobs: 2 }, []],
    [{ modalities: ['text', 'image'] }, {}, { responseModalities: ['TEXT', 'IMAGE'] }, []],
    [
      { modalities: ['text', 'audio'], audio: { voice: 'Kore', format: 'wav' } },
      {},
      { responseModalities: ['AUDIO'], speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: 'Kore' } } } },
      ['adapted modalities', 'adapted audio.format'],
    ],
  ])('%j %j', (fields, how, expected, changes) => {
    expect(config(fields, how)).toEqual({ config: expected, changes });
  });

  it.each<readonly [Fields, string]>([
    [{ n: 9 }, 'n'],
    [{ stop: ['1', '2', '3', '4', '5', '6'] }, 'stop'],
    [{ tools: [{ type: 'custom', custom: { name: 'x' } }] }, 'tools[0].type'],
    [{ tools: [tool('f')], tool_choice: { type: 'custom', custom: { name: 'x' } } }, 'tool_choice'],
    [{ tool_choice: 'required' }, 'tool_choice'],
    [{ response_format: { type: 'grammar' } }, 'response_format.type'],
  ])('refuses %j', (fields, param) => {
    expect(() => sent(fields)).toThrow(expect.objectContaining({ status: 400, param }));
  });

  it.each<readonly [string, unknown, Fields | undefined, readonly string[]]>([
    [OLDER, 'none', { thinkingBudget: 0 }, []],
    [OLDER, 'minimal', { includeThoughts: true, thinkingBudget: 512 }, []],
    [OLDER, 'low', { includeThoughts: true, thinkingBudget: 1024 }, []],
    [OLDER, 'medium', { includeThoughts: true, thinkingBudget: 8192 }, []],
    [OLDER, 'high', { includeThoughts: true, thinkingBudget: 24_576 }, []],
    [OLDER, 'max', { includeThoughts: true, thinkingBudget: 24_576 }, []],
    ['gemini-2.5-pro', 'none', { thinkingBudget: 128 }, ['adapted reasoning_effort']],
    ['gemini-2.5-pro', 'xhigh', { includeThoughts: true, thinkingBudget: 32_768 }, []],
    ['gemini-3-flash-preview', 'minimal', { includeThoughts: true, thinkingLevel: 'MINIMAL' }, []],
    [
      'gemini-3.1-pro-preview',
      'minimal',
      { includeThoughts: true, thinkingLevel: 'LOW' },
      ['adapted reasoning_effort'],
    ],
    ['gemini-3.8-flash', 'none', { thinkingLevel: 'LOW' }, ['adapted reasoning_effort']],
    ['gemini-3-pro-preview', 'medium', { includeThoughts: true, thinkingLevel: 'HIGH' }, ['adapted reasoning_effort']],
    ['gemini-3.5-flash', 'max', { includeThoughts: true, thinkingLevel: 'HIGH' }, ['adapted reasoning_effort']],
    ['gemini-4-hydrogen', 'xhigh', { includeThoughts: true, thinkingLevel: 'XHIGH' }, []],
    ['gemini-4-argon', 'high', { includeThoughts: true, thinkingLevel: 'HIGH' }, []],
    ['gemini-9-neon', 'constructor', { includeThoughts: true, thinkingLevel: 'HIGH' }, ['adapted reasoning_effort']],
    ['gemini-3.1-flash-image-preview', 'minimal', { includeThoughts: true, thinkingLevel: 'MINIMAL' }, []],
    ['gemini-3-pro-image-preview', 'low', { includeThoughts: true, thinkingBudget: 1024 }, []],
    ['gemini-2.0-flash', 'high', undefined, ['dropped reasoning_effort']],
    ['gemini-2.0-flash', 'none', undefined, []],
    ['gemini-3.5-flash', null, undefined, []],
  ])('%s thinks %s', (model, effort, thinking, changes) => {
    const { body, changes: told } = sent({ reasoning_effort: effort }, { model });
    expect({ thinking: (body['generationConfig'] as Fields | undefined)?.['thinkingConfig'], told }).toEqual({
      thinking,
      told: changes,
    });
  });

  it.each<readonly [Fields, Fields]>([
    [{ reasoning: { effort: 'low' } }, { includeThoughts: true, thinkingBudget: 1024 }],
    [{ reasoning: { max_tokens: 2000, exclude: true } }, { thinkingBudget: 2000 }],
    [{ reasoning: { enabled: false } }, { thinkingBudget: 0 }],
    [{ thinking: { type: 'enabled', budget_tokens: 3000 } }, { includeThoughts: true, thinkingBudget: 3000 }],
    [{ thinking: { type: 'disabled' } }, { thinkingBudget: 0 }],
    [{ reasoning_effort: 'low', include_reasoning: false }, { thinkingBudget: 1024 }],
    [{ include_reasoning: true }, { includeThoughts: true }],
    [{ extra_body: { google: { thinking_config: { thinking_budget: 5 } } } }, { thinking_budget: 5 }],
  ])('reads other words for it: %j', (fields, thinkingConfig) => {
    expect(config(fields, { model: OLDER })).toEqual({ config: { thinkingConfig }, changes: [] });
  });

  it('hears one word for it, and reports the others', () => {
    const thinking = { type: 'enabled', budget_tokens: 3000 };
    const extra_body = { google: { thinking_config: { thinking_budget: 5 }, other: 1 }, more: 2 };
    expect(config({ reasoning_effort: 'low', thinking }, { model: OLDER })).toEqual({
      config: { thinkingConfig: { includeThoughts: true, thinkingBudget: 1024 } },
      changes: ['dropped thinking'],
    });
    expect(config({ reasoning_effort: 'low', extra_body }, { model: OLDER })).toEqual({
      config: { thinkingConfig: { thinking_budget: 5 } },
      changes: ['dropped reasoning_effort', 'dropped extra_body.more', 'dropped extra_body.google.other'],
    });
  });

  it.each<readonly [string, Fields, Fields | undefined, readonly string[]]>([
    ['nothing', {}, undefined, []],
    ['auto', { tool_choice: 'auto' }, { mode: 'AUTO' }, []],
    ['none', { tool_choice: 'none' }, { mode: 'NONE' }, []],
    ['required', { tool_choice: 'required' }, { mode: 'ANY' }, []],
    ['one by name', { tool_choice: named('f') }, { mode: 'ANY', allowedFunctionNames: ['f'] }, []],
    ['one in the old form', { function_call: { name: 'f' } }, { mode: 'ANY', allowedFunctionNames: ['f'] }, []],
    ['strictly', { tools: [tool('f', { strict: true })] }, { mode: 'VALIDATED' }, []],
    ['strictly, and required', { tools: [tool('f', { strict: true })], tool_choice: 'required' }, { mode: 'ANY' }, []],
    [
      'some',
      { tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [named('f')] } } },
      { mode: 'ANY', allowedFunctionNames: ['f'] },
      [],
    ],
    [
      'some or none',
      { tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [named('f')] } } },
      { mode: 'VALIDATED', allowedFunctionNames: ['f'] },
      ['adapted tool_choice'],
    ],
    ['one at a time', { parallel_tool_calls: false }, undefined, ['dropped parallel_tool_calls']],
  ])('holds the model to tools as asked: %s', (_, fields, calling, changes) => {
    const { body, changes: told } = sent({ tools: [tool('f')], ...fields });
    const toolConfig = calling && { functionCallingConfig: calling };
    expect({ config: body['toolConfig'], tools: body['tools'], told }).toEqual({
      config: toolConfig,
      tools: [{ functionDeclarations: [declared('f')] }],
      told: changes,
    });
  });

  it.each(['never', 7, ['auto']])('refuses a choice that nobody knows: %j', (choice) =>
    expect(() => sent({ tools: [tool('f')], tool_choice: choice })).toThrow(
      expect.objectContaining({ status: 400, param: 'tool_choice' }),
    ),
  );

  it.each<readonly [Fields, Fields]>([
    [{ description: 'Does it.' }, declared('f', { description: 'Does it.' })],
    [{ description: '' }, declared('f')],
    [{ parameters: undefined }, { name: 'f' }],
    [{ parameters: { type: 'object', properties: {}, additionalProperties: false } }, { name: 'f' }],
    [{ parameters: { type: 'object', properties: {}, description: 'None.', $defs: {} } }, { name: 'f' }],
    [
      { parameters: { type: 'object', additionalProperties: { type: 'string' } } },
      { name: 'f', parametersJsonSchema: { type: 'object', additionalProperties: { type: 'string' } } },
    ],
    [
      { parameters: { $schema: 'x', properties: { a: {} } } },
      { name: 'f', parametersJsonSchema: { type: 'object', properties: { a: {} } } },
    ],
    [
      { parameters: { type: 'object', anyOf: [SCHEMA] } },
      { name: 'f', parametersJsonSchema: { type: 'object', anyOf: [SCHEMA] } },
    ],
  ])('declares a function of %j', (more, declaration) => {
    expect(sent({ tools: [tool('f', more)] }).body['tools']).toEqual([{ functionDeclarations: [declaration] }]);
  });

  it('sends names that Gemini takes, and knows whose they are', () => {
    const { body, asked, changes } = sent({ tools: [tool('1 f'), tool('_1_f')], tool_choice: named('1 f') });
    expect(body).toMatchObject({
      tools: [{ functionDeclarations: [{ name: '_1_f_2' }, { name: '_1_f' }] }],
      toolConfig: { functionCallingConfig: { allowedFunctionNames: ['_1_f_2'] } },
    });
    expect(asked.toolNames).toEqual(new Map([['_1_f_2', '1 f']]));
    expect(changes).toEqual(['adapted tools[0].function.name']);
  });

  it('takes the old form of tools', () => {
    const functions = [{ name: 'f', parameters: SCHEMA }];
    const { body, changes, asked } = sent({ functions });
    expect({ tools: body['tools'], changes, asked }).toEqual({
      tools: [{ functionDeclarations: [declared('f')] }],
      changes: [],
      asked: { legacyFunctions: true },
    });
    expect(sent({ functions, tools: [tool('g')] }).asked).toEqual({});
  });

  it('asks for JSON', () => {
    expect(config({ response_format: { type: 'json_object' } })).toEqual({
      config: { responseMimeType: 'application/json' },
      changes: [],
    });
    const schema = {
      ...SCHEMA,
      properties: { b: { const: 'x' }, a: { $ref: '#/definitions/d', description: 'gone' } },
      definitions: { d: { allOf: [{ type: 'string', default: '' }] } },
    };
    const { asked, ...wire } = sent({ response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } });
    expect(wire).toMatchObject({
      body: {
        generationConfig: {
          responseMimeType: 'application/json',
          responseJsonSchema: {
            type: 'object',
            properties: { b: { enum: ['x'] }, a: { $ref: '#/$defs/d' } },
            required: ['a'],
            $defs: { d: { type: 'string' } },
            propertyOrdering: ['b', 'a'],
          },
        },
      },
      changes: [],
    });
    expect(asked).toEqual({});
  });

  it.each<readonly [string, Fields, Fields, boolean]>([
    [
      'null among the values',
      { type: ['string', 'null'], enum: ['a', null] },
      { anyOf: [{ type: 'string', enum: ['a'] }, { type: 'null' }] },
      false,
    ],
    ['a reference with words beside it', { $ref: '#/$defs/d', description: 'x' }, { $ref: '#/$defs/d' }, false],
    ['a reference with a rule beside it', { $ref: '#/$defs/d', minItems: 1 }, { $ref: '#/$defs/d' }, true],
    [
      'a reference as all there is',
      { allOf: [{ $ref: '#/definitions/d' }], title: 'x', default: 1 },
      { $ref: '#/$defs/d' },
      false,
    ],
    ['all of several', { type: 'object', allOf: [{}, {}] }, { type: 'object' }, true],
    ['all of one that says otherwise', { type: 'object', allOf: [{ type: 'array' }] }, { type: 'object' }, true],
    ['yes or no', { enum: [true] }, {}, true],
  ])('puts a schema in the words Gemini knows: %s', (_, a, known, loose) => {
    const schema = { type: 'object', properties: { a } };
    const { body, asked } = sent({ response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } });
    expect(body['generationConfig']).toMatchObject({
      responseJsonSchema: { type: 'object', properties: { a: known } },
    });
    expect(JSON.stringify(body)).not.toMatch(/allOf|minItems|title/);
    expect(asked).toEqual(loose ? { json: { schema } } : {});
  });

  it('checks itself what Gemini does not see to', () => {
    const schema = { type: 'object', properties: { a: { type: 'string', pattern: '^x' }, __proto__: { not: {} } } };
    const { asked, changes, body } = sent({
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
    });
    expect(asked).toEqual({ json: { schema } });
    expect(changes).toEqual(['adapted response_format.json_schema.schema']);
    expect(JSON.stringify(body)).not.toContain('pattern');
  });

  it.each<readonly [string, string, Fields, Fields, object, readonly string[]]>([
    [
      OLDER,
      'a schema',
      {},
      { toolConfig: { functionCallingConfig: { mode: 'ANY' } } },
      { jsonTool: 'json', json: { schema: SCHEMA } },
      ['adapted response_format'],
    ],
    [
      OLDER,
      'a schema, calls forbidden',
      { tool_choice: 'none' },
      { toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['json'] } } },
      { jsonTool: 'json', json: { schema: SCHEMA } },
      ['adapted response_format'],
    ],
    [
      OLDER,
      'a schema, a call demanded',
      { tool_choice: 'required' },
      { toolConfig: { functionCallingConfig: { mode: 'ANY' } } },
      {},
      ['dropped response_format'],
    ],
    [
      OLDER,
      'no schema',
      { response_format: { type: 'json_object' } },
      { systemInstruction: { parts: [{ text: expect.stringContaining('JSON') }] } },
      { json: {} },
      ['adapted response_format'],
    ],
    [
      OLDER,
      'a schema, no functions but a search',
      { tools: [], web_search_options: {} },
      { systemInstruction: { parts: [{ text: expect.stringContaining('"required":["a"]') }] } },
      { json: { schema: SCHEMA } },
      ['adapted response_format'],
    ],
    [
      'gemini-3.5-flash',
      'a schema',
      {},
      { generationConfig: { responseMimeType: 'application/json', responseJsonSchema: SCHEMA } },
      {},
      [],
    ],
    [
      'gemini-3.5-flash',
      'a schema, strict tools',
      { tools: [tool('f', { strict: true })] },
      { toolConfig: { functionCallingConfig: { mode: 'AUTO' } } },
      {},
      ['adapted tools'],
    ],
  ])('%s: %s beside functions', (model, _, fields, body, asked, changes) => {
    expect(sent({ tools: [tool('f')], response_format: inJson, ...fields }, { model })).toMatchObject({
      body,
      asked,
      changes,
    });
  });

  it.each<readonly [string, How, Fields, Fields, readonly string[]]>([
    [
      'searches',
      {},
      { web_search_options: { search_context_size: 'low' } },
      { tools: [{ googleSearch: {} }] },
      ['dropped web_search_options.search_context_size'],
    ],
    [
      'searches beside functions',
      {},
      { web_search_options: {}, tools: [tool('f')] },
      { toolConfig: { functionCallingConfig: { mode: 'VALIDATED' }, includeServerSideToolInvocations: true } },
      [],
    ],
    [
      'cannot search beside functions',
      { model: OLDER },
      { web_search_options: {}, tools: [tool('f')] },
      {},
      ['dropped web_search_options'],
    ],
    [
      'runs code',
      {},
      { tools: [{ type: 'code_execution' }, { type: 'x', urlContext: {} }] },
      { tools: [{ codeExecution: {} }, { urlContext: {} }] },
      [],
    ],
    ['has a tier', {}, { service_tier: 'default' }, { serviceTier: 'standard' }, []],
    ['has no such tier', {}, { service_tier: 'scale' }, {}, ['dropped service_tier']],
    [
      'is told what is unsafe',
      {},
      { safety_settings: [{ category: 'X' }] },
      { safetySettings: [{ category: 'X' }] },
      [],
    ],
    ['has no labels', {}, { metadata: { a: 'b' } }, {}, ['dropped metadata']],
    [
      'has labels on Vertex AI',
      { host: 'vertex' },
      { metadata: { Team: 'A b' } },
      { labels: { team: 'a_b' } },
      ['adapted metadata'],
    ],
    [
      'drops the rest',
      {},
      { user: 'u', logit_bias: { 1: 2 }, min_p: 0.1, verbosity: 'low' },
      {},
      ['dropped user', 'dropped logit_bias', 'dropped min_p', 'dropped verbosity'],
    ],
  ])('%s', (_, how, fields, body, changes) => {
    expect(sent(fields, how)).toMatchObject({ body, changes });
  });

  it('has its tier in headers on Vertex AI', () => {
    const { headers, body } = sent({ service_tier: 'flex' }, { host: 'vertex' });
    expect(headers).toEqual({
      'x-vertex-ai-llm-request-type': 'shared',
      'x-vertex-ai-llm-shared-request-type': 'flex',
    });
    expect(body).toEqual({});
  });

  it('does not say again what is cached', () => {
    const fields = {
      cached_content: 'cachedContents/1',
      tools: [tool('f')],
      tool_choice: 'auto',
      messages: [
        { role: 'system', content: 'S' },
        { role: 'user', content: 'Hi' },
      ],
    };
    expect(sent(fields)).toMatchObject({
      body: { cachedContent: 'cachedContents/1' },
      changes: ['dropped messages[0]', 'dropped tools', 'dropped tool_choice'],
    });
    expect(Object.keys(sent(fields).body)).toEqual(['cachedContent']);
  });
});
