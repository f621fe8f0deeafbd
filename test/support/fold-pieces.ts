import type { ChatChoice, Delta, ToolCallDelta } from '../../src/domain/chat.js';
import type { AnswerFacts } from '../../src/protocols/protocol.js';
import type { Piece, StreamReducer } from '../../src/protocols/stream-reducer.js';

/** Every piece of a stream of these events, those at its end included. */
export function piecesOfStream<State, Event>(
  reducer: StreamReducer<State, Event>,
  events: readonly Event[],
  answer: AnswerFacts,
): { readonly pieces: readonly Piece[]; readonly state: State } {
  const pieces: Piece[] = [];
  let state = reducer.initial(answer);
  for (const event of events) {
    const step = reducer.step(state, event);
    state = step.state;
    pieces.push(...step.pieces);
  }
  return { pieces: [...pieces, ...reducer.close(state)], state };
}

/** The choice that a client puts together from the pieces of a stream: what the same answer is when it is not streamed. */
export function foldPieces(pieces: readonly Piece[]): ChatChoice {
  const message: Record<string, unknown> = { role: 'assistant', content: null, refusal: null };
  let end: Pick<Piece, 'finish' | 'native'> = {};
  for (const { delta, finish, native } of pieces) {
    addDelta(message, delta);
    if (finish !== undefined) end = { finish, ...(native !== undefined && { native }) };
  }
  if (message['content'] === null && message['tool_calls'] === undefined) message['content'] = '';
  const { finish = 'stop', native } = end;
  return {
    index: 0,
    message: message as unknown as ChatChoice['message'],
    finish_reason: finish,
    logprobs: null,
    ...(native !== undefined && native !== '' && native !== finish && { native_finish_reason: native }),
  };
}

function addDelta(message: Record<string, unknown>, delta: Delta): void {
  for (const [field, value] of Object.entries(delta)) {
    const before = message[field];
    if (field === 'tool_calls') message[field] = withCalls(before, value as readonly ToolCallDelta[]);
    else if (typeof value === 'string') message[field] = (typeof before === 'string' ? before : '') + value;
    else if (Array.isArray(value)) message[field] = joined(before, value as readonly Entry[]);
    else if (value !== null) message[field] = value;
  }
}

function withCalls(before: unknown, deltas: readonly ToolCallDelta[]): readonly unknown[] {
  const calls = [...((before ?? []) as Record<string, unknown>[])];
  for (const { index, ...delta } of deltas) {
    const call = calls[index];
    if (call === undefined) calls[index] = { ...delta };
    else {
      const { name, arguments: input } = call['function'] as { name: string; arguments: string };
      call['function'] = { name, arguments: input + (delta.function?.arguments ?? '') };
    }
  }
  return calls;
}

type Entry = Readonly<Record<string, unknown>>;

/** Entries of one index are pieces of one. */
function joined(before: unknown, entries: readonly Entry[]): readonly Entry[] {
  const all = [...((before ?? []) as Entry[])];
  for (const entry of entries) {
    const at = all.findIndex(({ index }) => index !== undefined && index === entry['index']);
    if (at === -1) all.push(entry);
    else all[at] = merged(all[at] ?? {}, entry);
  }
  return all;
}

const TEXTS = new Set(['text', 'signature', 'data']);

const merged = (first: Entry, second: Entry): Entry => ({
  ...first,
  ...Object.fromEntries(
    Object.entries(second).map(([key, value]) => [
      key,
      TEXTS.has(key) && typeof first[key] === 'string' ? `${first[key]}${String(value)}` : value,
    ]),
  ),
});
