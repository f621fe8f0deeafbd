import type { Delta } from '../../../domain/chat.js';
import { isShallow, type Json } from '../../json.js';
import type { AnswerFacts } from '../../protocol.js';
import type { Piece } from '../../stream-reducer.js';
import { objectOf, objectsOf, textOf } from '../wire.js';
import { annotationsFrom } from './grounding.js';
import { finishReason, isSaid } from './finish.js';
import { logprobsFrom } from './logprobs.js';
import { BLANK, partDelta, type Said } from './part.js';

/** One candidate as far as it has come. */
export interface Choice extends Said {
  readonly index: number;
  /** What it is based on; it may come before the end. */
  readonly grounding: readonly Json[];
  readonly citations: Json | undefined;
  /** Google's own word for how it ended; undefined while it goes on. */
  readonly ended: string | undefined;
  readonly endMessage: string | undefined;
  readonly continuation: string | undefined;
}

export const newChoice = (index: number): Choice => ({
  ...BLANK,
  index,
  grounding: [],
  citations: undefined,
  ended: undefined,
  endMessage: undefined,
  continuation: undefined,
});

export interface ChoiceStep {
  readonly choice: Choice;
  readonly pieces: readonly Piece[];
}

/** What a candidate of one event adds. Throws UpstreamError where it ends having said nothing that counts. */
export function readCandidate(before: Choice, candidate: Json, answer: AnswerFacts): ChoiceStep {
  let said: Said = before;
  const pieces: Piece[] = [];
  for (const part of objectsOf(objectOf(candidate['content'])['parts'])) {
    const read = partDelta(said, part, { answer, choice: before.index });
    said = read.said;
    if (read.delta !== undefined) pieces.push({ index: before.index, delta: read.delta });
  }
  const logprobs = logprobsFrom(candidate['logprobsResult']);
  if (logprobs !== undefined) pieces.push({ index: before.index, delta: {}, logprobs });
  const choice = withEnding({ ...before, ...said }, candidate);
  if (choice.ended !== undefined) reasonOf(choice);
  return { choice, pieces };
}

function withEnding(choice: Choice, candidate: Json): Choice {
  const { finishReason: reason, groundingMetadata: grounding } = candidate;
  const told = objectOf(grounding);
  const citations = objectOf(candidate['citationMetadata']);
  return {
    ...choice,
    grounding: Object.keys(told).length === 0 ? choice.grounding : [...choice.grounding, told],
    citations: Object.keys(citations).length === 0 ? choice.citations : citations,
    ended: isSaid(reason) ? reason : choice.ended,
    endMessage: textOf(candidate['finishMessage']) ?? choice.endMessage,
    continuation: textOf(candidate['continuationToken']) ?? choice.continuation,
  };
}

const reasonOf = ({ ended, endMessage, calls, saidSomething }: Choice) =>
  finishReason({
    native: ended ?? 'FINISH_REASON_UNSPECIFIED',
    message: endMessage,
    calledTools: calls.length > 0,
    saidSomething,
  });

/** What a choice owes once nothing more comes. */
export function closing(choice: Choice): readonly Piece[] {
  const { index, held, answered, ended } = choice;
  const owed: Piece[] = [];
  // Words before an answer that came as a call are no part of it.
  if (held !== '' && !answered) owed.push({ index, delta: { content: held } });
  const sources = sourcesOf(choice);
  if (sources !== undefined) owed.push({ index, delta: sources });
  return [...owed, { index, delta: {}, finish: reasonOf(choice), ...(ended !== undefined && { native: ended }) }];
}

function sourcesOf({ grounding, citations, continuation, text }: Choice): Delta | undefined {
  const annotations = annotationsFrom(grounding, text);
  const google = {
    ...(grounding.length > 0 && isShallow(grounding, DEEPEST) && { grounding_metadata: grounding.at(-1) }),
    ...(citations !== undefined && isShallow(citations, DEEPEST) && { citation_metadata: citations }),
    ...(continuation !== undefined && { continuation_token: continuation }),
  };
  if (annotations.length === 0 && Object.keys(google).length === 0) return undefined;
  return {
    ...(annotations.length > 0 && { annotations }),
    ...(Object.keys(google).length > 0 && { extra_content: { google } }),
  };
}

const DEEPEST = 12;
