import { foldPieces as foldOne } from '../../../../test/support/fold-pieces.js';
import { piecesOf } from '../../../../test/support/pieces.js';
import type { ChatChoice, ChatCompletionChunk } from '../../../domain/chat.js';
import type { ChatFrame } from '../../../domain/chat-frame.js';
import { GatewayError } from '../../../domain/errors.js';
import type { TurnState } from '../../../domain/turn-state.js';
import type { AnswerFacts, Asked } from '../../protocol.js';
import { geminiGenerateContent } from '../index.js';

const protocol = geminiGenerateContent({ host: 'gemini' });
const factsOf = (asked: Asked = {}): AnswerFacts => ({
  id: 'chatcmpl-1',
  created: 1_700_000_000,
  model: 'asked-for',
  asked,
});

const candidate = (parts: readonly object[], more: object = {}) => ({
  content: { role: 'model', parts },
  index: 0,
  ...more,
});
const USAGE = {
  promptTokenCount: 5,
  candidatesTokenCount: 2,
  thoughtsTokenCount: 3,
  toolUsePromptTokenCount: 1,
  cachedContentTokenCount: 4,
};
const answerOf = (candidates: readonly object[], more: object = {}) => ({
  candidates,
  usageMetadata: USAGE,
  modelVersion: 'gemini-x',
  ...more,
});
const ended = (parts: readonly object[], more: object = {}) =>
  answerOf([candidate(parts, { finishReason: 'STOP', ...more })]);

const whole = (body: unknown, asked?: Asked) => protocol.response(Buffer.from(JSON.stringify(body)), factsOf(asked));
const spoken = (body: unknown, asked?: Asked) => {
  const [choice] = whole(body, asked).choices;
  if (choice === undefined) throw new Error('There is no choice.');
  return choice;
};

interface Streamed {
  readonly chunks: readonly ChatCompletionChunk[];
  readonly error: unknown;
  readonly kept: readonly TurnState[];
}

function streamed(
  wire: string,
  { asked, size = Infinity, usage = false }: { asked?: Asked; size?: number; usage?: boolean } = {},
): Streamed {
  const decoder = protocol.stream(factsOf(asked), usage);
  let text = '';
  const emit = ({ bytes }: ChatFrame) => (text += Buffer.from(bytes).toString());
  let error: unknown;
  try {
    for (const piece of piecesOf(Buffer.from(wire), size)) decoder.next(piece, emit);
    decoder.end(emit);
  } catch (caught) {
    error = caught;
  }
  const chunks = text
    .split('\n\n')
    .slice(0, -1)
    .map((event) => JSON.parse(event.slice(6)) as ChatCompletionChunk);
  return { chunks, error, kept: decoder.kept ?? [] };
}

/** The choices that a client puts together from a stream. */
function foldPieces(chunks: readonly ChatCompletionChunk[]): readonly ChatChoice[] {
  const told = chunks.flatMap(({ choices }) => choices);
  const indexes = [...new Set(told.map(({ index }) => index))].sort((a, b) => a - b);
  return indexes.map((index) => {
    const pieces = told
      .filter((choice) => choice.index === index)
      .map(({ delta: { role: _role, ...delta }, finish_reason: finish }) => ({
        index,
        delta,
        ...(finish !== null && { finish }),
      }));
    return { ...foldOne(pieces), index };
  });
}

const events = (...bodies: readonly unknown[]) =>
  bodies.map((body) => `data: ${JSON.stringify(body)}\r\n\r\n`).join('');
const WAV = Buffer.from('sound').toString('base64');
const call = (name: string, args?: object, id?: string) => ({
  functionCall: { name, ...(args && { args }), ...(id && { id }) },
});

/** Answers of all kinds, each as its parts. */
const ANSWERS: readonly (readonly [string, readonly object[], object, Partial<Record<string, unknown>>, string])[] = [
  ['a text', [{ text: 'Hé' }, { text: 'llo' }], {}, { content: 'Héllo' }, 'stop'],
  [
    'thoughts, signed and apart',
    [
      { text: 'Hm', thought: true },
      { text: ', yes', thought: true },
      { text: 'Yes', thoughtSignature: 'sig' },
    ],
    {},
    {
      content: 'Yes',
      reasoning_content: 'Hm, yes',
      extra_content: { google: { thought_signature: 'sig' } },
      reasoning_details: [{ type: 'reasoning.encrypted', data: 'sig', format: 'google-gemini-v1' }],
    },
    'stop',
  ],
  [
    'a signature of its thoughts, which is not that of its text',
    [{ text: 'Hm', thought: true, thoughtSignature: 'sig' }, { text: 'Yes' }],
    {},
    {
      content: 'Yes',
      reasoning_content: 'Hm',
      reasoning_details: [{ type: 'reasoning.text', text: 'Hm', signature: 'sig', format: 'google-gemini-v1' }],
    },
    'stop',
  ],
  [
    'a signature alone',
    [{ text: 'Yes' }, { text: '', thoughtSignature: 'sig' }],
    {},
    { content: 'Yes', extra_content: { google: { thought_signature: 'sig' } } },
    'stop',
  ],
  [
    'calls',
    [{ ...call('f', { é: 1 }, 'id1'), thoughtSignature: 's1' }, call('g')],
    {},
    {
      tool_calls: [
        {
          id: 'id1',
          type: 'function',
          function: { name: 'f', arguments: '{"é":1}' },
          extra_content: { google: { thought_signature: 's1' } },
        },
        {
          id: expect.stringMatching(/^call_[0-9a-f]{24}$/),
          type: 'function',
          function: { name: 'g', arguments: '{}' },
        },
      ],
    },
    'tool_calls',
  ],
  [
    'calls with arguments that are no object yet',
    [{ functionCall: { name: 'f', args: '{"a": 1}' } }, { functionCall: { name: 'f', args: [1] } }],
    {},
    { tool_calls: [{ function: { arguments: '{"a": 1}' } }, { function: { arguments: '[1]' } }] },
    'tool_calls',
  ],
  [
    'two calls of one id',
    [call('f', {}, 'x'), call('f', {}, 'x')],
    {},
    {
      tool_calls: [
        { id: 'x' },
        { id: expect.stringMatching(/^call_/), extra_content: { google: { function_call_id: 'x' } } },
      ],
    },
    'tool_calls',
  ],
  [
    'a call of a long id',
    [call('f', {}, 'y'.repeat(60))],
    {},
    { tool_calls: [{ id: expect.stringMatching(/^call_.{24}$/) }] },
    'tool_calls',
  ],
  [
    'a picture',
    [{ inlineData: { mimeType: 'image/png', data: 'AA' }, thoughtSignature: 's' }],
    {},
    {
      images: [
        {
          type: 'image_url',
          image_url: { url: 'data:image/png;base64,AA' },
          extra_content: { google: { thought_signature: 's' } },
        },
      ],
    },
    'stop',
  ],
  [
    'sound',
    [{ inlineData: { mimeType: 'audio/L16;rate=24000', data: WAV } }],
    {},
    { audio: { data: WAV, transcript: '' } },
    'stop',
  ],
  [
    'code that Google ran',
    [{ executableCode: { code: '1' } }, { codeExecutionResult: { output: '1' } }, { text: 'One' }],
    {},
    {
      content: 'One',
      google_parts: [{ executableCode: { code: '1' } }, { codeExecutionResult: { output: '1' } }],
    },
    'stop',
  ],
  [
    'sources',
    [{ text: 'é🦙 is' }, { text: ' so' }],
    {
      groundingMetadata: {
        groundingChunks: [{ web: { uri: 'https://a', title: 'A' } }, { web: { uri: 'https://b' } }],
        groundingSupports: [
          { segment: { startIndex: 7, endIndex: 12, text: 'is so' }, groundingChunkIndices: [0, 1, 9] },
          { segment: { startIndex: 99, text: 'so' }, groundingChunkIndices: [0] },
          null,
        ],
      },
    },
    {
      annotations: [
        { type: 'url_citation', url_citation: { start_index: 4, end_index: 9, url: 'https://a', title: 'A' } },
        { type: 'url_citation', url_citation: { start_index: 4, end_index: 9, url: 'https://b', title: 'https://b' } },
        { type: 'url_citation', url_citation: { start_index: 7, end_index: 9, url: 'https://a', title: 'A' } },
      ],
    },
    'stop',
  ],
  [
    'half an answer',
    [{ text: 'Ye' }],
    { finishReason: 'MAX_TOKENS', continuationToken: 't' },
    { content: 'Ye', extra_content: { google: { continuation_token: 't' } } },
    'length',
  ],
  ['an answer that goes on elsewhere', [{ text: 'Ye' }], { finishReason: 'CONTINUATION' }, { content: 'Ye' }, 'length'],
  [
    'only thoughts',
    [{ text: 'Hm', thought: true }],
    { finishReason: 'MAX_TOKENS' },
    { reasoning_content: 'Hm', content: '' },
    'length',
  ],
  ['nothing, filtered', [], { finishReason: 'SAFETY' }, { content: '' }, 'content_filter'],
  [
    'nothing, filtered in words',
    [],
    { finishReason: 'OTHER', finishMessage: 'Blocked by policy' },
    { content: '' },
    'content_filter',
  ],
  ['nothing at all', [], {}, { content: '' }, 'stop'],
  [
    'an answer with a bad call',
    [{ text: 'Well' }],
    { finishReason: 'MALFORMED_FUNCTION_CALL' },
    { content: 'Well' },
    'stop',
  ],
  ['an answer without a word for its end', [{ text: 'Well' }], { finishReason: 'OTHER' }, { content: 'Well' }, 'stop'],
  [
    'parts of no known kind',
    [{ text: 'A' }, null as unknown as object, 7 as unknown as object, { functionCall: 'x', text: null }],
    {},
    { content: 'A' },
    'stop',
  ],
];

describe('an answer of Gemini', () => {
  it.each(ANSWERS)('with %s', (_, parts, more, message, reason) => {
    const choice = spoken(ended(parts, more));
    expect(choice).toMatchObject({
      index: 0,
      message: { role: 'assistant', refusal: null, ...message },
      finish_reason: reason,
    });
  });

  it.each(ANSWERS)('says the same as a stream: %s', (_, parts, more) => {
    const wire = events(...parts.map((part) => answerOf([candidate([part])])), ended([], more));
    const { message, finish_reason: reason } = spoken(ended(parts, more));
    for (const size of [1, 7, Infinity]) {
      const { chunks, error } = streamed(wire, { size });
      const [choice] = foldPieces(chunks);
      // A stream has an empty text where a whole answer has none.
      const told = {
        ...choice?.message,
        content: choice?.message.content === '' && message.content === null ? null : choice?.message.content,
      };
      expect({ told, reason: choice?.finish_reason, error }).toEqual({ told: message, reason, error: undefined });
      expect(chunks.map(({ model, id }) => `${model} ${id}`)).toEqual(chunks.map(() => 'gemini-x chatcmpl-1'));
    }
  });

  it('counts as OpenAI does', () => {
    const counted = {
      ...USAGE,
      promptTokensDetails: [{ modality: 'AUDIO', tokenCount: 2 }, { modality: 'TEXT' }],
      candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1 }],
    };
    const usage = {
      prompt_tokens: 6,
      completion_tokens: 5,
      total_tokens: 11,
      prompt_tokens_details: { cached_tokens: 4, audio_tokens: 2 },
      completion_tokens_details: { reasoning_tokens: 3, audio_tokens: 0, image_tokens: 1 },
    };
    expect(whole({ ...ended([{ text: 'A' }]), usageMetadata: counted }).usage).toEqual(usage);
    const wire = events(
      { ...answerOf([candidate([{ text: 'A' }])]), usageMetadata: { promptTokenCount: 1 } },
      ended([]),
      { usageMetadata: counted },
    );
    expect(streamed(wire, { usage: true }).chunks.at(-1)).toMatchObject({ choices: [], usage });
    for (const nothing of [null, 7, { trafficType: 'ON_DEMAND' }, { promptTokenCount: '5' }])
      expect(whole({ ...ended([{ text: 'A' }]), usageMetadata: nothing }).usage).toBeUndefined();
  });

  it('has as many choices as candidates, each with its end', () => {
    const two = [
      candidate([{ text: 'A' }, call('f')], { finishReason: 'STOP' }),
      candidate([{ text: 'B' }], { index: 1, finishReason: 'MAX_TOKENS' }),
    ];
    expect(whole(answerOf(two)).choices).toMatchObject([
      { index: 0, finish_reason: 'tool_calls' },
      { index: 1, message: { content: 'B' }, finish_reason: 'length' },
    ]);
    const { chunks } = streamed(events(...two.map((each) => answerOf([each]))));
    expect(foldPieces(chunks)).toMatchObject([
      { message: { content: 'A' } },
      { message: { content: 'B' }, finish_reason: 'length' },
    ]);
    expect(streamed(events(answerOf([two[0] ?? {}, candidate([{ text: 'B' }], { index: 1 })]))).error).toMatchObject({
      code: 'stream_truncated',
    });
  });

  it('tells the odds of its tokens', () => {
    const logprobsResult = {
      chosenCandidates: [{ token: 'é', logProbability: -0.5 }],
      topCandidates: [{ candidates: [{ token: 'é', logProbability: -0.5 }] }],
    };
    const token = { token: 'é', logprob: -0.5, bytes: [195, 169] };
    const logprobs = { content: [{ ...token, top_logprobs: [token] }], refusal: null };
    expect(spoken(ended([{ text: 'é' }], { logprobsResult })).logprobs).toEqual(logprobs);
    expect(
      streamed(events(ended([{ text: 'é' }], { logprobsResult }))).chunks.flatMap(({ choices }) =>
        choices.map((choice) => choice['logprobs']),
      ),
    ).toContainEqual(logprobs);
  });

  it('takes the call of the tool that stands for the answer as the answer', () => {
    const asked = { jsonTool: 'json', toolNames: new Map([['_1', '1']]) };
    const answer = [{ text: 'Here: ' }, call('json', { a: 1 }), call('json', { a: 2 })];
    expect(spoken(ended(answer), asked)).toMatchObject({ message: { content: '{"a":1}' }, finish_reason: 'stop' });
    expect(foldPieces(streamed(events(ended(answer)), { asked }).chunks)).toMatchObject([
      { message: { content: '{"a":1}' }, finish_reason: 'stop' },
    ]);
    const other = spoken(ended([{ text: 'First: ' }, call('_1')]), asked);
    expect(other).toMatchObject({
      message: { content: 'First: ', tool_calls: [{ function: { name: '1' } }] },
      finish_reason: 'tool_calls',
    });
    expect(() =>
      spoken(ended([call('json', { a: 'x' })]), {
        ...asked,
        json: { schema: { properties: { a: { type: 'number' } } } },
      }),
    ).toThrow(expect.objectContaining({ status: 502 }));
  });

  it('has what the next turn needs kept', () => {
    const body = ended([{ ...call('f', {}, 'id1'), thoughtSignature: 's' }, call('g', {}, 'y'.repeat(60)), call('h')]);
    const completion = whole(body);
    const kept = protocol.kept?.(completion) ?? [];
    expect(kept.map(({ value, format }) => [JSON.parse(value), format])).toEqual([
      [{ signature: 's', id: 'id1' }, 'google-gemini-v1'],
      [{ id: 'y'.repeat(60) }, 'google-gemini-v1'],
    ]);
    expect(kept.map(({ toolCallId }) => toolCallId)).toEqual(
      completion.choices[0]?.message.tool_calls?.slice(0, 2).map(({ id }) => id),
    );
    expect(streamed(events(body)).kept).toEqual(kept);
  });

  it('tells its tier and the id that Google gave it', () => {
    const body = { ...ended([{ text: 'A' }]), responseId: 'r', usageMetadata: { ...USAGE, serviceTier: 'standard' } };
    expect(whole(body)).toMatchObject({ service_tier: 'default', provider_response_id: 'r', model: 'gemini-x' });
    expect(whole({ ...body, modelVersion: null })).toMatchObject({ model: 'asked-for' });
  });

  it('is read as the list that it is without `alt=sse`', () => {
    const list = JSON.stringify([answerOf([candidate([{ text: 'Hé' }])]), ended([{ text: 'y' }])], undefined, 1);
    expect(whole(JSON.parse(list)).choices[0]?.message.content).toBe('Héy');
    for (const size of [1, 5, Infinity])
      expect(foldPieces(streamed(` \n${list}`, { size }).chunks)).toMatchObject([{ message: { content: 'Héy' } }]);
    expect(streamed(list.slice(0, -5)).error).toMatchObject({ code: 'stream_truncated' });
  });
});

describe('an answer of Gemini that fails', () => {
  const blocked = { promptFeedback: { blockReason: 'SAFETY', blockReasonMessage: 'No.' }, modelVersion: 'gemini-x' };

  it('for its prompt: an error, and in a stream a refusal', () => {
    expect(() => whole(blocked)).toThrow(
      expect.objectContaining({ status: 400, code: 'content_policy_violation', message: 'No.' }),
    );
    const { chunks, error } = streamed(events(blocked));
    expect(error).toBeUndefined();
    expect(foldPieces(chunks)).toMatchObject([{ message: { refusal: 'No.' }, finish_reason: 'content_filter' }]);
    expect(foldPieces(streamed(events(answerOf([candidate([{ text: 'A' }])]), blocked)).chunks)).toMatchObject([
      { message: { content: 'A' }, finish_reason: 'content_filter' },
    ]);
    expect(
      spoken({ ...ended([{ text: 'A' }]), promptFeedback: { blockReason: 'BLOCKED_REASON_UNSPECIFIED' } })
        .finish_reason,
    ).toBe('stop');
  });

  it.each<readonly [string, unknown, object]>([
    ['no candidates', { candidates: [] }, { status: 502, code: 'empty_response' }],
    [
      'a bad call alone',
      ended([], { finishReason: 'MALFORMED_FUNCTION_CALL', finishMessage: 'x' }),
      { status: 502, code: 'upstream_malformed_response' },
    ],
    ['nothing, for no reason', ended([], { finishReason: 'OTHER' }), { status: 502, code: 'empty_response' }],
    ['an error', { error: { code: 503, message: 'overloaded' } }, { status: 503 }],
    ['an error by its name', [{ error: { status: 'RESOURCE_EXHAUSTED', message: 'No' } }], { status: 429 }],
    ['an error of a word', { error: 'No' }, { status: 502 }],
    ['a list of numbers', [1], { status: 502, code: 'invalid_upstream_answer' }],
    [
      'calls without end',
      ended(Array.from({ length: 100_000 }, () => call('f', {}, 'x'))),
      { status: 502, code: 'invalid_upstream_answer' },
    ],
    ['null', null, { status: 502, code: 'invalid_upstream_answer' }],
  ])('with %s', (_, body, error) => {
    expect(() => whole(body)).toThrow(expect.objectContaining(error));
  });

  it.each<readonly [string, string, object]>([
    ['an error first', events({ error: { code: 503, message: 'overloaded' } }), { status: 503 }],
    ['an error in a list', events([{ error: { code: 400, message: 'No' } }]), { status: 400 }],
    ['a list of one error', '[{"error":{"code":429,"message":"No"}}]', { status: 429 }],
    [
      'a bad call alone',
      events(ended([], { finishReason: 'MALFORMED_FUNCTION_CALL' })),
      { code: 'upstream_malformed_response' },
    ],
    ['no end', events(answerOf([])), { code: 'stream_truncated' }],
    ['nothing', '', { code: 'stream_truncated' }],
  ])('before it began, as a stream with %s', (_, wire, error) => {
    expect(streamed(wire)).toMatchObject({ chunks: [], error });
  });

  it.each<readonly [string, string, object]>([
    ['no end', '', { code: 'stream_truncated' }],
    [
      'an end that is none',
      events(ended([], { finishReason: 'FINISH_REASON_UNSPECIFIED' })),
      { code: 'stream_truncated' },
    ],
    ['an error', events({ error: { message: 'No', status: 'INTERNAL' } }), { status: 500 }],
    ['half an event', 'data: {"cand', { code: 'stream_truncated' }],
  ])('after it began: %s', (_, rest, error) => {
    const { chunks, error: caught } = streamed(events(answerOf([candidate([{ text: 'A' }])])) + rest);
    expect(caught).toMatchObject(error);
    expect(foldPieces(chunks)).toMatchObject([{ message: { content: 'A' } }]);
    expect(chunks.flatMap(({ choices }) => choices).every(({ finish_reason: reason }) => reason === null)).toBe(true);
  });

  it('without a fault of ours, whatever came', () => {
    const strange = [7, 'x', null, [], {}, [null], { parts: 7 }, { parts: [{ functionCall: { name: 7, args: [] } }] }];
    for (const value of strange)
      for (const body of [
        { candidates: value },
        {
          candidates: [
            {
              content: value,
              finishReason: 'STOP',
              groundingMetadata: value,
              citationMetadata: value,
              logprobsResult: value,
            },
          ],
        },
        {
          candidates: [{ content: { parts: value }, finishReason: value, index: value }],
          promptFeedback: value,
          usageMetadata: value,
          error: value === 'x' ? value : null,
        },
      ])
        for (const read of [
          () => whole(body),
          () => {
            const { error } = streamed(events(body));
            if (error instanceof Error) throw error;
          },
        ])
          try {
            read();
          } catch (error) {
            expect(error).toBeInstanceOf(GatewayError);
          }
  });
});

it('tells what was seen and heard of the prompt, and what of it came from the cache', () => {
  const details = (audio: number, image: number) => [
    { modality: 'TEXT', tokenCount: 9 },
    { modality: 'AUDIO', tokenCount: audio },
    { modality: 'IMAGE', tokenCount: image },
  ];
  const usageMetadata = {
    ...{ promptTokenCount: 300, candidatesTokenCount: 5, cachedContentTokenCount: 109 },
    ...{ promptTokensDetails: details(200, 91), cacheTokensDetails: details(100, 0) },
  };
  expect(whole({ ...ended([{ text: 'a' }]), usageMetadata }).usage).toMatchObject({
    prompt_tokens: 300,
    prompt_tokens_details: {
      ...{ cached_tokens: 109, audio_tokens: 200, image_tokens: 91 },
      cached_tokens_details: { audio_tokens: 100 },
    },
  });
  const textAlone = { ...usageMetadata, cacheTokensDetails: [{ modality: 'TEXT', tokenCount: 109 }] };
  expect(
    whole({ ...ended([{ text: 'a' }]), usageMetadata: textAlone }).usage?.prompt_tokens_details,
  ).not.toHaveProperty('cached_tokens_details');
});
