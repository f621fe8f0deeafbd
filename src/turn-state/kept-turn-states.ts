import { Logger } from '@nestjs/common';
import { NO_TURN_STATES, TurnStateKeeper, type TurnState, type TurnStates } from '../domain/turn-state.js';
import { RememberedStates } from './remembered-states.js';
import type { StoredStates } from './stored-states.js';
import type { TurnStateWriter } from './turn-state-writer.js';

/** How long a turn state is kept: a conversation that rests for longer goes on without it. */
export const KEPT_MS = 24 * 60 * 60_000;

/** The longest value worth keeping, in characters; signatures and thoughts are far shorter. */
const MAX_VALUE = 1024 * 1024;
/** Ids come from clients. The gateway's own are far shorter. */
const MAX_ID = 256;
/** Calls of one conversation that are looked for, the latest ones: more would be a burden to the store. */
const MAX_CALLS = 4_096;

interface Places {
  readonly stored: StoredStates;
  readonly writer: TurnStateWriter;
  /** Epoch milliseconds. Default: the clock of this machine. */
  readonly now?: () => number;
  readonly memory?: RememberedStates;
}

/** Turn states in memory, and behind it in the store. */
export class KeptTurnStates extends TurnStateKeeper {
  readonly #log = new Logger('TurnState');
  readonly #stored: StoredStates;
  readonly #writer: TurnStateWriter;
  readonly #now: () => number;
  readonly #memory: RememberedStates;

  constructor({ stored, writer, now = Date.now, memory = new RememberedStates() }: Places) {
    super();
    this.#stored = stored;
    this.#writer = writer;
    this.#now = now;
    this.#memory = memory;
  }

  find(keyId: string | undefined, toolCallIds: readonly string[]): TurnStates | Promise<TurnStates> {
    if (keyId === undefined || toolCallIds.length === 0) return NO_TURN_STATES;
    const at = this.#now();
    let found: Map<string, TurnState> | undefined;
    let unknown: string[] | undefined;
    for (let place = Math.max(0, toolCallIds.length - MAX_CALLS); place < toolCallIds.length; place += 1) {
      const toolCallId = toolCallIds[place];
      if (toolCallId === undefined || toolCallId.length > MAX_ID) continue;
      const state = this.#memory.get(keyId, toolCallId, at);
      if (state === undefined) (unknown ??= []).push(toolCallId);
      else if (state !== null) (found ??= new Map()).set(toolCallId, state);
    }
    if (unknown === undefined) return found ?? NO_TURN_STATES;
    return this.#recall(keyId, unknown, { at, found: found ?? new Map<string, TurnState>() });
  }

  keep(keyId: string | undefined, states: readonly TurnState[]): void {
    if (keyId === undefined) return;
    const expiresAt = this.#now() + KEPT_MS;
    for (const state of states) {
      if (state.value.length > MAX_VALUE || state.toolCallId.length > MAX_ID) {
        this.#log.warn(`A turn state of ${state.value.length} characters is too large to be kept (${state.format}).`);
        continue;
      }
      this.#memory.put(keyId, state, expiresAt);
      this.#writer.put(keyId, state, expiresAt);
    }
  }

  /** Asks the store for what memory does not know. */
  async #recall(
    keyId: string,
    unknown: readonly string[],
    { at, found }: { readonly at: number; readonly found: Map<string, TurnState> },
  ): Promise<TurnStates> {
    const stored = await this.#stored.find(keyId, unknown, at);
    if (stored === undefined) return found;
    for (const toolCallId of unknown) {
      const known = stored.get(toolCallId);
      if (known === undefined) {
        this.#memory.putAbsent(keyId, toolCallId, at);
        continue;
      }
      this.#memory.put(keyId, known.state, known.expiresAt);
      found.set(toolCallId, known.state);
    }
    return found;
  }
}
