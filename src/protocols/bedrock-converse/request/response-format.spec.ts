import {
  OPUS_5_5,
  OPUS_4_8,
  SONNET_4_5,
  HAIKU_4_5,
  NOVA,
  MISTRAL,
  MISTRAL_3,
  LLAMA,
  GPT_OSS,
  sent,
  closedAnswer,
  refused,
  tools,
} from '../../../../test/support/converse-request.js';

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
