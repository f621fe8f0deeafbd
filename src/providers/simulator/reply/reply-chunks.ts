import type { ChatCompletionChunk, ChunkChoice, Delta } from '../../../domain/chat.js';
import type { AnswerHead } from '../../../protocols/protocol.js';
import { logprobsOf } from './logprobs.js';
import { callId, COMMON } from './reply-completion.js';
import type { Reply, ReplyCall, ReplyChoice } from './reply.js';

/** Chunks that come at one moment: what a model gives away with one token of each choice. */
export type Beat = readonly ChatCompletionChunk[];

/**
 * The reply as OpenAI streams it: the role, the pieces, the finish of each choice, and last, where it was asked for,
 * the usage, with `usage: null` on all chunks before.
 */
export function* beatsOf(reply: Reply, facts: AnswerHead, includeUsage: boolean): Generator<Beat, void> {
  const chunk = (choices: readonly ChunkChoice[]): ChatCompletionChunk => ({
    id: facts.id,
    object: 'chat.completion.chunk',
    created: facts.created,
    model: facts.model,
    choices,
    ...COMMON,
    ...(includeUsage && { usage: null }),
  });
  const tracks = reply.choices.map((choice, index) => track(choice, index, { facts, topLogprobs: reply.topLogprobs }));
  for (let beat = nextBeat(tracks); beat.length > 0;) {
    const following = nextBeat(tracks);
    const chunks = beat.map((choice) => chunk([choice]));
    yield following.length === 0 && includeUsage ? [...chunks, { ...chunk([]), usage: reply.usage }] : chunks;
    beat = following;
  }
}

/** How many moments the answer takes, the usage not counted. */
export function beatCount({ choices }: Reply): number {
  return Math.max(...choices.map(({ content, calls }) => (content ?? calls.flatMap(({ input }) => input)).length), 1);
}

function nextBeat(tracks: readonly Iterator<readonly ChunkChoice[], void>[]): readonly ChunkChoice[] {
  return tracks.flatMap((track) => track.next().value ?? []);
}

interface Surroundings {
  readonly facts: AnswerHead;
  readonly topLogprobs: number | undefined;
}

/** One choice from role to finish: the role comes with the first piece, the finish with the last. */
function* track(
  choice: ReplyChoice,
  index: number,
  surroundings: Surroundings,
): Generator<readonly ChunkChoice[], void> {
  const { facts, topLogprobs } = surroundings;
  const part = (delta: Delta, pieces: readonly string[] | null = null): ChunkChoice => ({
    index,
    delta,
    logprobs: pieces === null || topLogprobs === undefined ? null : logprobsOf(pieces, topLogprobs),
    finish_reason: null,
  });
  let beat = [part({ role: 'assistant', content: choice.content && '', refusal: null })];
  let isFull = false;
  for (const { delta, piece, opens } of piecesOf(choice, (call) => callId(facts, index, call))) {
    if (isFull) {
      yield beat;
      beat = [];
    }
    beat.push(part(delta, piece === undefined ? null : [piece]));
    isFull = !opens;
  }
  yield [...beat, { ...part({}), finish_reason: choice.finishReason }];
}

interface Piece {
  readonly delta: Delta;
  /** The text, where it has a log probability. */
  readonly piece?: string;
  /** It only opens a call, and comes together with what follows. */
  readonly opens: boolean;
}

function* piecesOf({ content, calls }: ReplyChoice, idOf: (call: number) => string): Generator<Piece, void> {
  for (const piece of content ?? []) yield { delta: { content: piece }, piece, opens: false };
  for (const [index, call] of calls.entries()) {
    yield { delta: opening(call, index, idOf(index)), opens: true };
    for (const piece of call.input) yield { delta: continuation(call, index, piece), opens: false };
  }
}

/** The id, type and name are said once; repeated, clients would add them up. */
function opening({ kind, name }: ReplyCall, index: number, id: string): Delta {
  if (kind === 'legacy') return { function_call: { name, arguments: '' } };
  return kind === 'custom'
    ? { tool_calls: [{ index, id, type: 'custom', custom: { name, input: '' } }] }
    : { tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] };
}

function continuation({ kind }: ReplyCall, index: number, piece: string): Delta {
  if (kind === 'legacy') return { function_call: { arguments: piece } };
  return {
    tool_calls: [{ index, ...(kind === 'custom' ? { custom: { input: piece } } : { function: { arguments: piece } }) }],
  };
}
