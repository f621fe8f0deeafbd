import {
  OPUS_5_5,
  OPUS_4_8,
  SONNET_4_5,
  HAIKU_4_5,
  NOVA,
  MISTRAL,
  LLAMA,
  TITAN,
  MESSAGES,
  sent,
  refused,
  tools,
  named,
  SPEC_F,
  SPEC_G,
} from '../../../../test/support/converse-request.js';

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
