import { UpstreamError } from '../../domain/errors.js';
import { openaiChat } from './index.js';

type Fields = Readonly<Record<string, unknown>>;

const HEAD = { id: 'chatcmpl-1', created: 1_750_000_000, model: 'wire-model' };
const FACTS = { id: 'chatcmpl-ours', created: 1_700_000_000, model: 'asked-model', asked: {} };

interface Answer {
  readonly message: Fields;
  readonly finish: unknown;
  readonly native: unknown;
}

/** What a client makes of the answer when it comes in one piece. */
function whole(message: Fields, finish: unknown, thinkTags: boolean): Answer {
  const wire = { ...HEAD, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: finish }] };
  const { choices, ...head } = openaiChat({ thinkTags }).response(Buffer.from(JSON.stringify(wire)), FACTS);
  expect(head).toEqual({ ...HEAD, object: 'chat.completion' });
  expect(choices).toHaveLength(1);
  const [choice] = choices;
  expect(choice).toMatchObject({ index: 0, logprobs: null, message: { refusal: message['refusal'] ?? null } });
  expect(Object.keys(choice?.message ?? {})).toEqual(expect.arrayContaining(['role', 'content', 'refusal']));
  return { message: choice?.message ?? {}, finish: choice?.finish_reason, native: choice?.['native_finish_reason'] };
}

/** What a client makes of the same answer when it is streamed in these deltas; the last one brings the end. */
function streamed(deltas: readonly Fields[], finish: unknown, thinkTags: boolean): Answer {
  const decoder = openaiChat({ thinkTags }).stream(FACTS, false);
  let text = '';
  const emit = ({ bytes }: { bytes: Uint8Array }) => (text += Buffer.from(bytes).toString());
  deltas.forEach((delta, at) => {
    const choices = [{ index: 0, delta, finish_reason: at === deltas.length - 1 ? finish : null }];
    decoder.next(
      Buffer.from(`data: ${JSON.stringify({ ...HEAD, object: 'chat.completion.chunk', choices })}\n\n`),
      emit,
    );
  });
  decoder.next(Buffer.from('data: [DONE]\n\n'), emit);
  decoder.end(emit);
  return fold(text);
}

interface Chunk extends Fields {
  readonly choices: readonly [
    { readonly index: number; readonly delta: Delta; readonly finish_reason: unknown } & Fields,
  ];
}
type Delta = Fields & { readonly tool_calls?: readonly Call[] };
interface Call extends Fields {
  readonly index: number;
  readonly function: { readonly name?: string; readonly arguments: string };
}

/** The chunks put together as SDKs do it, each checked against the contract on the way (OpenAI wire §2.5–2.9). */
function fold(text: string): Answer {
  const message: Record<string, unknown> = { content: null, refusal: null };
  const calls: Record<string, unknown>[] = [];
  let end: Fields | undefined;
  for (const line of text.split('\n\n').slice(0, -1)) {
    const { choices, ...head } = JSON.parse(line.slice('data: '.length)) as Chunk;
    expect(head).toEqual({ ...HEAD, object: 'chat.completion.chunk' });
    const [{ delta, ...choice }] = choices;
    expect(end).toBeUndefined(); // nothing comes after the end
    expect('role' in delta).toBe(message['role'] === undefined);
    const { tool_calls: fragments = [], ...said } = delta;
    for (const [field, value] of Object.entries(said))
      message[field] = typeof message[field] === 'string' ? `${message[field]}${String(value)}` : value;
    for (const { index, function: fn, ...rest } of fragments) {
      const call = calls[index] as { function: { arguments: string } } | undefined;
      if (call === undefined) {
        expect(index).toBe(calls.length);
        expect(fn.name).toBeTruthy();
        calls.push({ ...rest, function: { ...fn } });
      } else {
        expect([rest, Object.keys(fn)]).toEqual([{}, ['arguments']]);
        call.function.arguments += fn.arguments;
      }
    }
    if (choice.finish_reason === null) continue;
    expect(delta).toEqual({});
    end = choice;
  }
  if (calls.length > 0) message['tool_calls'] = calls;
  return { message, finish: end?.['finish_reason'], native: end?.['native_finish_reason'] };
}

const call = (id: unknown, args: unknown, more: object = {}) => ({
  id,
  type: 'function',
  function: { name: 'look', arguments: args },
  ...more,
});
const LONG_ID = 'a'.repeat(60);
const MADE_UP = expect.stringMatching(/^call_[0-9a-f]{24}$/);
const STOP = 'stop';
const CALLED = 'tool_calls';
const AT_CALLS = { finish: CALLED, reason: CALLED };

interface Case {
  readonly finish?: unknown;
  readonly reason?: string;
  readonly native?: string;
  readonly thinkTags?: boolean;
  /** Its fields come in one delta or not at all. */
  readonly together?: boolean;
}

/** What a provider says and what a client reads; `content` is '' and `refusal` null where they are not named. */
type Row = readonly [what: string, wire: Fields, read: Fields, more?: Case];

const text = { content: 'Hi' };
const thought = { ...text, reasoning_content: 'Hm' };
const called = (...calls: readonly object[]): Fields => ({ ...text, tool_calls: calls });
const ended = (finish: string, reason: string): Row => [
  `the end "${finish}"`,
  text,
  text,
  { finish, reason, native: finish },
];
const THINK = { thinkTags: true };
const CUT = { finish: 'length', reason: 'length' };
const parts = [
  { type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] },
  { type: 'text', text: 'H' },
  { type: 'reference', reference_ids: [1] },
  { type: 'text', text: 'i' },
];
const details = [
  { type: 'reasoning.text', text: 'H', index: 0 },
  { type: 'reasoning.summary', summary: 'm', index: 1 },
];

const ROWS: readonly Row[] = [
  ['an ordinary answer', { role: 'assistant', content: 'Hi', refusal: null }, text],
  ['no role', text, text],
  ['an empty role', { role: '', ...text }, text],
  ['another role', { role: 'model', ...text }, text],
  ['a refusal', { role: 'assistant', content: null, refusal: 'No.' }, { refusal: 'No.' }],
  ['nothing at all', {}, {}],
  ['fields of its own', { ...text, x: 'y' }, { ...text, x: 'y' }],
  ['`reasoning`', { ...text, reasoning: 'Hm' }, thought],
  ['`reasoning_content`', { reasoning_content: 'Hm', ...text }, thought],
  ['both names', { reasoning_content: 'Hm', reasoning: 'Hm', ...text }, thought, { together: true }],
  ['reasoning that is null', { ...text, reasoning: null, reasoning_content: null }, text],
  ['reasoning in details alone', { ...text, reasoning_details: details }, { ...thought, reasoning_details: details }],
  ['a list of parts', { content: parts }, thought],
  ['think tags', { content: '<think>Hm</think>\n\nHi' }, thought, THINK],
  ['think tags without an end', { content: '<think>Hm' }, { reasoning_content: 'Hm' }, { ...CUT, ...THINK }],
  ['think tags later in the text', { content: 'a <think>b</think>' }, { content: 'a <think>b</think>' }, THINK],
  ['think tags not looked for', { content: '<think>a</think>' }, { content: '<think>a</think>' }],
  [
    'a call',
    { content: null, tool_calls: [call('c', '{"a":1}')] },
    { content: null, tool_calls: [call('c', '{"a":1}')] },
    AT_CALLS,
  ],
  ['calls that end with `stop`', called(call('c', '{}')), called(call('c', '{}')), { reason: CALLED, native: STOP }],
  ['calls cut by the limit', called(call('c', '{"a')), called(call('c', '{"a')), CUT],
  ['no calls', called(), text],
  ['calls that are null', { ...text, tool_calls: null }, text],
  ['arguments as an object', called(call('c', { a: [1] })), called(call('c', '{"a":[1]}')), AT_CALLS],
  ['no arguments', called(call('c', null), call('d', '')), called(call('c', '{}'), call('d', '{}')), AT_CALLS],
  [
    'ids that are missing',
    called(call(null, '{}'), call('', '{}')),
    called(call(MADE_UP, '{}'), call(MADE_UP, '{}')),
    AT_CALLS,
  ],
  ['an id twice', called(call('c', '{}'), call('c', '{}')), called(call('c', '{}'), call(MADE_UP, '{}')), AT_CALLS],
  ['an id that is too long', called(call(LONG_ID, '{}')), called(call(MADE_UP, '{}')), AT_CALLS],
  ['no type', called(call('c', '{}', { type: undefined })), called(call('c', '{}')), AT_CALLS],
  [
    'a signature beside a call',
    called(call('c', '{}', { extra: { s: 1 } })),
    called(call('c', '{}', { extra: { s: 1 } })),
    AT_CALLS,
  ],
  [
    'a native word for calls',
    called(call('c', '{}')),
    called(call('c', '{}')),
    { finish: 'tool_use', reason: CALLED, native: 'tool_use' },
  ],
  ...['length', 'content_filter', 'function_call'].map((word): Row => [
    `the end "${word}"`,
    text,
    text,
    { finish: word, reason: word },
  ]),
  ...['eos', 'end_turn', 'stop_sequence', 'COMPLETE', 'STOP_SEQUENCE', 'load', 'constructor'].map((word) =>
    ended(word, STOP),
  ),
  ...['max_tokens', 'model_length', 'MAX_TOKENS', 'model_context_window_exceeded'].map((word) => ended(word, 'length')),
  ...['tool_use', 'TOOL_CALL'].map((word) => ended(word, CALLED)),
  ...['sensitive', 'safety'].map((word) => ended(word, 'content_filter')),
];

describe('an answer of the OpenAI family', () => {
  it.each(ROWS.map(([what, ...row]) => ({ what, row })))('is put right: $what', ({ row }) => {
    const [wire, read, { finish = STOP, reason = STOP, native, thinkTags = false, together = false } = {}] = row;
    const expected = { message: { role: 'assistant', content: '', refusal: null, ...read }, finish: reason, native };
    expect(atLeastEmpty(whole(wire, finish, thinkTags), expected)).toEqual(expected);
    const delta = withIndexes(wire);
    expect(atLeastEmpty(streamed([delta], finish, thinkTags), expected)).toEqual(expected);
    const pieces = together ? [delta] : Object.entries(delta).map(([field, value]) => ({ [field]: value }));
    expect(atLeastEmpty(streamed([...pieces, {}], finish, thinkTags), expected)).toEqual(expected);
  });

  it('has the same made-up ids whether streamed or not, and others in another answer', () => {
    const wire = { tool_calls: [call(null, '{}'), call(LONG_ID, '{}')] };
    const ids = ({ message }: Answer) => (message['tool_calls'] as readonly Fields[]).map(({ id }) => id);
    expect(ids(whole(wire, CALLED, false))).toEqual(ids(streamed([withIndexes(wire), {}], CALLED, false)));
    expect(new Set(ids(whole(wire, CALLED, false))).size).toBe(2);
  });

  it.each([
    ['error', 502],
    ['ERROR', 502],
    ['network_error', 502],
    ['abort', 502],
    ['insufficient_system_resource', 503],
  ])('that ends with "%s" has failed with %i', (finish, status) => {
    for (const act of [() => whole(text, finish, false), () => streamed([text, {}], finish, false)]) {
      expect(act).toThrow(UpstreamError);
      expect(act).toThrow(expect.objectContaining({ status, code: 'upstream_error' }));
    }
  });
});

/** Calls of a delta have an index; those of a message have none. */
const withIndexes = (wire: Fields): Fields =>
  Array.isArray(wire['tool_calls'])
    ? { ...wire, tool_calls: wire['tool_calls'].map((each: Fields, index) => ({ index, ...each })) }
    : wire;

/** An answer that said nothing may have no text or an empty one: clients take both for nothing. */
const atLeastEmpty = (answer: Answer, { message }: Answer): Answer =>
  message['content'] === ''
    ? { ...answer, message: { ...answer.message, content: answer.message['content'] ?? '' } }
    : answer;
