import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { withoutRecordings } from '../../support/recordings.js';
import { awsEvent } from '../../support/aws-event.js';

type Json = Readonly<Record<string, unknown>>;

/** One answer of a provider in its own dialect, as a stream and as a whole, and what must come back to it. */
export interface NativeTurn {
  readonly stream: string | Buffer;
  readonly whole: Json;
  readonly signatures: readonly string[];
}

/** The recorded events of one stream; undefined where there are no recordings. */
function recordedEvents(provider: string, name: string): readonly Json[] | undefined {
  const root = process.env['PARLEY_RECORDINGS'];
  if (root === undefined || withoutRecordings !== undefined) return undefined;
  const folder = join(root, 'open', provider, name);
  if (!existsSync(folder)) return undefined;
  const file = readdirSync(folder).find((each) => each.startsWith('response')) ?? '';
  return readFileSync(join(folder, file), 'utf8')
    .split(/\r?\n/)
    .flatMap((line) => (line.startsWith('data: ') ? [JSON.parse(line.slice(6)) as Json] : []));
}

/** Gemini's frames are whole answers in small: put together they are the answer that was not streamed. */
export function geminiTurn(events: readonly Json[]): NativeTurn {
  interface Frame {
    readonly candidates?: readonly { readonly content?: { readonly parts?: readonly Json[] } }[];
  }
  const parts = events.flatMap((event) => (event as Frame).candidates?.[0]?.content?.parts ?? []);
  const whole = {
    ...events.at(-1),
    candidates: [{ content: { role: 'model', parts }, finishReason: 'STOP', index: 0 }],
  };
  return {
    stream: events.map((event) => `data: ${JSON.stringify(event)}\r\n\r\n`).join(''),
    whole,
    signatures: parts.flatMap(({ functionCall, thoughtSignature }) =>
      functionCall !== undefined && typeof thoughtSignature === 'string' ? [thoughtSignature] : [],
    ),
  };
}

interface Block extends Json {
  readonly type: string;
}

/** Anthropic's events put together by the rules of its own SDK. */
export function claudeTurn(events: readonly Json[]): NativeTurn {
  const blocks: Record<string, unknown>[] = [];
  let message: Json = {};
  for (const event of events) {
    const { type, index, delta } = event as { type: string; index: number; delta: Record<string, string> };
    if (type === 'message_start') message = event['message'] as Json;
    if (type === 'content_block_start') blocks[index] = { ...(event['content_block'] as Json), json: '' };
    if (type === 'content_block_delta') extend(blocks[index] ?? {}, delta);
    if (type === 'message_delta') message = { ...message, ...(delta as Json), usage: event['usage'] };
  }
  const content = blocks.map(({ json, ...block }) =>
    block['type'] === 'tool_use' ? { ...block, input: JSON.parse((json as string) || '{}') as Json } : block,
  ) as unknown as readonly Block[];
  return {
    stream: events.map((event) => `event: ${String(event['type'])}\ndata: ${JSON.stringify(event)}\n\n`).join(''),
    whole: { ...message, content },
    signatures: content.flatMap(({ type, signature }) =>
      type === 'thinking' && typeof signature === 'string' ? [signature] : [],
    ),
  };
}

function extend(block: Record<string, unknown>, delta: Readonly<Record<string, string>>): void {
  const add = (field: string, text: string | undefined): void => {
    if (text !== undefined) block[field] = `${(block[field] as string | undefined) ?? ''}${text}`;
  };
  for (const field of ['text', 'thinking', 'signature'] as const) add(field, delta[field]);
  add('json', delta['partial_json']);
}

const GEMINI_USAGE = { promptTokenCount: 9, candidatesTokenCount: 4, thoughtsTokenCount: 3, totalTokenCount: 16 };
const frame = (parts: readonly Json[], finishReason?: string): Json => ({
  candidates: [{ content: { role: 'model', parts }, index: 0, ...(finishReason && { finishReason }) }],
  usageMetadata: GEMINI_USAGE,
  modelVersion: 'gemini-3-pro-preview',
});
const call = (id: string, name: string, args: Json, thoughtSignature?: string): Json => ({
  functionCall: { name, args, id },
  ...(thoughtSignature !== undefined && { thoughtSignature }),
});

/** Three turns of Gemini 3: two calls at once, one call, and the answer. */
export const GEMINI_TURNS: readonly NativeTurn[] = [
  geminiTurn([
    frame([{ text: 'Thinking…', thought: true }, call('id-1', 'add', { a: 2, b: 3 }, 'c2lnbmF0dXJlLW9uZQ==')]),
    frame([call('id-2', 'multiply', { a: 2, b: 3 })]),
    frame([{ text: '' }], 'STOP'),
  ]),
  geminiTurn([frame([call('id-3', 'add', { a: 5, b: 6 }, 'c2lnbmF0dXJlLXR3bw==')], 'STOP')]),
  geminiTurn([frame([{ text: 'It is 11.', thoughtSignature: 'c2lnbmF0dXJlLWVuZA==' }], 'STOP')]),
];

const claudeEvents = (stop: string, ...content: readonly (readonly [start: Json, ...deltas: Json[]])[]) => [
  {
    type: 'message_start',
    message: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude-opus-4-6',
      content: [],
      stop_reason: null,
      usage: { input_tokens: 9, output_tokens: 1 },
    },
  },
  ...content.flatMap(([start, ...deltas], index) => [
    { type: 'content_block_start', index, content_block: start },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ]),
  { type: 'message_delta', delta: { stop_reason: stop }, usage: { input_tokens: 9, output_tokens: 7 } },
  { type: 'message_stop' },
];
const thinking = (text: string, signature: string) =>
  [
    { type: 'thinking', thinking: '', signature: '' },
    { type: 'thinking_delta', thinking: text },
    { type: 'signature_delta', signature },
  ] as const;
const use = (id: string, name: string, json: string) =>
  [
    { type: 'tool_use', id, name, input: {} },
    { type: 'input_json_delta', partial_json: json },
  ] as const;

/** The same turn as Bedrock tells it, whose streams are AWS's own. */
export function converseTurn({ whole, signatures }: NativeTurn): NativeTurn {
  const blocks = whole['content'] as readonly Block[];
  const stopReason = whole['stop_reason'];
  const usage = { inputTokens: 9, outputTokens: 7, totalTokens: 16 };
  const events = blocks.flatMap((block, contentBlockIndex) => [
    ...(block.type === 'tool_use'
      ? [
          awsEvent('contentBlockStart', {
            contentBlockIndex,
            start: { toolUse: { ...toolUse(block), input: undefined } },
          }),
        ]
      : []),
    ...converseDeltas(block).map((delta) => awsEvent('contentBlockDelta', { contentBlockIndex, delta })),
    awsEvent('contentBlockStop', { contentBlockIndex }),
  ]);
  return {
    stream: Buffer.concat([
      awsEvent('messageStart', { role: 'assistant' }),
      ...events,
      awsEvent('messageStop', { stopReason }),
      awsEvent('metadata', { usage }),
    ]),
    whole: { output: { message: { role: 'assistant', content: blocks.map(converseBlock) } }, stopReason, usage },
    signatures,
  };
}

const toolUse = ({ id, name, input }: Json) => ({ toolUseId: id, name, input });

function converseBlock(block: Block): Json {
  const { type, thinking: text, signature } = block;
  if (type === 'thinking') return { reasoningContent: { reasoningText: { text, signature } } };
  return type === 'tool_use' ? { toolUse: toolUse(block) } : { text: block['text'] };
}

function converseDeltas(block: Block): readonly Json[] {
  const { type, thinking: text, signature, input } = block;
  if (type === 'thinking') return [{ reasoningContent: { text } }, { reasoningContent: { signature } }];
  return type === 'tool_use' ? [{ toolUse: { input: JSON.stringify(input) } }] : [{ text: block['text'] }];
}

/** Three turns of a Claude that thinks. */
export const CLAUDE_TURNS: readonly NativeTurn[] = [
  claudeTurn(
    claudeEvents(
      'tool_use',
      thinking('Both at once.', 'c2lnbmVkLW9uZQ=='),
      use('toolu_1', 'add', '{"a":2,"b":3}'),
      use('toolu_2', 'multiply', '{"a":2,"b":3}'),
    ),
  ),
  claudeTurn(
    claudeEvents('tool_use', thinking('Now add.', 'c2lnbmVkLXR3bw=='), use('toolu_3', 'add', '{"a":5,"b":6}')),
  ),
  claudeTurn(
    claudeEvents('end_turn', thinking('Done.', 'c2lnbmVkLWVuZA=='), [
      { type: 'text', text: '' },
      { type: 'text_delta', text: 'It is 11.' },
    ]),
  ),
];

/** A turn that thinks between what it says and does, and two plain ones. */
export const INTERLEAVED_TURNS: readonly NativeTurn[] = [
  claudeTurn(
    claudeEvents(
      'tool_use',
      thinking('First say it.', 'c2lnbmVkLTE='),
      [
        { type: 'text', text: '' },
        { type: 'text_delta', text: 'I add.' },
      ],
      thinking('Now do it.', 'c2lnbmVkLTI='),
      use('toolu_1', 'add', '{"a":2,"b":3}'),
      thinking('And more.', 'c2lnbmVkLTM='),
      use('toolu_2', 'multiply', '{"a":2,"b":3}'),
    ),
  ),
  ...CLAUDE_TURNS.slice(1),
];

/** The same conversations with what real models answered in place of our first turns. */
export function recordedTurns(): Readonly<Record<'gemini' | 'claude' | 'bedrock', readonly NativeTurn[]>> | undefined {
  const gemini = [
    recordedEvents('gemini', 'stream-parallel-tool-calls-thought-signature-gemini-3-pro-preview-0f27f1'),
    recordedEvents('gemini', 'stream-thought-signature-tool-call-gemini-2.5-pro-9b1769'),
  ];
  const claude = recordedEvents(
    'anthropic',
    'stream-thought-signature-text-and-tool-call-claude-sonnet-4-5-20250929-5e3f78',
  );
  if (gemini[0] === undefined || gemini[1] === undefined || claude === undefined) return undefined;
  const claudes = [claudeTurn(claude), ...CLAUDE_TURNS.slice(1)];
  return {
    gemini: [geminiTurn(gemini[0]), geminiTurn(gemini[1]), ...GEMINI_TURNS.slice(2)],
    claude: claudes,
    bedrock: claudes.map(converseTurn),
  };
}
