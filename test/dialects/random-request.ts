import fc from 'fast-check';
import type { ChatRequest } from '../../src/domain/chat.js';

/** A pixel. */
const PNG =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const PDF = 'data:application/pdf;base64,JVBERi0xLjQKJSVFT0YK';

const text = fc.oneof(
  fc.constantFrom('Hi', 'What is it?', 'é 日本 🎉', ' ', '', '{"a":1}', 'a\n\nb', '"quoted" \\ back'),
  fc.string({ maxLength: 20 }),
);
const words = fc.constantFrom('Hi there', 'What is the weather?', 'é 日本 🎉', 'Sum it up.');
const cached = fc.option(fc.constant({ type: 'ephemeral' }), { nil: undefined, freq: 4 });

const textPart = fc.record(
  { type: fc.constant('text'), text: words, cache_control: cached },
  { requiredKeys: ['type', 'text'] },
);
const imagePart = fc.record({
  type: fc.constant('image_url'),
  image_url: fc.record(
    { url: fc.constant(PNG), detail: fc.constantFrom('auto', 'low', 'high') },
    { requiredKeys: ['url'] },
  ),
});
const filePart = fc.constant({ type: 'file', file: { filename: 'report v1.pdf', file_data: PDF } });
const content = fc.oneof(
  words,
  fc.array(fc.oneof(textPart, textPart, imagePart, filePart), { minLength: 1, maxLength: 3 }),
);

const name = fc.constantFrom('get_weather', 'search', 'add');
const argument = fc.oneof(
  fc.constantFrom(
    '{}',
    '',
    '{"city":"Paris"}',
    '{"a":{"b":[1,2,null]}}',
    '[1]',
    '"text"',
    'null',
    'not json',
    '{"__proto__":{"a":1}}',
  ),
  fc.json({ maxDepth: 2 }),
);
const id = fc.constantFrom('call_1', 'call_2', 'toolu_01AbC', 'a b/c', 'x'.repeat(40), 'tooluse_9-_.');

const calls = fc.uniqueArray(
  fc.record({
    id,
    type: fc.constant('function'),
    function: fc.record({ name, arguments: argument }),
  }),
  { minLength: 1, maxLength: 3, selector: (call) => call.id },
);

const system = fc.record({
  role: fc.constantFrom('system', 'developer'),
  content: fc.oneof(text, fc.array(textPart, { minLength: 1, maxLength: 2 })),
});
const user = fc.record(
  { role: fc.constant('user'), content, name: fc.constantFrom('Ann', undefined) },
  { requiredKeys: ['role', 'content'] },
);
const said = fc.record(
  { role: fc.constant('assistant'), content: words, reasoning_content: text, refusal: fc.constant(null) },
  { requiredKeys: ['role', 'content'] },
);
/** Calls and their results, now and then with one missing, strange or out of order. */
const called = fc
  .tuple(calls, fc.option(words, { nil: null }), text, fc.integer({ min: 0, max: 9 }))
  .map(([made, spoken, result, fault]) => {
    const results = made.map((call) => ({
      role: 'tool',
      tool_call_id: call.id,
      content: result === '' ? 'done' : result,
    }));
    if (fault === 0) results.pop();
    if (fault === 1) results.reverse();
    if (fault === 2) results.push({ role: 'tool', tool_call_id: 'nobody', content: 'orphan' });
    return [{ role: 'assistant', content: spoken, tool_calls: made }, ...results];
  });

const conversation = fc
  .tuple(
    fc.array(system, { maxLength: 2 }),
    user,
    fc.array(
      fc.oneof(
        user.map((each) => [each]),
        said.map((each) => [each]),
        called,
        system.map((each) => [each]),
      ),
      { maxLength: 4 },
    ),
    fc.oneof(
      user.map((each) => [each]),
      called,
    ),
  )
  .map(
    ([first, opening, turns, last]) =>
      [...first, opening, ...turns.flat(), ...last] as unknown as ChatRequest['messages'],
  );

const schema = fc.constantFrom(
  { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false },
  {
    type: 'object',
    properties: { n: { type: 'integer', minimum: 1, maximum: 9 }, s: { type: 'string', pattern: '^a', minLength: 2 } },
  },
  {
    type: 'object',
    $defs: { p: { type: 'object', properties: { x: { type: 'number' } } } },
    properties: { p: { $ref: '#/$defs/p' } },
  },
  {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    properties: { a: { oneOf: [{ type: 'string' }, { type: 'null' }] } },
  },
  { type: 'object', properties: { constructor: { type: 'array', items: { type: ['string', 'null'] }, minItems: 2 } } },
);
const tool = (named: string) =>
  fc.record({
    type: fc.constant('function'),
    function: fc.record(
      { name: fc.constant(named), description: text, parameters: schema, strict: fc.boolean() },
      { requiredKeys: ['name'] },
    ),
  });
const tools = fc
  .tuple(tool('get_weather'), tool('search'), tool('add'))
  .chain((all) => fc.subarray(all, { minLength: 1 }));

/** Every documented field, with values that some models refuse, that some adapt, and that all take. */
const fields = fc.record(
  {
    temperature: fc.constantFrom(0, 0.5, 1, 1.7, 2),
    top_p: fc.constantFrom(0.1, 0.99, 1),
    top_k: fc.constantFrom(1, 40),
    n: fc.constantFrom(1, 1, 1, 2),
    seed: fc.constantFrom(7, 2 ** 40),
    stop: fc.constantFrom('END', ['a', 'b'], [], ['', ' ', 'x']),
    max_tokens: fc.constantFrom(1, 64, 200_000),
    max_completion_tokens: fc.constantFrom(16, 5_000, 1_000_000),
    presence_penalty: fc.constantFrom(0, 0.5),
    frequency_penalty: fc.constantFrom(0, -0.5),
    logit_bias: fc.constantFrom({}, { '50256': -100 }),
    logprobs: fc.constantFrom(false, false, true),
    top_logprobs: fc.constantFrom(0, 2),
    user: fc.constantFrom('user-1', 'ann@example.org', '+44 20 7946 0000'),
    safety_identifier: fc.constant('sid-1'),
    metadata: fc.constantFrom({}, { team: 'blue' }),
    store: fc.boolean(),
    service_tier: fc.constantFrom('auto', 'default', 'flex', 'priority'),
    reasoning_effort: fc.constantFrom('none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'),
    verbosity: fc.constantFrom('low', 'medium'),
    response_format: fc.oneof(
      fc.constantFrom({ type: 'text' }, { type: 'json_object' }),
      schema.map((each) => ({ type: 'json_schema', json_schema: { name: 'answer', schema: each, strict: true } })),
    ),
    tools,
    tool_choice: fc.constantFrom('auto', 'none', 'auto', 'required', {
      type: 'function',
      function: { name: 'get_weather' },
    }),
    parallel_tool_calls: fc.boolean(),
    prediction: fc.constant({ type: 'content', content: 'x' }),
    prompt_cache_key: fc.constant('k'),
    modalities: fc.constant(['text']),
    stream: fc.boolean(),
    stream_options: fc.constant({ include_usage: true }),
    x_unknown: fc.constant({ any: 'thing' }),
  },
  { requiredKeys: [] },
);

/** Requests as clients write them: valid by OpenAI's API, sensible or not. Most have few of the fields. */
export const randomRequest: fc.Arbitrary<ChatRequest> = fc
  .tuple(conversation, fields, fc.array(fc.nat(), { minLength: 4, maxLength: 4 }), fc.boolean())
  .map(([messages, all, picks, everything]) => {
    const names = Object.keys(all);
    const kept = everything ? names : picks.map((pick) => names[pick % Math.max(1, names.length)] ?? '');
    const chosen = Object.fromEntries(Object.entries(all).filter(([field]) => kept.includes(field)));
    return withSense({ model: 'asked', messages, ...chosen }) as ChatRequest;
  });

/** What the gateway has refused before a dialect is asked. */
function withSense(request: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { tool_choice: choice, top_logprobs: top, stream_options: options, ...rest } = request;
  const listed = (rest['tools'] ?? []) as readonly { readonly function: { readonly name: string } }[];
  const isNamed = typeof choice === 'object';
  const fits = listed.length > 0 && (!isNamed || listed.some((each) => each.function.name === 'get_weather'));
  return {
    ...rest,
    ...(choice !== undefined && fits && { tool_choice: choice }),
    ...(top !== undefined && rest['logprobs'] === true && { top_logprobs: top }),
    ...(options !== undefined && rest['stream'] === true && { stream_options: options }),
  };
}
