import fc from 'fast-check';
import { GatewayError } from '../../src/domain/errors.js';
import { anthropicMessages } from '../../src/protocols/anthropic-messages/index.js';
import { bedrockConverse } from '../../src/protocols/bedrock-converse/index.js';
import { geminiGenerateContent } from '../../src/protocols/gemini-generate-content/index.js';
import type { AnswerFacts, Asked, ChatProtocol, EmitFrame } from '../../src/protocols/protocol.js';
import { piecesOf } from '../support/pieces.js';
import { awsMessage } from '../support/aws-event.js';

/** What is written in place of something else: JSON text, as some of it no object of ours could hold. */
const SPLINTERS: readonly string[] = [
  'null',
  'true',
  '0',
  '-1',
  '1e9',
  '1e400',
  '-0.5',
  '9007199254740993',
  '""',
  '"x"',
  '"12"',
  '"__proto__"',
  '"\\ud800"',
  '"\\u0000"',
  '[]',
  '{}',
  '[null]',
  '[[]]',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"toString":1,"valueOf":1,"toJSON":1}',
  '{"length":1000000000}',
  '{"then":1}',
  `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
  `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
];

type Event = readonly [type: string, data: string];

interface Dialect {
  readonly protocol: ChatProtocol;
  readonly whole: string;
  readonly events: readonly Event[];
  readonly failures: readonly string[];
  readonly framed: (event: Event) => Buffer;
}

const sse = ([type, data]: Event): Buffer => Buffer.from(`event: ${type}\ndata: ${data}\n\n`);

function aws([type, data]: Event): Buffer {
  const kind = type.endsWith('Exception') ? 'exception' : 'event';
  return awsMessage({ ':message-type': kind, [`:${kind}-type`]: type }, data);
}

const DIALECTS: readonly (readonly [string, Dialect])[] = [
  [
    'Anthropic',
    {
      protocol: anthropicMessages(),
      framed: sse,
      whole: `{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[
        {"type":"thinking","thinking":"Hm","signature":"c2ln"},{"type":"redacted_thinking","data":"c2ln"},
        {"type":"text","text":"Hi","citations":[{"type":"web_search_result_location","url":"https://a","title":"t"},{"type":"char_location","cited_text":"x"}]},
        {"type":"server_tool_use","id":"s","name":"web_search","input":{}},
        {"type":"tool_use","id":"toolu_1","name":"look","input":{"a":[1,{"b":2}]}},{"type":"tool_use","id":"toolu_2","name":"json","input":{}}],
        "stop_reason":"tool_use","stop_sequence":null,"stop_details":{"explanation":"no"},
        "usage":{"input_tokens":3,"output_tokens":5,"cache_read_input_tokens":1,"cache_creation_input_tokens":0,"cache_creation":{"ephemeral_5m_input_tokens":0},"output_tokens_details":{"thinking_tokens":1},"iterations":[{"type":"message","input_tokens":1},{"type":"message"}],"service_tier":"standard"}}`,
      events: [
        [
          'message_start',
          '{"type":"message_start","message":{"id":"msg_1","model":"claude-x","content":[],"usage":{"input_tokens":3,"output_tokens":1}}}',
        ],
        [
          'content_block_start',
          '{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}',
        ],
        [
          'content_block_delta',
          '{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm"}}',
        ],
        [
          'content_block_delta',
          '{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}',
        ],
        ['content_block_stop', '{"type":"content_block_stop","index":0}'],
        ['content_block_start', '{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}'],
        ['content_block_delta', '{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Hi"}}'],
        [
          'content_block_delta',
          '{"type":"content_block_delta","index":1,"delta":{"type":"citations_delta","citation":{"type":"char_location","cited_text":"x"}}}',
        ],
        ['content_block_stop', '{"type":"content_block_stop","index":1}'],
        [
          'content_block_start',
          '{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_1","name":"look","input":{}}}',
        ],
        [
          'content_block_delta',
          '{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\\"a\\":1}"}}',
        ],
        ['content_block_stop', '{"type":"content_block_stop","index":2}'],
        ['ping', '{"type":"ping"}'],
        [
          'message_delta',
          '{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_details":{"explanation":"x"}},"usage":{"output_tokens":5}}',
        ],
        ['message_stop', '{"type":"message_stop"}'],
        [
          'error',
          '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded","details":{"error_code":"x"}},"request_id":"r"}',
        ],
      ],
      failures: [
        '{"type":"error","error":{"type":"not_found_error","message":"model: claude-x","details":{"error_code":"x"}},"request_id":"r"}',
      ],
    },
  ],
  [
    'Gemini',
    {
      protocol: geminiGenerateContent({ host: 'gemini' }),
      framed: ([, data]) => Buffer.from(`data: ${data}\r\n\r\n`),
      whole: `{"candidates":[{"index":0,"content":{"role":"model","parts":[{"text":"Hm","thought":true,"thoughtSignature":"c2ln"},{"text":"Hi","thoughtSignature":"c2ln"},
        {"functionCall":{"id":"c1","name":"look","args":{"a":[1,{"b":2}]}},"thoughtSignature":"c2ln"},{"inlineData":{"mimeType":"image/png","data":"eA=="}},{"executableCode":{"language":"PYTHON","code":"1"}}]},
        "finishReason":"STOP","finishMessage":"m","continuationToken":"t",
        "groundingMetadata":{"groundingChunks":[{"web":{"uri":"https://a","title":"t"}}],"groundingSupports":[{"segment":{"startIndex":0,"endIndex":2,"text":"Hi"},"groundingChunkIndices":[0]}],"webSearchQueries":["q"]},
        "citationMetadata":{"citationSources":[{"startIndex":0,"endIndex":1,"uri":"https://a"}]},
        "logprobsResult":{"topCandidates":[{"candidates":[{"token":"Hi","logProbability":-0.1}]}],"chosenCandidates":[{"token":"Hi","logProbability":-0.1}]}}],
        "promptFeedback":{},"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2,"totalTokenCount":5,"cachedContentTokenCount":1,"thoughtsTokenCount":1,"toolUsePromptTokenCount":1,"promptTokensDetails":[{"modality":"AUDIO","tokenCount":1}],"serviceTier":"standard"},"modelVersion":"gemini-x","responseId":"r"}`,
      events: [
        [
          '',
          '{"candidates":[{"content":{"parts":[{"text":"Hm","thought":true}]}}],"usageMetadata":{"promptTokenCount":3},"modelVersion":"gemini-x","responseId":"r"}',
        ],
        [
          '',
          '{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"groundingMetadata":{"groundingChunks":[{"web":{"uri":"https://a"}}],"groundingSupports":[{"segment":{"endIndex":2},"groundingChunkIndices":[0]}]}}]}',
        ],
        [
          '',
          '{"candidates":[{"content":{"parts":[{"functionCall":{"name":"look","args":{"a":1},"id":"c"},"thoughtSignature":"c2ln"}]},"logprobsResult":{"chosenCandidates":[{"token":"x","logProbability":-1}]}}]}',
        ],
        [
          '',
          '{"candidates":[{"content":{"parts":[{"text":""}]},"finishReason":"STOP","citationMetadata":{"citationSources":[{"uri":"https://a"}]}}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2}}',
        ],
        ['', '{"promptFeedback":{"blockReason":"SAFETY","blockReasonMessage":"no"}}'],
        [
          '',
          '{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"quota","details":[{"reason":"x","violations":[{"quotaId":"PerDay"}]},{"retryDelay":"17s"}]}}',
        ],
      ],
      failures: [
        '{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"quota","details":[{"reason":"API_KEY_INVALID","violations":[{"quotaId":"PerDay"}]},{"retryDelay":"17s"}]}}',
        '[{"error":{"code":400,"status":"FAILED_PRECONDITION","message":"location"}}]',
      ],
    },
  ],
  [
    'Converse',
    {
      protocol: bedrockConverse,
      framed: aws,
      whole: `{"output":{"message":{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"Hm","signature":"c2ln"}}},{"reasoningContent":{"redactedContent":"c2ln"}},
        {"text":"Hi"},{"citationsContent":{"content":[{"text":"Yo"}],"citations":[{"title":"t","location":{"web":{"url":"https://a"}},"sourceContent":[{"text":"s"}]}]}},
        {"toolUse":{"toolUseId":"t1","name":"look","input":{"a":[1,{"b":2}]}}},{"toolUse":{"toolUseId":"t2","name":"json","input":{}}}]}},
        "stopReason":"tool_use","usage":{"inputTokens":3,"outputTokens":2,"totalTokens":5,"cacheReadInputTokens":1,"cacheWriteInputTokens":0},"metrics":{"latencyMs":1},"trace":{"guardrail":{}},"serviceTier":{"type":"default"}}`,
      events: [
        ['messageStart', '{"role":"assistant"}'],
        ['contentBlockDelta', '{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"Hm"}}}'],
        ['contentBlockDelta', '{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"c2ln"}}}'],
        ['contentBlockStop', '{"contentBlockIndex":0}'],
        ['contentBlockDelta', '{"contentBlockIndex":1,"delta":{"text":"Hi"}}'],
        [
          'contentBlockDelta',
          '{"contentBlockIndex":1,"delta":{"citation":{"title":"t","location":{"web":{"url":"https://a"}},"sourceContent":[{"text":"s"}]}}}',
        ],
        ['contentBlockStop', '{"contentBlockIndex":1}'],
        ['contentBlockStart', '{"contentBlockIndex":2,"start":{"toolUse":{"toolUseId":"t1","name":"look"}}}'],
        ['contentBlockDelta', '{"contentBlockIndex":2,"delta":{"toolUse":{"input":"{\\"a\\":1}"}}}'],
        ['contentBlockStop', '{"contentBlockIndex":2}'],
        ['messageStop', '{"stopReason":"tool_use"}'],
        ['metadata', '{"usage":{"inputTokens":3,"outputTokens":2,"totalTokens":5},"metrics":{"latencyMs":1}}'],
        ['throttlingException', '{"message":"slow down","originalStatusCode":429,"originalMessage":"x"}'],
      ],
      failures: [
        '{"__type":"ThrottlingException","message":"slow down"}',
        '{"Message":"m","code":"x","originalStatusCode":500}',
      ],
    },
  ],
];

const FACTS: AnswerFacts = { id: 'chatcmpl-1', created: 1_700_000_000, model: 'asked', asked: {} };

const ASKED: readonly Asked[] = [
  {},
  { jsonTool: 'json', json: { schema: { type: 'object' } }, toolNames: new Map([['look', 'Look!']]) },
];

type Path = readonly (string | number)[];

/** Where something stands in a value, itself included. */
function pathsIn(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return [path, ...keys.flatMap((key) => pathsIn((value as Record<string | number, unknown>)[key], [...path, key]))];
}

const PLACE = '@place@';

/** The text with something else in one of its places. */
function mutated(text: string, nth: number, splinter: string): string {
  const value: unknown = JSON.parse(text);
  const paths = pathsIn(value);
  const path = paths[nth % paths.length] ?? [];
  return JSON.stringify(replaced(value, path)).replace(`"${PLACE}"`, () => splinter);
}

function replaced(value: unknown, [key, ...rest]: Path): unknown {
  if (key === undefined) return PLACE;
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }) as Record<
    string | number,
    unknown
  >;
  copy[key] = replaced(copy[key], rest);
  return copy;
}

/** Our own words for whatever went wrong; anything else is a fault of ours. */
function orFailure<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}

function expectCompletion(protocol: ChatProtocol, body: string, asked: Asked): void {
  const completion = orFailure(() => protocol.response(Buffer.from(body), { ...FACTS, asked }));
  if (completion === undefined) return;
  expect(completion.choices.length).toBeGreaterThan(0);
  for (const { index, message, finish_reason: reason } of completion.choices) {
    expect([Number.isSafeInteger(index), message.role, typeof reason]).toEqual([true, 'assistant', 'string']);
    for (const call of message.tool_calls ?? [])
      expect([typeof call.id, typeof call.function?.name, typeof call.function?.arguments]).toEqual(
        Array(3).fill('string'),
      );
  }
  expectUsage(completion.usage);
  JSON.stringify(completion);
  protocol.kept?.(completion);
}

function expectChunks(protocol: ChatProtocol, bytes: Buffer, { asked, size }: { asked: Asked; size: number }): void {
  const decoder = protocol.stream({ ...FACTS, asked }, true);
  const sent: Uint8Array[] = [];
  const emit: EmitFrame = ({ bytes: some }) => sent.push(some);
  orFailure(() => {
    for (const piece of piecesOf(bytes, size)) decoder.next(piece, emit);
    decoder.end(emit);
  });
  void decoder.kept;
  const ended = new Set<number>();
  for (const event of Buffer.concat(sent).toString().split('\n\n').slice(0, -1)) {
    expect(event).toMatch(/^data: \{/);
    const chunk = JSON.parse(event.slice('data: '.length)) as Chunk;
    expectUsage(chunk.usage);
    for (const { index, delta, finish_reason: reason } of chunk.choices) {
      expect([Number.isSafeInteger(index), typeof delta, ended.has(index)]).toEqual([true, 'object', false]);
      if (reason !== null) ended.add(index);
    }
  }
}

interface Chunk {
  readonly choices: readonly {
    readonly index: number;
    readonly delta: object;
    readonly finish_reason: string | null;
  }[];
  readonly usage?: Readonly<Record<string, unknown>> | null;
}

function expectUsage(usage: Readonly<Record<string, unknown>> | null | undefined): void {
  for (const field of ['prompt_tokens', 'completion_tokens', 'total_tokens'])
    if (usage) expect([field, Number.isFinite(usage[field])]).toEqual([field, true]);
}

const OPTIONS = { seed: 20261123, numRuns: 400 };
const nth = fc.nat(10_000);
const splinter = fc.constantFrom(...SPLINTERS);
const asked = fc.constantFrom(...ASKED);

describe.each(DIALECTS)('whatever %s says', (_, { protocol, whole, events, failures, framed }) => {
  it('is an answer or a failure when it is whole', () => {
    fc.assert(
      fc.property(nth, splinter, asked, (at, other, how) => expectCompletion(protocol, mutated(whole, at, other), how)),
      OPTIONS,
    );
    expect(Object.prototype).not.toHaveProperty('polluted');
  });

  it('is chunks or a failure when it is streamed: changed, left out, said twice, in another order', () => {
    const said = fc.record({ at: fc.nat(events.length - 1), place: nth, other: fc.option(splinter, { freq: 2 }) });
    const inOrder = fc
      .tuple(fc.nat(events.length - 1), nth, splinter)
      .map(([at, place, other]) =>
        events.slice(0, -1).map((event, n) => changed(event, place, n === at ? other : null)),
      );
    const inDisorder = fc
      .array(said, { minLength: 1, maxLength: 30 })
      .map((picks) => picks.map(({ at, place, other }) => changed(events[at] ?? ['', '{}'], place, other)));
    fc.assert(
      fc.property(fc.oneof(inOrder, inDisorder), asked, fc.constantFrom(7, 4_096, Infinity), (stream, how, size) =>
        expectChunks(protocol, Buffer.concat(stream.map(framed)), { asked: how, size }),
      ),
      OPTIONS,
    );
    expect(Object.prototype).not.toHaveProperty('polluted');
  });

  it('is a failure with words and a status where it is one', () => {
    const bodies = fc.oneof(
      fc.tuple(fc.constantFrom(...failures), nth, splinter).map(([text, at, other]) => mutated(text, at, other)),
      splinter,
      fc.string(),
    );
    const headers = fc.dictionary(
      fc.constantFrom('retry-after', 'retry-after-ms', 'x-amzn-errortype', 'request-id', 'x-amzn-requestid'),
      fc.oneof(fc.string(), fc.array(fc.string()), fc.constantFrom('1e9', '-1', 'NaN')),
    );
    fc.assert(
      fc.property(bodies, headers, fc.integer({ min: 300, max: 999 }), (body, given, status) => {
        const error = protocol.failure({ status, headers: given, body });
        expect(error).toBeInstanceOf(GatewayError);
        expect([error.status >= 400 && error.status < 600, typeof error.message, error.message !== '']).toEqual([
          true,
          'string',
          true,
        ]);
        expect(error.retryAfterMs ?? 0).toBeGreaterThanOrEqual(0);
        JSON.stringify(error.extra);
      }),
      OPTIONS,
    );
  });
});

function changed([type, data]: Event, place: number, other: string | null): Event {
  return other === null ? [type, data] : [type, mutated(data, place, other)];
}

const repeated = (count: number, text: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => text(at)).join(',');
const MANY = 20_000;
const LARGE = 'x'.repeat(8 * 1024 * 1024);

describe.each<[string, ChatProtocol, (inner: string) => string, Readonly<Record<string, string>>]>([
  [
    'Anthropic',
    anthropicMessages(),
    (content) =>
      `{"id":"m","type":"message","role":"assistant","content":[${content}],"stop_reason":"end_turn","usage":{}}`,
    {
      calls: repeated(MANY, (at) => `{"type":"tool_use","id":"t${at}","name":"f","input":{}}`),
      texts: repeated(MANY, () => '{"type":"text","text":"x"}'),
      citations: `{"type":"text","text":"x","citations":[${repeated(150_000, () => '{"type":"char_location"}')}]}`,
      'one text': `{"type":"text","text":"${LARGE}"}`,
    },
  ],
  [
    'Gemini',
    geminiGenerateContent({ host: 'gemini' }),
    (parts) => `{"candidates":[{"content":{"parts":[${parts}]},"finishReason":"STOP"}]}`,
    {
      calls: repeated(MANY, (at) => `{"functionCall":{"id":"t${at}","name":"f","args":{}}}`),
      texts: repeated(MANY, () => '{"text":"x"}'),
      images: repeated(MANY, () => '{"inlineData":{"mimeType":"image/png","data":"eA=="}}'),
      'one text': `{"text":"${LARGE}"}`,
    },
  ],
  [
    'Converse',
    bedrockConverse,
    (content) => `{"output":{"message":{"role":"assistant","content":[${content}]}},"stopReason":"end_turn"}`,
    {
      calls: repeated(MANY, (at) => `{"toolUse":{"toolUseId":"t${at}","name":"f","input":{}}}`),
      texts: repeated(MANY, () => '{"text":"x"}'),
      citations: `{"citationsContent":{"content":[{"text":"x"}],"citations":[${repeated(150_000, () => '{"title":"t"}')}]}}`,
      'one text': `{"text":"${LARGE}"}`,
    },
  ],
])('a huge answer of %s', (_, protocol, around, kinds) => {
  it.each(Object.entries(kinds))('of %s is read in linear time', (__, content) => {
    const started = performance.now();
    expectQuickly(protocol, Buffer.from(around(content)));
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

function expectQuickly(protocol: ChatProtocol, body: Buffer): void {
  const completion = orFailure(() => protocol.response(body, FACTS));
  if (completion !== undefined) protocol.kept?.(completion);
}
