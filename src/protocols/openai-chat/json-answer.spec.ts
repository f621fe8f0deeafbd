import { openaiChat } from './index.js';

const SCHEMA = { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] };
const FACTS = { id: 'chatcmpl-1', created: 1, model: 'm', asked: { json: { schema: SCHEMA } } };
const HEAD = { id: 'chatcmpl-1', created: 1, model: 'm' };
const FORMAT = { type: 'json_schema', json_schema: { name: 'x', schema: SCHEMA } };
const FAILURE = expect.objectContaining({ status: 502, code: 'invalid_structured_output' });

const completion = (content: string | null, finish = 'stop', message: object = {}) =>
  Buffer.from(
    JSON.stringify({
      ...HEAD,
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content, refusal: null, ...message },
          finish_reason: finish,
          logprobs: null,
        },
      ],
    }),
  );
const chunk = (delta: object, finish: string | null = null, more: object = {}) =>
  `data: ${JSON.stringify({ ...HEAD, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish, ...more }] })}\n\n`;

describe('a schema that was asked for in words', () => {
  const request = (quirks: object, format: object) =>
    openaiChat(quirks).request(
      { model: 'm', messages: [{ role: 'user', content: 'hi' }], response_format: format as typeof FORMAT },
      { model: 'm', baseModel: 'm', facts: {}, turns: new Map(), withoutState: false },
    ).asked;

  it('is held to, and no other', () => {
    expect(request({ schemaInWords: true }, FORMAT)).toEqual({ json: { schema: SCHEMA } });
    expect(request({}, FORMAT)).toEqual({});
    expect(request({ schemaInWords: true }, { type: 'json_object' })).toEqual({});
  });

  it.each<[string, Buffer, unknown]>([
    ['fits', completion('{"a":1}'), '{"a":1}'],
    ['stands in a fence', completion('```json\n{"a":1}\n```'), '{"a":1}'],
    ['was cut', completion('{"a', 'length'), '{"a'],
    ['is a refusal', completion(null, 'stop', { refusal: 'No' }), null],
    [
      'is a call',
      completion('', 'tool_calls', {
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
      }),
      '',
    ],
  ])('whole, when it %s', (_, body, content) => {
    expect(openaiChat({}).response(body, FACTS).choices[0]?.message.content).toBe(content);
  });

  it('whole, when it does not fit, is a failure', () => {
    expect(() => openaiChat({}).response(completion('{"a":"x"}'), FACTS)).toThrow(FAILURE);
    expect(() => openaiChat({}).response(completion('{"a":"x"}'), { ...FACTS, asked: {} })).not.toThrow();
  });

  const decode = (wire: string, size: number) => {
    const decoder = openaiChat({ thinkTags: true }).stream(FACTS, false);
    const bytes = Buffer.from(wire);
    let out = '';
    const emit = (frame: { bytes: Uint8Array }) => (out += Buffer.from(frame.bytes).toString());
    let error: unknown;
    try {
      for (let at = 0; at < bytes.length; at += size) decoder.next(bytes.subarray(at, at + size), emit);
      decoder.end(emit);
    } catch (failure) {
      error = failure;
    }
    const events = out
      .split('\n\n')
      .filter(Boolean)
      .map((event) => JSON.parse(event.slice(6)));
    return { choices: events.map(({ choices }) => choices[0] as unknown), error };
  };
  const role = chunk({ role: 'assistant', content: '' });

  it.each([1, 50, Infinity])('in a stream read %i bytes at a time', (size) => {
    const texts = ['<think>H', 'm</think>', '{"a"', ':', '1', '}'].map((content) => chunk({ content })).join('');
    const { choices, error } = decode(`${role}${texts}${chunk({}, 'eos', { native: 1 })}data: [DONE]\n\n`, size);
    expect(error).toBeUndefined();
    const reasoning = choices.map(
      (choice) => (choice as { delta: { reasoning_content?: string } }).delta.reasoning_content ?? '',
    );
    expect(reasoning.join('')).toBe('Hm');
    expect(choices.slice(-2)).toEqual([
      { index: 0, delta: { content: '{"a":1}' }, finish_reason: null },
      { index: 0, delta: {}, finish_reason: 'stop', native_finish_reason: 'eos', native: 1 },
    ]);
    expect(choices.filter((choice) => (choice as { delta: { content?: string } }).delta.content)).toHaveLength(1);
  });

  it('in a stream that does not fit is a failure, and nothing was sent', () => {
    const { choices, error } = decode(`${role}${chunk({ content: 'Sorry' })}${chunk({}, 'stop')}`, 20);
    expect([choices, error]).toEqual([[], FAILURE]);
  });

  it('in one piece where a stream was asked for', () => {
    expect(decode(completion('```{"a":1}```').toString(), 30).choices).toMatchObject([
      { delta: { role: 'assistant' } },
      { delta: { content: '{"a":1}' } },
      { finish_reason: 'stop' },
    ]);
  });
});
