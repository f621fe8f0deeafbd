import type { ChatCompletionChunk, ChunkChoice } from '../../domain/chat.js';
import { stepHeld, type HeldJson } from '../json-answer/held-json.js';
import type { Piece } from '../stream-reducer.js';

export interface HeldStep {
  readonly state: HeldJson;
  readonly chunks: readonly ChatCompletionChunk[];
}

/** What may go on of a chunk while its text is held back. Throws UpstreamError where that is not the JSON asked for. */
export function stepHeldChunk(held: HeldJson, chunk: ChatCompletionChunk): HeldStep {
  if (chunk.choices.length === 0) return { state: held, chunks: [chunk] };
  let state = held;
  const chunks: ChatCompletionChunk[] = [];
  for (const choice of chunk.choices) {
    const step = stepHeld(state, pieceOf(choice));
    state = step.state;
    for (const piece of step.pieces) chunks.push({ ...chunk, choices: [choiceOf(piece, choice)] });
  }
  return { state, chunks };
}

function pieceOf({ index, delta, finish_reason: finish, logprobs }: ChunkChoice): Piece {
  return { index, delta, ...(finish !== null && { finish }), ...(logprobs != null && { logprobs }) };
}

/** What else the provider says of a choice goes with its end. */
function choiceOf({ index, delta, finish, logprobs }: Piece, wire: ChunkChoice): ChunkChoice {
  if (finish !== undefined)
    return { ...wire, delta, ...(wire['logprobs'] !== undefined && { logprobs: logprobs ?? null }) };
  return { index, delta, finish_reason: null, ...(logprobs !== undefined && { logprobs }) };
}
