import fc from 'fast-check';
import type { Vendor } from './vendor-types.js';
import { awsEvent } from '../support/aws-event.js';

/** One answer of a provider in both its forms. */
export interface NativeAnswer {
  readonly whole: string;
  readonly stream: Buffer;
}

type Json = Readonly<Record<string, unknown>>;

/** A part of an answer, in no dialect yet. */
type Part =
  | { readonly kind: 'text'; readonly pieces: readonly string[] }
  | { readonly kind: 'thought'; readonly pieces: readonly string[]; readonly signature: string }
  | { readonly kind: 'sealed'; readonly secret: string }
  | {
      readonly kind: 'call';
      readonly name: string;
      readonly input: Json;
      readonly cuts: number;
      readonly signature?: string;
    };

/** Now and then so many that they come in runs. */
const pieces = fc.array(fc.constantFrom('Hello', ' wörld', ' 日本', '🎉', '\n', ' "x"', ' {', '\\'), {
  minLength: 1,
  maxLength: 9,
});
const base64 = fc.constantFrom('c2lnbmF0dXJl', 'QUJD/+8=', 'eA==');
const input = fc.constantFrom<Json>({}, { city: 'Paris' }, { a: [1, { b: null }], é: '日本' }, { n: 1.5, t: true });
const part: fc.Arbitrary<Part> = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), pieces }),
  fc.record({ kind: fc.constant('thought' as const), pieces, signature: base64 }),
  fc.record({ kind: fc.constant('sealed' as const), secret: base64 }),
  fc.record(
    {
      kind: fc.constant('call' as const),
      name: fc.constantFrom('look', 'add'),
      input,
      cuts: fc.nat(3),
      signature: base64,
    },
    { requiredKeys: ['kind', 'name', 'input', 'cuts'] },
  ),
);

const tokens = fc.record({
  prompt: fc.nat(999),
  answer: fc.nat(999),
  cached: fc.nat(99),
  written: fc.nat(99),
  thought: fc.nat(50),
});
type Tokens = typeof tokens extends fc.Arbitrary<infer Value> ? Value : never;

interface Sketch {
  readonly parts: readonly Part[];
  readonly tokens: Tokens;
  readonly cutShort: boolean;
}

const sketch: fc.Arbitrary<Sketch> = fc.record({
  parts: fc.array(part, { minLength: 1, maxLength: 5 }),
  tokens,
  cutShort: fc.boolean(),
});

/** Answers with any run of text, thinking and calls. */
export const randomAnswer: Readonly<Record<Vendor, fc.Arbitrary<NativeAnswer>>> = {
  anthropic: sketch.map(anthropic),
  gemini: sketch.map(gemini),
  bedrock: sketch.map(bedrock),
};

const hasCalls = (parts: readonly Part[]): boolean => parts.some(({ kind }) => kind === 'call');

/** A text in so many cuts and one more. */
function inCuts(text: string, cuts: number): readonly string[] {
  const size = Math.max(1, Math.ceil(text.length / (cuts + 1)));
  return Array.from({ length: Math.ceil(text.length / size) }, (_, at) => text.slice(at * size, (at + 1) * size));
}

const sse = (events: readonly Json[], named: boolean): Buffer =>
  Buffer.from(
    events
      .map((event) => `${named ? `event: ${String(event['type'])}\n` : ''}data: ${JSON.stringify(event)}\n\n`)
      .join(''),
  );

function anthropic({ parts, tokens: counts, cutShort }: Sketch): NativeAnswer {
  const usage = {
    input_tokens: counts.prompt,
    cache_read_input_tokens: counts.cached,
    cache_creation_input_tokens: counts.written,
    output_tokens: counts.answer,
    output_tokens_details: { thinking_tokens: counts.thought },
  };
  const blocks = parts.map((each, at): { whole: Json; start: Json; deltas: readonly Json[] } => {
    switch (each.kind) {
      case 'text':
        return {
          whole: { type: 'text', text: each.pieces.join('') },
          start: { type: 'text', text: '' },
          deltas: each.pieces.map((text) => ({ type: 'text_delta', text })),
        };
      case 'thought':
        return {
          whole: { type: 'thinking', thinking: each.pieces.join(''), signature: each.signature },
          start: { type: 'thinking', thinking: '', signature: '' },
          deltas: [
            ...each.pieces.map((thinking) => ({ type: 'thinking_delta', thinking })),
            { type: 'signature_delta', signature: each.signature },
          ],
        };
      case 'sealed': {
        const block = { type: 'redacted_thinking', data: each.secret };
        return { whole: block, start: block, deltas: [] };
      }
      case 'call': {
        const head = { type: 'tool_use', id: `toolu_${at}`, name: each.name };
        const json = JSON.stringify(each.input);
        return {
          whole: { ...head, input: each.input },
          start: { ...head, input: {} },
          deltas:
            json === '{}'
              ? []
              : inCuts(json, each.cuts).map((text) => ({ type: 'input_json_delta', partial_json: text })),
        };
      }
    }
  });
  const stop = cutShort ? 'max_tokens' : hasCalls(parts) ? 'tool_use' : 'end_turn';
  const head = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-x' };
  const events = [
    {
      type: 'message_start',
      message: { ...head, content: [], stop_reason: null, usage: { input_tokens: 1, output_tokens: 1 } },
    },
    { type: 'ping' },
    ...blocks.flatMap(({ start, deltas }, index) => [
      { type: 'content_block_start', index, content_block: start },
      ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
      { type: 'content_block_stop', index },
    ]),
    { type: 'message_delta', delta: { stop_reason: stop, stop_sequence: null }, usage },
    { type: 'message_stop' },
  ];
  const whole = { ...head, content: blocks.map((block) => block.whole), stop_reason: stop, usage };
  return { whole: JSON.stringify(whole), stream: sse(events, true) };
}

function gemini({ parts, tokens: counts, cutShort }: Sketch): NativeAnswer {
  const usageMetadata = {
    promptTokenCount: counts.prompt + counts.cached,
    cachedContentTokenCount: counts.cached,
    candidatesTokenCount: counts.answer,
    thoughtsTokenCount: counts.thought,
    totalTokenCount: counts.prompt + counts.cached + counts.answer + counts.thought,
  };
  const told = parts.flatMap((each, at): Json[] => {
    switch (each.kind) {
      case 'text':
        return each.pieces.map((text) => ({ text }));
      case 'thought':
        return each.pieces.map((text) => ({ text, thought: true }));
      case 'sealed':
        return [{ text: '', thoughtSignature: each.secret }];
      case 'call':
        return [
          {
            functionCall: { name: each.name, args: each.input, id: `id${at}` },
            ...(each.signature !== undefined && { thoughtSignature: each.signature }),
          },
        ];
    }
  });
  const frame = (some: readonly Json[], finishReason?: string, counts: Json = usageMetadata): Json => ({
    candidates: [{ content: { role: 'model', parts: some }, index: 0, ...(finishReason && { finishReason }) }],
    usageMetadata: counts,
    modelVersion: 'gemini-x',
    responseId: 'r1',
  });
  const reason = cutShort ? 'MAX_TOKENS' : 'STOP';
  return {
    whole: JSON.stringify(frame(told, reason)),
    // The counts grow as the answer does.
    stream: sse(
      [
        ...told.map((each, at) => frame([each], undefined, { ...usageMetadata, candidatesTokenCount: at })),
        frame([], reason),
      ],
      false,
    ),
  };
}

function bedrock({ parts, tokens: counts, cutShort }: Sketch): NativeAnswer {
  const usage = {
    inputTokens: counts.prompt,
    outputTokens: counts.answer,
    cacheReadInputTokens: counts.cached,
    cacheWriteInputTokens: counts.written,
    totalTokens: counts.prompt + counts.answer,
  };
  const blocks = parts.map((each, at): { whole: Json; start?: Json; deltas: readonly Json[] } => {
    switch (each.kind) {
      case 'text':
        return { whole: { text: each.pieces.join('') }, deltas: each.pieces.map((text) => ({ text })) };
      case 'thought':
        return {
          whole: { reasoningContent: { reasoningText: { text: each.pieces.join(''), signature: each.signature } } },
          deltas: [
            ...each.pieces.map((text) => ({ reasoningContent: { text } })),
            { reasoningContent: { signature: each.signature } },
          ],
        };
      case 'sealed':
        return {
          whole: { reasoningContent: { redactedContent: each.secret } },
          deltas: [{ reasoningContent: { redactedContent: each.secret } }],
        };
      case 'call': {
        const head = { toolUseId: `tooluse_${at}`, name: each.name };
        const json = JSON.stringify(each.input);
        return {
          whole: { toolUse: { ...head, input: each.input } },
          start: { toolUse: head },
          deltas: json === '{}' ? [] : inCuts(json, each.cuts).map((text) => ({ toolUse: { input: text } })),
        };
      }
    }
  });
  const stopReason = cutShort ? 'max_tokens' : hasCalls(parts) ? 'tool_use' : 'end_turn';
  const whole = {
    output: { message: { role: 'assistant', content: blocks.map((block) => block.whole) } },
    stopReason,
    usage,
  };
  const events = [
    awsEvent('messageStart', { role: 'assistant', p: 'abc' }),
    ...blocks.flatMap(({ start, deltas }, contentBlockIndex) => [
      ...(start === undefined ? [] : [awsEvent('contentBlockStart', { contentBlockIndex, start })]),
      ...deltas.map((delta) => awsEvent('contentBlockDelta', { contentBlockIndex, delta, p: 'ab' })),
      awsEvent('contentBlockStop', { contentBlockIndex }),
    ]),
    awsEvent('messageStop', { stopReason }),
    awsEvent('metadata', { usage, metrics: { latencyMs: 1 } }),
  ];
  return { whole: JSON.stringify(whole), stream: Buffer.concat(events) };
}
