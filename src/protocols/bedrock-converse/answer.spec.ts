import type { ChatChoice } from '../../domain/chat.js';
import { TruncatedStreamError, UpstreamError } from '../../domain/errors.js';
import { foldPieces, piecesOfStream } from '../../../test/support/fold-pieces.js';
import { piecesOf } from '../../../test/support/pieces.js';
import type { AwsEvent } from '../framing/aws-event-stream.js';
import type { AnswerFacts, Asked } from '../protocol.js';
import { ConverseFraming } from './answer-framing.js';
import { turnStatesIn } from '../claude/thinking-state.js';
import { converseCompletion } from './response.js';
import { converseStream } from './stream.js';

const facts = (asked: Asked = {}): AnswerFacts => ({ id: 'chatcmpl-1', created: 1, model: 'asked-for', asked });
const CLAUDE: Asked = { stateFormat: 'anthropic-claude-v1' };

const body = (content: unknown, more: object = {}): Buffer =>
  Buffer.from(JSON.stringify({ output: { message: { role: 'assistant', content } }, stopReason: 'end_turn', ...more }));
const event = (type: string, data: Readonly<Record<string, unknown>> = {}): AwsEvent => ({ kind: 'event', type, data });
const base64 = (text: string): string => Buffer.from(text).toString('base64');

interface WireBlock {
  readonly text?: string;
  readonly toolUse?: {
    readonly toolUseId?: string;
    readonly name?: string;
    readonly type?: string;
    readonly input?: object;
  };
  readonly citationsContent?: {
    readonly citations: readonly object[];
    readonly content: readonly { readonly text: string }[];
  };
  readonly reasoningContent?: {
    readonly reasoningText?: { readonly text: string; readonly signature?: string };
    readonly redactedContent?: string;
  };
}
type Blocks = readonly WireBlock[];
/** What a choice says: its message's members, and its end. */
type Told = Readonly<Record<string, unknown>> & {
  readonly content: string | null;
  readonly finish: ChatChoice['finish_reason'];
};

/** The same answer as Converse streams it: texts in two halves, inputs in two, no beginning of any block but a tool's. */
function events(blocks: Blocks, stopReason: string): readonly AwsEvent[] {
  const parts = blocks.flatMap((block, contentBlockIndex) => {
    const at = (delta: object) => event('contentBlockDelta', { contentBlockIndex, delta });
    return [...blockEvents(block, at, contentBlockIndex), event('contentBlockStop', { contentBlockIndex })];
  });
  const usage = { inputTokens: 1, outputTokens: 2 };
  return [
    event('messageStart', { role: 'assistant' }),
    ...parts,
    event('messageStop', { stopReason }),
    event('metadata', { usage }),
  ];
}

const halves = (text: string): readonly string[] => [text.slice(0, 3), text.slice(3)];

function blockEvents(
  block: WireBlock,
  at: (delta: object) => AwsEvent,
  contentBlockIndex: number,
): readonly AwsEvent[] {
  if (block.text !== undefined) return halves(block.text).map((text) => at({ text }));
  if (block.toolUse !== undefined) {
    const { input = {}, ...toolUse } = block.toolUse;
    const pieces = Object.keys(input).length === 0 ? [] : halves(JSON.stringify(input));
    return [
      event('contentBlockStart', { contentBlockIndex, start: { toolUse } }),
      ...pieces.map((piece) => at({ toolUse: { input: piece } })),
    ];
  }
  if (block.citationsContent !== undefined) {
    const { citations, content } = block.citationsContent;
    return [...citations.map((citation: object) => at({ citation })), ...content.map(({ text }) => at({ text }))];
  }
  const { reasoningText, redactedContent } = block.reasoningContent ?? {};
  if (redactedContent !== undefined) {
    const bytes = Buffer.from(redactedContent, 'base64');
    return [bytes.subarray(0, 4), bytes.subarray(4)].map((piece) =>
      at({ reasoningContent: { redactedContent: piece.toString('base64') } }),
    );
  }
  const { text, signature } = reasoningText ?? { text: '' };
  return [
    ...halves(text).map((piece) => at({ reasoningContent: { text: piece } })),
    ...(signature ? [at({ reasoningContent: { signature } })] : []),
  ];
}

const text = (words: string) => ({ text: words });
const call = (name: string, input: object, id = `tooluse_${name}`) => ({ toolUse: { toolUseId: id, name, input } });
const signed = { reasoningContent: { reasoningText: { text: 'hmm…', signature: 'sig' } } };
const redacted = { reasoningContent: { redactedContent: base64('secret thought') } };
const web = { location: { web: { url: 'https://a.example' } }, title: 'A', sourceContent: [{ text: 'a' }] };
const page = { location: { documentChar: { documentIndex: 0, start: 0, end: 5 } }, title: 'facts' };

type Case = readonly [name: string, blocks: Blocks, stop: string, asked: Asked, choice: Told];

const CASES: readonly Case[] = [
  ['text', [text('Hello'), text(' you')], 'end_turn', {}, { content: 'Hello you', finish: 'stop' }],
  ['nothing', [], 'end_turn', {}, { content: '', finish: 'stop' }],
  ['a stop sequence', [text('Hello')], 'stop_sequence', {}, { content: 'Hello', finish: 'stop' }],
  ['the limit', [text('Hello')], 'max_tokens', {}, { content: 'Hello', finish: 'length' }],
  ['a full window', [text('Hello')], 'model_context_window_exceeded', {}, { content: 'Hello', finish: 'length' }],
  ['a guardrail', [text('No.')], 'guardrail_intervened', {}, { content: 'No.', finish: 'content_filter' }],
  ['a filter', [text('No.')], 'content_filtered', {}, { content: 'No.', finish: 'content_filter' }],
  ['a refusal', [text('No.')], 'refusal', {}, { content: 'No.', finish: 'content_filter' }],
  ['a word nobody knows', [text('Hello')], 'tired', {}, { content: 'Hello', finish: 'stop' }],
  ['half an answer', [text('Hello')], 'malformed_tool_use', {}, { content: 'Hello', finish: 'stop' }],
  [
    'two calls after text',
    [text('Look:'), call('a', { x: 1 }), call('b', {})],
    'tool_use',
    {},
    {
      content: 'Look:',
      finish: 'tool_calls',
      tool_calls: [
        { id: 'tooluse_a', type: 'function', function: { name: 'a', arguments: '{"x":1}' } },
        { id: 'tooluse_b', type: 'function', function: { name: 'b', arguments: '{}' } },
      ],
    },
  ],
  [
    'a call that the provider calls an end',
    [call('a', { x: 1 })],
    'end_turn',
    { toolNames: new Map([['a', 'client.a']]) },
    {
      content: null,
      finish: 'tool_calls',
      tool_calls: [{ id: 'tooluse_a', type: 'function', function: { name: 'client.a', arguments: '{"x":1}' } }],
    },
  ],
  [
    'a call cut by the limit',
    [call('a', { x: 1 })],
    'max_tokens',
    {},
    {
      content: null,
      finish: 'length',
      tool_calls: [{ id: 'tooluse_a', type: 'function', function: { name: 'a', arguments: '{"x":1}' } }],
    },
  ],
  [
    'a tool that runs at the provider',
    [{ toolUse: { ...call('code', { x: 1 }).toolUse, type: 'server_tool_use' } }, text('Done.')],
    'end_turn',
    {},
    { content: 'Done.', finish: 'stop' },
  ],
  [
    'JSON asked for through a tool',
    [text('Here you are:'), call('json', { city: 'Paris' })],
    'tool_use',
    { jsonTool: 'json' },
    { content: '{"city":"Paris"}', finish: 'stop' },
  ],
  [
    'no JSON, though asked for',
    [text('I will not.')],
    'refusal',
    { jsonTool: 'json' },
    { content: 'I will not.', finish: 'content_filter' },
  ],
  [
    'signed and hidden thinking of Claude',
    [signed, redacted, text('So.')],
    'end_turn',
    CLAUDE,
    {
      content: 'So.',
      finish: 'stop',
      reasoning_content: 'hmm…',
      reasoning_details: [
        { type: 'reasoning.text', text: 'hmm…', signature: 'sig', format: 'anthropic-claude-v1', index: 0 },
        { type: 'reasoning.encrypted', data: 'secret thought', format: 'anthropic-claude-v1', index: 1 },
      ],
    },
  ],
  [
    'thinking of others',
    [{ reasoningContent: { reasoningText: { text: 'open' } } }, redacted, text('So.')],
    'end_turn',
    { stateFormat: 'bedrock-converse-v1' },
    {
      content: 'So.',
      finish: 'stop',
      reasoning_content: 'open',
      reasoning_details: [
        { type: 'reasoning.encrypted', data: base64('secret thought'), format: 'bedrock-converse-v1', index: 0 },
      ],
    },
  ],
  [
    'sources',
    [text('See '), { citationsContent: { citations: [web, page], content: [text('this')] } }],
    'end_turn',
    {},
    {
      content: 'See this',
      finish: 'stop',
      annotations: [
        {
          type: 'url_citation',
          index: 0,
          url_citation: { url: 'https://a.example', title: 'A', start_index: 4, end_index: 8 },
        },
      ],
      citations: [{ ...page, index: 1 }],
    },
  ],
];

const choiceOf = ({ finish, ...message }: Told, native: string): ChatChoice => ({
  index: 0,
  message: { role: 'assistant', refusal: null, ...message },
  finish_reason: finish,
  logprobs: null,
  ...(native !== finish && { native_finish_reason: native }),
});

describe('an answer of Converse', () => {
  it.each(CASES)('%s', (_name, blocks, stop, asked, said) => {
    const completion = converseCompletion(body(blocks, { stopReason: stop }), facts(asked));
    expect(completion.choices).toEqual([choiceOf(said, stop)]);
  });

  it.each(CASES)('%s, streamed', (_name, blocks, stop, asked, said) => {
    const { pieces, state } = piecesOfStream(converseStream, events(blocks, stop), facts(asked));
    expect(foldPieces(pieces)).toEqual(choiceOf(said, stop));
    expect(converseStream.usage(state)).toMatchObject({ total_tokens: 3 });
    expect(converseStream.isComplete(state) && converseStream.isOver(state)).toBe(true);
  });

  it.each(CASES)('%s, whole where a stream was asked for', (_name, blocks, stop, asked, said) => {
    const usage = { inputTokens: 1, outputTokens: 2 };
    const bytes = body(blocks, { stopReason: stop, usage });
    const told = (size: number) => {
      const framing = new ConverseFraming();
      const begun = piecesOf(bytes, size).flatMap((piece) => [...framing.take(piece)]);
      return piecesOfStream(converseStream, [...begun, ...framing.rest()], facts(asked));
    };
    expect(foldPieces(told(7).pieces)).toEqual(choiceOf(said, stop));
    expect(converseStream.usage(told(bytes.length).state)).toMatchObject({ total_tokens: 3 });
  });

  it.each([
    ['half of it', '{"output":', TruncatedStreamError],
    ['a failure', '{"message":"no"}', UpstreamError],
  ])('whole where a stream was asked for is no answer if it is %s', (_what, text, failure) => {
    const framing = new ConverseFraming();
    expect([...framing.take(Buffer.from(text))]).toEqual([]);
    expect(() => framing.rest()).toThrow(failure);
  });

  it('counts as OpenAI counts', () => {
    const usage = {
      inputTokens: 5,
      outputTokens: 7,
      cacheReadInputTokens: 11,
      cacheWriteInputTokens: 13,
      totalTokens: 12,
      cacheDetails: [{ ttl: '1h', inputTokens: 10 }, { ttl: '5m', inputTokens: 3 }, { ttl: '1h' }, null],
    };
    expect(converseCompletion(body([], { usage, serviceTier: { type: 'flex' } }), facts())).toMatchObject({
      id: 'chatcmpl-1',
      model: 'asked-for',
      service_tier: 'flex',
      usage: {
        prompt_tokens: 29,
        completion_tokens: 7,
        total_tokens: 36,
        prompt_tokens_details: { cached_tokens: 11, cache_write_tokens: 13 },
        cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 10 },
      },
    });
    expect(converseCompletion(body([]), facts()).usage).toBeUndefined();
  });

  const KEPT = [
    { type: 'thinking', thinking: 'hmm…', signature: 'sig' },
    { type: 'redacted_thinking', data: 'secret thought' },
  ];
  it('keeps signed thinking for the turn after a call, and for no other', () => {
    const blocks = [signed, redacted, call('a', {}), call('b', {})];
    const kept = [{ toolCallId: 'tooluse_a', format: 'anthropic-claude-v1', value: JSON.stringify(KEPT) }];
    expect(turnStatesIn(converseCompletion(body(blocks), facts(CLAUDE)))).toEqual(kept);
    const { state } = piecesOfStream(converseStream, events(blocks, 'tool_use'), facts(CLAUDE));
    expect(converseStream.kept?.(state)).toEqual(kept);
    expect(turnStatesIn(converseCompletion(body([signed, text('x')]), facts(CLAUDE)))).toEqual([]);
    expect(turnStatesIn(converseCompletion(body([call('a', {})]), facts(CLAUDE)))).toEqual([]);
  });

  it('gives every call an id of its own that is short enough', () => {
    const blocks = [
      call('a', {}, 'x'.repeat(60)),
      call('b', {}, 'same'),
      call('c', {}, 'same'),
      { toolUse: { name: 'd' } },
    ];
    const [choice] = converseCompletion(body(blocks), facts()).choices;
    const ids = choice?.message.tool_calls?.map(({ id }) => id) ?? [];
    expect(new Set(ids).size).toBe(4);
    expect(ids.every((id) => id.length > 0 && id.length <= 40)).toBe(true);
  });

  it('says nothing of the end before it is known, and waits for the counts', () => {
    const [start, delta] = [
      event('messageStart'),
      event('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'x' } }),
    ];
    const open = piecesOfStream(converseStream, [start, delta], facts());
    expect(converseStream.isComplete(open.state)).toBe(false);
    const ended = piecesOfStream(
      converseStream,
      [start, delta, event('messageStop', { stopReason: 'end_turn' })],
      facts(),
    );
    expect(converseStream.isComplete(ended.state)).toBe(true);
    expect(converseStream.isOver(ended.state)).toBe(false);
  });

  it('takes arguments that come as a value, and an end without a word', () => {
    const stream = [
      event('contentBlockStart', { contentBlockIndex: 0, start: { toolUse: { toolUseId: 't', name: 'a' } } }),
      event('contentBlockDelta', { contentBlockIndex: 0, delta: { toolUse: { input: { x: 1 } } } }),
      event('messageStop', { stopReason: null }),
    ];
    const { pieces } = piecesOfStream(converseStream, stream, facts());
    expect(foldPieces(pieces).message.tool_calls?.[0]?.function?.arguments).toBe('{"x":1}');
    expect(pieces.at(-1)).toEqual({ index: 0, delta: {}, finish: 'tool_calls' });
  });

  it('closes blocks that the provider has left open, and takes what it does not know for nothing', () => {
    const stream = [
      event('somethingNew', { x: 1 }),
      event('contentBlockStart', { contentBlockIndex: 0, start: { toolUse: { toolUseId: 't', name: 'a' } } }),
      event('contentBlockDelta', { contentBlockIndex: 7, delta: { toolUse: { input: '{}' } } }),
      event('contentBlockDelta', { contentBlockIndex: 8, delta: { video: {} } }),
      event('contentBlockStop', { contentBlockIndex: 9 }),
      event('messageStop', { stopReason: 'tool_use' }),
    ];
    const { pieces } = piecesOfStream(converseStream, stream, facts());
    expect(foldPieces(pieces).message.tool_calls).toEqual([
      { id: 't', type: 'function', function: { name: 'a', arguments: '{}' } },
    ]);
  });

  const deep = JSON.parse(`${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}`) as object;
  it.each([
    ['no JSON', Buffer.from('<html>')],
    ['a list', Buffer.from('[]')],
    ['no message', Buffer.from('{"output":{"message":null}}')],
    ['no content', Buffer.from('{"output":{"message":{"content":"x"}}}')],
    ['nothing, as the model failed', body([], { stopReason: 'malformed_model_output' })],
    ['arguments without a floor', body([call('a', deep)])],
  ])('refuses %s', (_what, bytes) => {
    expect(() => converseCompletion(bytes, facts())).toThrow(UpstreamError);
  });

  it('fails where the model failed before it said anything, in a stream too', () => {
    const stream = [event('messageStart'), event('messageStop', { stopReason: 'malformed_model_output' })];
    expect(() => piecesOfStream(converseStream, stream, facts())).toThrow(UpstreamError);
  });

  it.each([
    null,
    1,
    'x',
    [],
    { text: 1 },
    { toolUse: 'x' },
    { toolUse: {} },
    { reasoningContent: null },
    { reasoningContent: { reasoningText: 3, redactedContent: {} } },
    { citationsContent: { content: 'x', citations: [null, 3, { location: 4 }] } },
  ])('reads %j as nothing much', (block) => {
    expect(
      converseCompletion(body([block], { usage: 'many', serviceTier: 3, trace: 1 }), facts()).choices,
    ).toHaveLength(1);
    const start = event('contentBlockStart', { contentBlockIndex: 'x', start: block });
    const delta = event('contentBlockDelta', { contentBlockIndex: null, delta: block });
    const end = event('messageStop', { stopReason: 5 });
    expect(() =>
      piecesOfStream(converseStream, [start, delta, end, event('metadata', { usage: [] })], facts()),
    ).not.toThrow();
  });
});
