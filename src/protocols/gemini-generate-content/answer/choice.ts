import type { Delta } from '../../../domain/chat.js';
import { isShallow, type Json } from '../../json.js';
import type { AnswerFacts } from '../../protocol.js';
import type { Piece } from '../../stream-reducer.js';
import { objectOf, objectsOf, textOf } from '../wire.js';
import { annotationsFrom } from './grounding.js';
import { finishReason, isSaid } from './finish.js';
import { logprobsFrom } from './logprobs.js';
import { BLANK, partDelta, withText, type Said } from './part.js';

/** One candidate as far as it has come. What an event does not change of it is not copied: most say one text. */
export interface Choice {
  readonly index: number;
  readonly said: Said;
  readonly ending: Ending;
}

/** What stands around the words: it may come before the end, and in pieces. */
export interface Ending {
  /** What the answer is based on. */
  readonly grounding: readonly Json[];
  readonly citations: Json | undefined;
  /** Google's own word for how it ended; undefined while it goes on. */
  readonly native: string | undefined;
  readonly message: string | undefined;
  readonly continuation: string | undefined;
}

const GOES_ON: Ending = {
  grounding: [],
  citations: undefined,
  native: undefined,
  message: undefined,
  continuation: undefined,
};

export const newChoice = (index: number): Choice => ({ index, said: BLANK, ending: GOES_ON });

/** The choice with more plain text. */
export const withSaid = (choice: Choice, text: string): Choice =>
  text === '' ? choice : { ...choice, said: withText(choice.said, text, false) };

/** What a candidate of one event adds to `pieces`. Throws UpstreamError where it ends having said nothing that counts. */
export function readCandidate(before: Choice, candidate: Json, { answer, pieces }: Reading): Choice {
  const { index } = before;
  const place = { answer, choice: index };
  let { said } = before;
  for (const part of objectsOf(objectOf(candidate['content'])['parts'])) {
    const read = partDelta(said, part, place);
    said = read.said;
    if (read.delta !== undefined) pieces.push({ index, delta: read.delta });
  }
  const logprobs = logprobsFrom(candidate['logprobsResult']);
  if (logprobs !== undefined) pieces.push({ index, delta: {}, logprobs });
  const ending = endingAfter(before.ending, candidate);
  const choice = { index, said, ending };
  if (ending.native !== undefined) reasonOf(choice);
  return choice;
}

export interface Reading {
  readonly answer: AnswerFacts;
  /** Where what is read goes. */
  readonly pieces: Piece[];
}

function endingAfter(before: Ending, candidate: Json): Ending {
  const { finishReason, groundingMetadata, citationMetadata, finishMessage, continuationToken } = candidate;
  if ((finishReason ?? groundingMetadata ?? citationMetadata ?? finishMessage ?? continuationToken) == null)
    return before;
  const grounding = objectOf(groundingMetadata);
  const citations = objectOf(citationMetadata);
  return {
    grounding: Object.keys(grounding).length === 0 ? before.grounding : [...before.grounding, grounding],
    citations: Object.keys(citations).length === 0 ? before.citations : citations,
    native: isSaid(finishReason) ? finishReason : before.native,
    message: textOf(finishMessage) ?? before.message,
    continuation: textOf(continuationToken) ?? before.continuation,
  };
}

const reasonOf = ({ said, ending }: Choice) =>
  finishReason({
    native: ending.native ?? 'FINISH_REASON_UNSPECIFIED',
    message: ending.message,
    calledTools: said.calls.length > 0,
    saidSomething: said.saidSomething,
  });

/** What a choice owes once nothing more comes. */
export function closing(choice: Choice): readonly Piece[] {
  const { index, said, ending } = choice;
  const owed: Piece[] = [];
  // Words before an answer that came as a call are no part of it.
  if (said.held !== '' && !said.answered) owed.push({ index, delta: { content: said.held } });
  const sources = sourcesOf(choice);
  if (sources !== undefined) owed.push({ index, delta: sources });
  const { native } = ending;
  return [...owed, { index, delta: {}, finish: reasonOf(choice), ...(native !== undefined && { native }) }];
}

function sourcesOf({ said, ending: { grounding, citations, continuation } }: Choice): Delta | undefined {
  const annotations = grounding.length === 0 ? [] : annotationsFrom(grounding, said.text);
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
