import type { Delta, FinishReason, Usage } from '../domain/chat.js';
import type { TurnState } from '../domain/turn-state.js';
import type { TextRun } from './framing/text-form.js';
import type { AnswerFacts } from './protocol.js';

/**
 * A dialect's stream as a pure function: what is known between two events, and what one event says to the client.
 * State is never changed in place.
 */
export interface StreamReducer<State, Event> {
  initial(answer: AnswerFacts): State;
  /** Throws UpstreamError for an error in the stream. */
  step(state: State, event: Event): Step<State>;
  /** What the choices still owe once the provider has closed: asked for only if the stream is complete. */
  close(state: State): readonly Piece[];
  /** Every choice has its end. */
  isComplete(state: State): boolean;
  /** The provider has said that nothing more will come. */
  isOver(state: State): boolean;
  /** The model as the provider names it. */
  model(state: State): string | undefined;
  usage(state: State): Usage | undefined;
  /** As which the provider bills the answer, in OpenAI's words, where it says so. */
  serviceTier?(state: State): string | undefined;
  /**
   * What a run of plain text of a choice changes. Where this is there, events that differ from the one before them in
   * nothing but their text are not parsed.
   */
  grow?(state: State, run: TextRun, index: number): State;
  /** What must be kept for the next turn. */
  kept?(state: State): readonly TurnState[];
}

/** What one event has changed, and what it says to the client. */
export interface Step<State> {
  readonly state: State;
  readonly pieces: readonly Piece[];
}

/** One chunk's choice; the role is put before the first one, and the rest of the chunk around it. */
export interface Piece {
  readonly index: number;
  readonly delta: Delta;
  /** Only in the last piece of a choice. */
  readonly finish?: FinishReason;
  /** The provider's own word, where it differs. */
  readonly native?: string;
  /** Fields of our own that stand beside the reason. */
  readonly beside?: Readonly<Record<string, unknown>>;
  readonly logprobs?: unknown;
  /** It shows nothing, but the model is at work on what is paid for: from here on another attempt is not free. */
  readonly begins?: boolean;
}

/** The model calls a tool of its provider's own: a client sees nothing of it. */
export const ANSWER_BEGINS: readonly Piece[] = [{ index: 0, delta: {}, begins: true }];

/** For the many events that say nothing. */
export const NO_PIECES: readonly Piece[] = [];

/** Cuts the bytes of a stream into a dialect's events, wherever the network cut them. */
export interface Framing<Event> {
  /** The whole events up to here. Throws UpstreamError for bytes that are no event. */
  take(bytes: Buffer): Iterable<Event | TextRun>;
  /** The event that was just taken says only this: those of its very form need not be read any more. */
  learn?(said: string): void;
  /** What is left when the stream has ended. Throws TruncatedStreamError for half an event. */
  rest(): Iterable<Event | TextRun>;
}
