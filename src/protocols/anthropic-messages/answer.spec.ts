import type { ChatCompletion, ChatCompletionChunk } from '../../domain/chat.js';
import { GatewayError } from '../../domain/errors.js';
import type { AnswerFacts, Asked } from '../protocol.js';
import { anthropicMessages } from './index.js';

type Fields = Readonly<Record<string, unknown>>;

const facts = (asked: Asked = {}): AnswerFacts => ({ id: 'chatcmpl-1', created: 1_700_000_000, model: 'asked', asked });
const protocol = anthropicMessages();
const event = (data: Fields) =>
  `event: ${String((data['type'] as string | undefined) ?? '')}\ndata: ${JSON.stringify(data)}\n\n`;

const message = (content: readonly Fields[], more: Fields = {}): Fields => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-x',
  content,
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 10, cache_read_input_tokens: 3, cache_creation_input_tokens: 2, output_tokens: 7 },
  ...more,
});

const whole = (wire: Fields, asked?: Asked): ChatCompletion =>
  protocol.response(Buffer.from(JSON.stringify(wire)), facts(asked));

/** The chunks of a stream, and the error it ends with. */
function streamed(events: readonly Fields[], asked?: Asked) {
  const decoder = protocol.stream(facts(asked), true);
  let text = '';
  const keep = ({ bytes }: { bytes: Uint8Array }) => void (text += Buffer.from(bytes).toString());
  let error: unknown;
  try {
    decoder.next(Buffer.from(events.map(event).join('')), keep);
    decoder.end(keep);
  } catch (failure) {
    error = failure;
  }
  const chunks = text
    .split('\n\n')
    .filter(Boolean)
    .map((data) => JSON.parse(data.slice(6)) as ChatCompletionChunk);
  const choices = chunks.flatMap((chunk) => chunk.choices);
  return { chunks, deltas: choices.map(({ delta }) => delta), choices, error, kept: decoder.kept ?? [] };
}

const start = (more: Fields = {}) => ({ type: 'message_start', message: message([], { stop_reason: null, ...more }) });
const opens = (index: number, content_block: Fields) => ({ type: 'content_block_start', index, content_block });
const grows = (index: number, delta: Fields) => ({ type: 'content_block_delta', index, delta });
const closes = (index: number) => ({ type: 'content_block_stop', index });
const ends = (stop_reason: string, more: Fields = {}) => [
  { type: 'message_delta', delta: { stop_reason, ...more }, usage: { output_tokens: 7 } },
  { type: 'message_stop' },
];
const says = (text: string) => [
  opens(0, { type: 'text', text: '' }),
  grows(0, { type: 'text_delta', text }),
  closes(0),
];
const FORMAT = 'anthropic-claude-v1';

describe('a message', () => {
  it('is a completion', () => {
    const citation = { type: 'web_search_result_location', url: 'https://x', title: 'X', cited_text: 'c' };
    const quote = { type: 'char_location', cited_text: 'q', document_index: 0 };
    const completion = whole(
      message(
        [
          { type: 'thinking', thinking: 'Hm', signature: 'sig' },
          { type: 'redacted_thinking', data: 'xyz' },
          { type: 'server_tool_use', id: 's', name: 'web_search', input: { query: 'x' } },
          { type: 'text', text: 'One ' },
          { type: 'text', text: 'two', citations: [citation, quote] },
          { type: 'tool_use', id: 'toolu_1', name: 'f', input: { a: [1] } },
          { type: 'tool_use', id: 't'.repeat(60), name: 'g', input: {} },
          { type: 'from_the_future', text: '?' },
        ],
        {
          stop_reason: 'tool_use',
          usage: {
            input_tokens: 1,
            output_tokens: 9,
            output_tokens_details: { thinking_tokens: 4 },
            service_tier: 'standard',
          },
        },
      ),
    );
    expect(completion).toEqual({
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1_700_000_000,
      model: 'claude-x',
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: 'One two',
            refusal: null,
            reasoning_content: 'Hm',
            reasoning_details: [
              { type: 'reasoning.text', text: 'Hm', signature: 'sig', format: FORMAT, index: 0 },
              { type: 'reasoning.encrypted', data: 'xyz', format: FORMAT, index: 1 },
            ],
            tool_calls: [
              { id: 'toolu_1', type: 'function', function: { name: 'f', arguments: '{"a":[1]}' } },
              {
                id: expect.stringMatching(/^call_\w{24}$/),
                type: 'function',
                function: { name: 'g', arguments: '{}' },
              },
            ],
            annotations: [
              { type: 'url_citation', url_citation: { start_index: 4, end_index: 7, url: 'https://x', title: 'X' } },
            ],
            citations: [quote],
          },
          finish_reason: 'tool_calls',
          logprobs: null,
          native_finish_reason: 'tool_use',
        },
      ],
      usage: {
        prompt_tokens: 1,
        completion_tokens: 9,
        total_tokens: 10,
        prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 4 },
      },
      service_tier: 'default',
    });
    expect(protocol.kept?.(completion)).toEqual([
      {
        toolCallId: 'toolu_1',
        format: FORMAT,
        value: JSON.stringify([
          { type: 'thinking', thinking: 'Hm', signature: 'sig' },
          { type: 'redacted_thinking', data: 'xyz' },
        ]),
      },
    ]);
  });

  it.each<[Fields, string, unknown]>([
    [{ stop_reason: 'end_turn' }, 'stop', 'end_turn'],
    [{ stop_reason: 'stop_sequence', stop_sequence: 'END' }, 'stop', 'stop_sequence'],
    [{ stop_reason: 'max_tokens' }, 'length', 'max_tokens'],
    [{ stop_reason: 'model_context_window_exceeded' }, 'length', 'model_context_window_exceeded'],
    [{ stop_reason: 'refusal' }, 'content_filter', 'refusal'],
    [{ stop_reason: 'pause_turn' }, 'stop', 'pause_turn'],
    [{ stop_reason: 'of_the_future' }, 'stop', 'of_the_future'],
    [{ stop_reason: null }, 'stop', 'end_turn'],
    [
      { stop_reason: 'end_turn', content: [{ type: 'tool_use', id: 'a', name: 'f', input: {} }] },
      'tool_calls',
      'end_turn',
    ],
  ])('ends as clients know it: %j', (more, finish, native) => {
    const [choice] = whole(message([{ type: 'text', text: 'Hi' }], more)).choices;
    expect([choice?.finish_reason, choice?.['native_finish_reason']]).toEqual([finish, native]);
    expect(choice?.['matched_stop']).toBe(more['stop_sequence']);
  });

  it('that declines says why', () => {
    const said = (details?: Fields) =>
      whole(message([], { stop_reason: 'refusal', stop_details: details })).choices[0]?.message;
    expect(said({ explanation: 'Too risky' })).toMatchObject({ content: null, refusal: 'Too risky' });
    expect(said()?.refusal).toBe('The model declined to answer.');
  });

  it.each<[Fields, readonly number[]]>([
    [
      { input_tokens: 10, cache_read_input_tokens: 3, cache_creation_input_tokens: 2, output_tokens: 7 },
      [15, 7, 22, 3, 2],
    ],
    [{ input_tokens: null, output_tokens: 'x', cache_read_input_tokens: -1 }, [0, 0, 0, 0, 0]],
    [
      {
        input_tokens: 1,
        output_tokens: 1,
        iterations: [
          { type: 'message', input_tokens: 5, output_tokens: 2 },
          { type: 'advisor_message', input_tokens: 50, output_tokens: 20 },
          { type: 'compaction', input_tokens: 7, output_tokens: 3, cache_read_input_tokens: 1 },
        ],
      },
      [13, 5, 18, 1, 0],
    ],
    [
      {
        input_tokens: 1,
        output_tokens: 1,
        iterations: [{ type: 'message', input_tokens: 5 }, { type: 'fallback_message' }],
      },
      [1, 1, 2, 0, 0],
    ],
  ])('is counted in OpenAI’s arithmetic: %j', (usage, [prompt, completion, total, cached, written]) => {
    expect(whole(message([], { usage })).usage).toMatchObject({
      prompt_tokens: prompt,
      completion_tokens: completion,
      total_tokens: total,
      prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
    });
  });

  it('may cite a great deal', () => {
    const citations = Array.from({ length: 200_000 }, () => ({ type: 'page_location' }));
    const [choice] = whole(message([{ type: 'text', text: 'Hi', citations }])).choices;
    expect(choice?.message['citations']).toHaveLength(200_000);
  });

  it('that is none is an error of the provider', () => {
    expect(() => whole({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } })).toThrow(
      expect.objectContaining({ status: 503, code: 'server_is_overloaded' }),
    );
    for (const wire of [{}, { content: 'text' }, { content: null }])
      expect(() => whole(wire)).toThrow(expect.objectContaining({ status: 502, code: 'invalid_upstream_answer' }));
    expect(
      whole({ content: [null, 1, { type: 'text', text: 5 }, { type: 'tool_use' }], usage: 'x' }).choices[0]?.message,
    ).toMatchObject({
      content: null,
      tool_calls: [{ id: expect.stringMatching(/^call_/), function: { name: '', arguments: '{}' } }],
    });
  });
});

describe('a stream', () => {
  it('is role, thinking, text, calls, finish, usage', () => {
    const { deltas, choices, chunks, error, kept } = streamed([
      start(),
      { type: 'ping' },
      opens(0, { type: 'thinking', thinking: '' }),
      grows(0, { type: 'thinking_delta', thinking: 'H' }),
      grows(0, { type: 'thinking_delta', thinking: 'm' }),
      grows(0, { type: 'signature_delta', signature: 'sig' }),
      closes(0),
      opens(1, { type: 'redacted_thinking', data: 'xyz' }),
      closes(1),
      opens(2, { type: 'server_tool_use', id: 's', name: 'web_search' }),
      grows(2, { type: 'input_json_delta', partial_json: '{"query":1}' }),
      closes(2),
      opens(3, { type: 'text', text: 'Al' }),
      grows(3, { type: 'text_delta', text: 'so' }),
      grows(3, { type: 'citations_delta', citation: { type: 'web_search_result_location', url: 'u', title: 't' } }),
      grows(3, { type: 'of_the_future', text: '?' }),
      closes(3),
      opens(4, { type: 'tool_use', id: 'a', name: 'f', input: {} }),
      grows(4, { type: 'input_json_delta', partial_json: '' }),
      grows(4, { type: 'input_json_delta', partial_json: '{"a"' }),
      grows(4, { type: 'input_json_delta', partial_json: ':1}' }),
      closes(4),
      opens(5, { type: 'tool_use', id: 'b', name: 'g', input: {} }),
      closes(5),
      opens(6, { type: 'tool_use', id: 'c', name: 'h', input: { whole: true } }),
      closes(6),
      { type: 'message_delta', delta: { stop_reason: null }, usage: { input_tokens: 20 } },
      ...ends('tool_use'),
      { type: 'message_stop' },
    ]);
    const call = (index: number, more: Fields) => ({ tool_calls: [{ index, ...more }] });
    const begins = (index: number, id: string, name: string, args = '') =>
      call(index, { id, type: 'function', function: { name, arguments: args } });
    expect(deltas).toEqual([
      { role: 'assistant', content: '' },
      { reasoning_content: 'H', reasoning_details: [{ type: 'reasoning.text', text: 'H', format: FORMAT, index: 0 }] },
      { reasoning_content: 'm', reasoning_details: [{ type: 'reasoning.text', text: 'm', index: 0 }] },
      { reasoning_details: [{ type: 'reasoning.text', signature: 'sig', index: 0 }] },
      { reasoning_details: [{ type: 'reasoning.encrypted', data: 'xyz', format: FORMAT, index: 1 }] },
      { content: 'Al' },
      { content: 'so' },
      {
        annotations: [
          { index: 0, type: 'url_citation', url_citation: { start_index: 0, end_index: 4, url: 'u', title: 't' } },
        ],
      },
      begins(0, 'a', 'f'),
      call(0, { function: { arguments: '{"a"' } }),
      call(0, { function: { arguments: ':1}' } }),
      begins(1, 'b', 'g'),
      call(1, { function: { arguments: '{}' } }),
      begins(2, 'c', 'h', '{"whole":true}'),
      {},
    ]);
    expect(choices.at(-1)).toMatchObject({ finish_reason: 'tool_calls', native_finish_reason: 'tool_use' });
    expect(chunks.at(-1)?.usage).toMatchObject({ prompt_tokens: 25, completion_tokens: 7 });
    expect([error, kept[0]?.toolCallId, kept[0]?.format]).toEqual([undefined, 'a', FORMAT]);
  });

  it('remembers where its thinking stood', () => {
    const content = [
      { type: 'thinking', thinking: 'A', signature: 's' },
      { type: 'text', text: 'One.' },
      { type: 'redacted_thinking', data: 'xyz' },
      { type: 'tool_use', id: 'a', name: 'f', input: {} },
      { type: 'thinking', thinking: 'B', signature: 't' },
    ];
    const blocks = [
      { type: 'thinking', thinking: 'A', signature: 's' },
      { type: 'redacted_thinking', data: 'xyz', after: { content: 4, tool_calls: 0 } },
      { type: 'thinking', thinking: 'B', signature: 't', after: { content: 4, tool_calls: 1 } },
    ];
    const events = content.flatMap((block, index) => [opens(index, block), closes(index)]);
    const { kept } = streamed([start(), ...events, ...ends('tool_use')]);
    const states = protocol.kept?.(whole(message(content, { stop_reason: 'tool_use' }))) ?? [];
    for (const { value } of [...kept, ...states]) expect(JSON.parse(value)).toEqual(blocks);
    expect([kept.length, states.length]).toEqual([1, 1]);
  });

  it('ends blocks that have no end of their own', () => {
    const { deltas, kept } = streamed([
      start(),
      opens(0, { type: 'thinking', thinking: 'Hm', signature: 's' }),
      opens(1, { type: 'tool_use', id: 'a', name: 'f', input: {} }),
      ...ends('tool_use'),
    ]);
    expect(deltas.at(-2)).toEqual({ tool_calls: [{ index: 0, function: { arguments: '{}' } }] });
    expect(kept).toHaveLength(1);
  });

  it('holds to one answer', () => {
    const again = [start(), ...says('Hi'), start()];
    expect(streamed([...again, ...ends('end_turn')]).error).toBeUndefined();
    expect(streamed([...again, start({ id: 'msg_2' })]).error).toMatchObject({ code: 'invalid_upstream_answer' });
  });

  it('tells of what stands in its very start', () => {
    const content = [{ type: 'tool_use', id: 'a', name: 'f', input: { x: 1 } }];
    const { deltas } = streamed([start({ content }), ...ends('tool_use')]);
    expect(deltas[1]).toMatchObject({ tool_calls: [{ id: 'a', function: { name: 'f', arguments: '{"x":1}' } }] });
  });

  it('declines in so many words', () => {
    const { deltas, choices } = streamed([
      start(),
      ...says('I'),
      ...ends('refusal', { stop_details: { explanation: 'No' } }),
    ]);
    expect(deltas.slice(1)).toEqual([{ content: 'I' }, { refusal: 'No' }, {}]);
    expect(choices.at(-1)?.finish_reason).toBe('content_filter');
  });

  it.each<[string, readonly Fields[], Fields, number]>([
    [
      'fails before it says anything',
      [start(), { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }],
      { status: 503 },
      0,
    ],
    [
      'fails in the middle',
      [start(), ...says('Hi'), { type: 'error', error: { type: 'api_error', message: 'Oops' } }],
      { status: 500 },
      2,
    ],
    ['fails without naming the event', [{ error: { type: 'overloaded_error', message: 'x' } }], { status: 503 }, 0],
    [
      'fails in words that are names of something else',
      [{ type: 'error', error: { type: 'constructor', details: { error_code: 'toString' } } }],
      { status: 502 },
      0,
    ],
    ['breaks off', [start(), ...says('Hi')], { code: 'stream_truncated' }, 2],
    ['ends without a reason', [start(), ...says('Hi'), { type: 'message_stop' }], { code: 'stream_truncated' }, 2],
  ])('%s', (_, events, expected, sent) => {
    const { error, chunks } = streamed(events);
    expect(error).toBeInstanceOf(GatewayError);
    expect(error).toMatchObject(expected);
    expect(chunks).toHaveLength(sent);
  });

  it('does without its last event once it has said why it ends', () => {
    const { error, choices } = streamed([start(), ...says('Hi'), ...ends('end_turn').slice(0, 1)]);
    expect([error, choices.at(-1)?.finish_reason]).toEqual([undefined, 'stop']);
  });

  it('survives events that make no sense', () => {
    const odd = [
      { type: 'content_block_delta' },
      grows(9, { type: 'input_json_delta', partial_json: 'x' }),
      closes(9),
      opens(1, null as never),
      { type: 'message_delta' },
      { delta: 1 },
    ];
    expect(streamed([start(), ...odd, ...says('Hi'), ...ends('end_turn')]).error).toBeUndefined();
  });
});

describe('JSON by a tool', () => {
  const asked: Asked = { jsonTool: 'json' };
  const tool = (name: string, input: Fields = { a: 1 }) => ({ type: 'tool_use', id: 't', name, input });
  const preamble = { type: 'text', text: 'Here: ' };

  it.each<[string, readonly Fields[], Fields, string]>([
    ['is the text', [preamble, tool('json')], { content: '{"a":1}' }, 'stop'],
    ['is an object even if it is empty', [tool('json', {})], { content: '{}' }, 'stop'],
    ['is called once', [tool('json'), tool('json', { b: 2 }), preamble], { content: '{"a":1}' }, 'stop'],
    ['may be passed over for words', [preamble], { content: 'Here: ' }, 'stop'],
    [
      'may be passed over for another tool',
      [preamble, tool('f')],
      { content: 'Here: ', tool_calls: [{ id: 't' }] },
      'tool_calls',
    ],
  ])('%s, streamed or not', (_, content, expected, finish) => {
    const stop_reason = content.some(({ type }) => type === 'tool_use') ? 'tool_use' : 'end_turn';
    const [choice] = whole(message(content, { stop_reason }), asked).choices;
    expect(choice).toMatchObject({ message: expected, finish_reason: finish });
    const events = content.flatMap((block, index) =>
      block['type'] === 'text'
        ? [
            opens(index, { type: 'text', text: '' }),
            grows(index, { type: 'text_delta', text: block['text'] }),
            closes(index),
          ]
        : [
            opens(index, { ...block, input: {} }),
            ...[...JSON.stringify(block['input'])].map((partial_json) =>
              grows(index, { type: 'input_json_delta', partial_json }),
            ),
            closes(index),
          ],
    );
    const { deltas, choices } = streamed([start(), ...events, ...ends(stop_reason)], asked);
    expect(deltas.map(({ content: text }) => text ?? '').join('')).toBe(expected['content']);
    expect(choices.at(-1)?.finish_reason).toBe(finish);
  });
});
