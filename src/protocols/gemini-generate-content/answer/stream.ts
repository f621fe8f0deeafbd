import type { TurnState } from '../../../domain/turn-state.js';
import type { Json } from '../../json.js';
import type { AnswerFacts } from '../../protocol.js';
import { NO_PIECES, type Piece, type Step, type StreamReducer } from '../../stream-reducer.js';
import { failureInside } from '../failure.js';
import { stateToKeep } from '../turn-state.js';
import { objectOf, objectsOf, textOf } from '../wire.js';
import { closing, newChoice, readCandidate, type Choice } from './choice.js';
import { isSaid } from './finish.js';
import { usageFrom } from './usage.js';

/** A stream of generateContent between two of its events. */
export interface GeminiState {
  readonly answer: AnswerFacts;
  readonly choices: ReadonlyMap<number, Choice>;
  /** The last counts that came: they are cumulative. */
  readonly usage: unknown;
  readonly model: string | undefined;
  /** Something was said, so the name of the model stays what it is. */
  readonly begun: boolean;
  /** Why the prompt was refused; undefined where it was not. */
  readonly blocked: string | undefined;
}

/** The stream of generateContent (Gemini reference §4): every event is an answer that adds to those before it. */
export const geminiReducer: StreamReducer<GeminiState, Json> = {
  initial: (answer) => ({
    answer,
    choices: new Map(),
    usage: undefined,
    model: undefined,
    begun: false,
    blocked: undefined,
  }),
  step,
  close: ({ choices }) => [...choices.values()].flatMap(closing),
  isComplete: ({ choices }) => choices.size > 0 && [...choices.values()].every(({ ended }) => ended !== undefined),
  isOver: () => false,
  model: ({ model }) => model,
  usage: ({ usage }) => usageFrom(usage),
  kept,
};

function step(state: GeminiState, event: Json): Step<GeminiState> {
  if (event['error'] != null) throw failureInside(event['error']);
  const choices = new Map(state.choices);
  const pieces: Piece[] = [];
  objectsOf(event['candidates']).forEach((candidate, position) => {
    const { index: given } = candidate;
    const index = typeof given === 'number' && Number.isInteger(given) && given >= 0 ? given : position;
    const read = readCandidate(choices.get(index) ?? newChoice(index), candidate, state.answer);
    choices.set(index, read.choice);
    for (const piece of read.pieces) pieces.push(piece);
  });
  const known = {
    ...state,
    choices,
    usage: event['usageMetadata'] ?? state.usage,
    model: state.begun ? state.model : (textOf(event['modelVersion']) ?? state.model),
  };
  const after = withBlock(known, objectOf(event['promptFeedback']));
  const said = [...pieces, ...refusal(state, after)];
  return { state: { ...after, begun: state.begun || said.length > 0 }, pieces: said.length === 0 ? NO_PIECES : said };
}

/** A refused prompt ends all there is of an answer, and where there is none, an empty one. */
function withBlock(state: GeminiState, { blockReason, blockReasonMessage }: Json): GeminiState {
  if (!isSaid(blockReason)) return state;
  const open = state.choices.size === 0 ? new Map([[0, newChoice(0)]]) : state.choices;
  const choices = new Map([...open].map(([index, choice]) => [index, { ...choice, ended: choice.ended ?? 'SAFETY' }]));
  return { ...state, choices, blocked: textOf(blockReasonMessage) ?? `The prompt was blocked (${blockReason}).` };
}

const refusal = (before: GeminiState, { blocked }: GeminiState): readonly Piece[] =>
  blocked === undefined || before.blocked !== undefined || before.choices.size > 0
    ? []
    : [{ index: 0, delta: { refusal: blocked } }];

function kept({ choices }: GeminiState): readonly TurnState[] {
  return [...choices.values()].flatMap(({ calls }) =>
    calls.flatMap(({ id = '', ...call }) => stateToKeep({ id, ...call }) ?? []),
  );
}
