export const HI = { role: 'user', content: 'hi' };
export const request = (over: object = {}) => JSON.stringify({ model: 'simulator', messages: [HI], ...over });
/** A conversation whose second message is at fault. */
const said = (message: unknown) => request({ messages: [HI, message] });
const part = (...parts: readonly unknown[]) => said({ role: 'user', content: parts });
const calls = (...toolCalls: readonly unknown[]) => said({ role: 'assistant', tool_calls: toolCalls });
const tool = (fn: unknown) => request({ tools: [{ type: 'function', function: fn }] });
export const nested = (depth: number, inner = '1') => '['.repeat(depth) + inner + ']'.repeat(depth);
export const withField = (field: string) => request().replace('{', `{${field},`);

const MISSING = 'missing_required_parameter';
const TYPE = 'invalid_type';

export type Case = [name: string, body: string | Buffer, code: string | null, param: string | null, status?: number];

export const NOT_A_REQUEST: Case[] = [
  ['nothing', '', null, null],
  ['no JSON', 'model=simulator', null, null],
  ['JSON that is cut off', request().slice(0, -3), null, null],
  ['an array', '[]', null, null],
  ['a string', '"hi"', null, null],
  ['a number', '1', null, null],
  ['null', 'null', null, null],
  ['two objects', '{}{}', null, null],
  ['a comment', request().replace('{', '{/**/'), null, null],
  ['NUL bytes', '\0'.repeat(20), null, null],
  ['a NUL inside a string', request().replace('hi', 'h\0i'), null, null],
  ['UTF-8 that is not', Buffer.from(request().replace('hi', '\xff\xfe'), 'latin1'), null, null],
  ['UTF-16', Buffer.from(request(), 'utf16le'), null, null],
  ['200 levels', withField(`"x":${nested(200)}`), null, null],
  ['100,000 levels', withField(`"x":${nested(100_000)}`), null, null],
  ['100,000 open brackets', '['.repeat(100_000), null, null],
  ['100,000 open braces', '{"a":'.repeat(100_000), null, null],
];

export const FIELDS: Case[] = [
  ['no model', request({ model: undefined }), null, null],
  ['model: null', request({ model: null }), null, null],
  ['model: empty', request({ model: '' }), null, null],
  ['model: a number', request({ model: 5 }), TYPE, 'model'],
  ['model: an object', request({ model: { toString: 'x' } }), TYPE, 'model'],
  ...Object.entries({
    stream: 'true',
    stream_options: 'usage',
    temperature: 'hot',
    top_p: [],
    presence_penalty: '1',
    frequency_penalty: true,
    max_tokens: 1.5,
    max_completion_tokens: '10',
    n: '2',
    seed: 'x',
    stop: 5,
    logprobs: 'yes',
    top_logprobs: '1',
    logit_bias: [],
    tools: {},
    tool_choice: 5,
    parallel_tool_calls: 'yes',
    functions: {},
    response_format: 'json',
    reasoning_effort: 3,
    verbosity: {},
    service_tier: 1,
    user: 5,
    safety_identifier: [],
    prompt_cache_key: 1,
    store: 'no',
    metadata: 'x',
    modalities: 'text',
    audio: 'wav',
    prediction: [],
    web_search_options: 'all',
  }).map(([field, value]): Case => [`${field}: the wrong type`, request({ [field]: value }), TYPE, field]),
  ['temperature: too high', request({ temperature: 2.1 }), 'decimal_above_max_value', 'temperature'],
  ['temperature: 1e999', withField('"temperature":1e999'), TYPE, 'temperature'],
  ['top_p: below 0', request({ top_p: -0.1 }), 'decimal_below_min_value', 'top_p'],
  ['presence_penalty: too high', request({ presence_penalty: 3 }), 'decimal_above_max_value', 'presence_penalty'],
  ['frequency_penalty: too low', request({ frequency_penalty: -3 }), 'decimal_below_min_value', 'frequency_penalty'],
  ['max_tokens: below 0', request({ max_tokens: -1 }), 'integer_below_min_value', 'max_tokens'],
  ['n: 0', request({ n: 0 }), 'integer_below_min_value', 'n'],
  ['n: 129', request({ n: 129 }), 'integer_above_max_value', 'n'],
  ['top_logprobs: 21', request({ top_logprobs: 21 }), 'integer_above_max_value', 'top_logprobs'],
  ...['include_usage', 'include_obfuscation'].map((option): Case => [
    `stream_options: ${option} a string`,
    request({ stream: true, stream_options: { [option]: 'true' } }),
    TYPE,
    `stream_options.${option}`,
  ]),
  ['stop: a list with a number', request({ stop: ['a', 5] }), TYPE, 'stop[1]'],
];

export const MESSAGES: Case[] = [
  ['none', request({ messages: undefined }), MISSING, 'messages'],
  ['null', request({ messages: null }), MISSING, 'messages'],
  ['a string', request({ messages: 'hi' }), TYPE, 'messages'],
  ['an object', request({ messages: { length: 1 } }), TYPE, 'messages'],
  ['an empty list', request({ messages: [] }), 'empty_array', 'messages'],
  ['10,001', request({ messages: Array(10_001).fill(HI) }), 'array_above_max_length', 'messages'],
  ['null in the list', said(null), TYPE, 'messages[1]'],
  ['a string in the list', said('hi'), TYPE, 'messages[1]'],
  ['no role', said({ content: 'hi' }), MISSING, 'messages[1].role'],
  ['role: a number', said({ role: 1, content: 'hi' }), TYPE, 'messages[1].role'],
  ['role: unknown', said({ role: 'robot', content: 'hi' }), 'invalid_value', 'messages[1].role'],
  ['role: constructor', said({ role: 'constructor', content: 'hi' }), 'invalid_value', 'messages[1].role'],
  ['no content', said({ role: 'user' }), MISSING, 'messages[1].content'],
  ['no content of an assistant', said({ role: 'assistant' }), MISSING, 'messages[1].content'],
  ['no content, and null calls', said({ role: 'assistant', tool_calls: null }), MISSING, 'messages[1].content'],
  ['content: null', said({ role: 'user', content: null }), TYPE, 'messages[1].content'],
  ['content: a number', said({ role: 'user', content: 5 }), TYPE, 'messages[1].content'],
  ['content: an object', said({ role: 'user', content: {} }), TYPE, 'messages[1].content'],
  ['content: an empty list', part(), 'empty_array', 'messages[1].content'],
  ['part: a string', part('hi'), TYPE, 'messages[1].content[0]'],
  ['part: no type', part({ text: 'hi' }), MISSING, 'messages[1].content[0].type'],
  ['part: no text', part({ type: 'text' }), MISSING, 'messages[1].content[0].text'],
  ['part: text a number', part({ type: 'text', text: 5 }), TYPE, 'messages[1].content[0].text'],
  ['part: image a number', part({ type: 'image_url', image_url: 5 }), TYPE, 'messages[1].content[0].image_url'],
  ['part: no url', part({ type: 'image_url', image_url: {} }), MISSING, 'messages[1].content[0].image_url.url'],
  ['part: no audio', part({ type: 'input_audio' }), MISSING, 'messages[1].content[0].input_audio'],
  [
    'part: audio without a format',
    part(HI_PART(), { type: 'input_audio', input_audio: { data: '' } }),
    MISSING,
    'messages[1].content[1].input_audio.format',
  ],
  ['part: file a string', part({ type: 'file', file: 'x' }), TYPE, 'messages[1].content[0].file'],
  ['tool without its call', said({ role: 'tool', content: 'x' }), MISSING, 'messages[1].tool_call_id'],
  ['function without a name', said({ role: 'function', content: 'x' }), MISSING, 'messages[1].name'],
  ['calls: a string', said({ role: 'assistant', tool_calls: 'x' }), TYPE, 'messages[1].tool_calls'],
  ['calls: null in the list', calls(null), TYPE, 'messages[1].tool_calls[0]'],
  ['call: no id', calls({ function: { name: 'f', arguments: '' } }), MISSING, 'messages[1].tool_calls[0].id'],
  ['call: no function', calls({ id: 'a' }), MISSING, 'messages[1].tool_calls[0].function'],
  ['call: null function', calls({ id: 'a', function: null }), MISSING, 'messages[1].tool_calls[0].function'],
  [
    'call: arguments an object',
    calls({ id: 'a', type: 'function', function: { name: 'f', arguments: {} } }),
    TYPE,
    'messages[1].tool_calls[0].function.arguments',
  ],
];

function HI_PART() {
  return { type: 'text', text: 'hi' };
}

export const TOOLS: Case[] = [
  ['null in the list', request({ tools: [null] }), TYPE, 'tools[0]'],
  ['no function', request({ tools: [{ type: 'function' }] }), MISSING, 'tools[0].function'],
  ['no name', tool({}), MISSING, 'tools[0].function.name'],
  ['name: a number', tool({ name: 5 }), TYPE, 'tools[0].function.name'],
  ['parameters: a string', tool({ name: 'f', parameters: 'x' }), TYPE, 'tools[0].function.parameters'],
  ['choice: unknown', request({ tool_choice: 'maybe' }), 'invalid_value', 'tool_choice'],
  ['choice: no type', request({ tool_choice: {} }), MISSING, 'tool_choice.type'],
  ['choice: no function', request({ tool_choice: { type: 'function' } }), MISSING, 'tool_choice.function'],
  [
    'choice: no name',
    request({ tool_choice: { type: 'function', function: {} } }),
    MISSING,
    'tool_choice.function.name',
  ],
  ['format: no type', request({ response_format: {} }), MISSING, 'response_format.type'],
  ['format: no schema', request({ response_format: { type: 'json_schema' } }), MISSING, 'response_format.json_schema'],
  [
    'format: schema a string',
    request({ response_format: { type: 'json_schema', json_schema: { name: 'x', schema: 'x' } } }),
    TYPE,
    'response_format.json_schema.schema',
  ],
];

/** `null` is absence, at any depth. */
export const NULLS: [name: string, body: string][] = [
  ['content: null', said({ role: 'assistant', content: null })],
  ['a refusal without content', said({ role: 'assistant', refusal: 'No.' })],
  ['call: null custom', calls({ id: 'a', function: { name: 'f', arguments: '' }, custom: null })],
  ['call: null function beside custom', calls({ id: 'a', function: null, custom: { name: 'f', input: '' } })],
  ['tool: null type', request({ tools: [{ type: null, function: { name: 'f' } }] })],
  ['stream_options: null', request({ stream_options: { include_usage: null, include_obfuscation: null } })],
];

const NAMES: readonly string[] = [
  ...['nope', 'x'.repeat(10_240), '../../etc/passwd', '<script>alert(1)</script>', 'a\r\nx-evil: 1', '模型', '\0'],
  ...['simulator/', '/simulator', '__proto__', 'constructor', 'toString', 'hasOwnProperty', 'simulator/__proto__'],
  ...['simulator/constructor', 'simulator/模型', 'simulator/a\r\nx-evil: 1', 'simulator/\ud800', '\ud800'],
  `simulator/${'x'.repeat(40_000)}`,
];
export const MODELS = NAMES.map((name): Case => {
  return [JSON.stringify(name).slice(0, 40), request({ model: name }), 'model_not_found', null, 404];
});
