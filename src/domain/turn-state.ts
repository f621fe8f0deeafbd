/**
 * What a provider wants back with its own turn and a plain OpenAI client does not send: Gemini's thought signatures,
 * Anthropic's signed thinking. Known by the tool call it came with.
 */
export interface TurnState {
  readonly toolCallId: string;
  /** Whose it is, as `anthropic-claude-v1`: no other family of models may get it. */
  readonly format: string;
  /** JSON text that only the protocol which made it reads. */
  readonly value: string;
}

/** By tool-call id. */
export type TurnStates = ReadonlyMap<string, TurnState>;

export const NO_TURN_STATES: TurnStates = new Map();

/** Where turn states are kept between two requests of one key. */
export abstract class TurnStateKeeper {
  /**
   * The states of these tool calls that the key's own answers brought; at once where they are still in memory.
   * `keyId` is the virtual key's id; undefined: nothing is kept and nothing found.
   */
  abstract find(keyId: string | undefined, toolCallIds: readonly string[]): TurnStates | Promise<TurnStates>;
  abstract keep(keyId: string | undefined, states: readonly TurnState[]): void;
}
