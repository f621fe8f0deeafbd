import type { TurnState } from '../../../domain/turn-state.js';
import type { Json } from '../../json.js';
import type { AnswerFacts } from '../../protocol.js';
import type { Piece, Step, StreamReducer } from '../../stream-reducer.js';
import { failureInside } from '../failure.js';
import { stateToKeep } from '../turn-state.js';
import { objectOf, objectsOf, textOf } from '../wire.js';
import { closing, newChoice, readCandidate, withSaid, type Choice } from './choice.js';
import { isSaid } from './finish.js';
import { serviceTier, usageFrom } from './usage.js';

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

/** Google does not name its events. */
export interface GeminiEvent {
  readonly data: Json;
}

/** The stream of generateContent (Gemini reference §4): every event is an answer that adds to those before it. */
export const geminiReducer: StreamReducer<GeminiState, GeminiEvent> = {
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
  isComplete: ({ choices }) =>
    choices.size > 0 && [...choices.values()].every(({ ending }) => ending.native !== undefined),
  isOver: () => false,
  model: ({ model }) => model,
  usage: ({ usage }) => usageFrom(usage),
  serviceTier: ({ usage }) => serviceTier(usage),
  grow: (state, run, index) => {
    const choice = state.choices.get(index) ?? newChoice(index);
    return { ...state, choices: new Map(state.choices).set(index, withSaid(choice, run.text)) };
  },
  kept,
};

function step(state: GeminiState, { data: event }: GeminiEvent): Step<GeminiState> {
  if (event['error'] != null) throw failureInside(event['error']);
  const pieces: Piece[] = [];
  const choices = choicesAfter(state, objectsOf(event['candidates']), pieces);
  const blocked = state.blocked ?? blockIn(event['promptFeedback']);
  if (blocked !== undefined && state.blocked === undefined && state.choices.size === 0)
    pieces.push({ index: 0, delta: { refusal: blocked } });
  const after: GeminiState = {
    answer: state.answer,
    choices: blocked === undefined ? choices : ended(choices),
    usage: event['usageMetadata'] ?? state.usage,
    model: state.begun ? state.model : (textOf(event['modelVersion']) ?? state.model),
    begun: state.begun || pieces.length > 0,
    blocked,
  };
  return { state: after, pieces };
}

function choicesAfter(
  { choices, answer }: GeminiState,
  candidates: readonly Json[],
  pieces: Piece[],
): GeminiState['choices'] {
  if (candidates.length === 0) return choices;
  const after = new Map(choices);
  const reading = { answer, pieces };
  candidates.forEach((candidate, position) => {
    const { index: given } = candidate;
    const index = typeof given === 'number' && Number.isInteger(given) && given >= 0 ? given : position;
    after.set(index, readCandidate(after.get(index) ?? newChoice(index), candidate, reading));
  });
  return after;
}

/** Why the prompt was refused; undefined where it was not. */
function blockIn(feedback: unknown): string | undefined {
  const { blockReason, blockReasonMessage } = objectOf(feedback);
  if (!isSaid(blockReason)) return undefined;
  return textOf(blockReasonMessage) ?? `The prompt was blocked (${blockReason}).`;
}

/** A refused prompt ends all there is of an answer, and where there is none, an empty one. */
function ended(choices: GeminiState['choices']): GeminiState['choices'] {
  const open = choices.size === 0 ? [newChoice(0)] : [...choices.values()];
  return new Map(
    open.map((choice) => {
      const native = choice.ending.native ?? 'SAFETY';
      return [choice.index, { ...choice, ending: { ...choice.ending, native } }];
    }),
  );
}

function kept({ choices }: GeminiState): readonly TurnState[] {
  return [...choices.values()].flatMap(({ said }) =>
    said.calls.flatMap(({ id = '', ...call }) => stateToKeep({ id, ...call }) ?? []),
  );
}
