import { LRUCache } from 'lru-cache';
import type { TurnState } from '../domain/turn-state.js';

interface Remembered {
  readonly state: TurnState;
  readonly expiresAt: number;
}

const MAX_BYTES = 64 * 1024 * 1024;
/** What an entry takes beside its text. */
const ENTRY_BYTES = 256;
const MAX_ABSENT = 50_000;
/**
 * How long nothing is asked again of a call that the store did not know: not long, for another replica may have
 * answered it just now and be about to write it.
 */
const ABSENT_MS = 10_000;

/** One text for a virtual key and a tool call; no two pairs have the same, for the id of a key holds no U+0000. */
export const nameOf = (owner: string, toolCallId: string): string => `${owner}\0${toolCallId}`;

/** Room that an entry takes in memory, in bytes. */
export const sizeOf = ({ toolCallId, format, value }: TurnState): number =>
  2 * (toolCallId.length + format.length + value.length) + ENTRY_BYTES;

/** Turn states in memory, the least used of them forgotten first. */
export class RememberedStates {
  readonly #present: LRUCache<string, Remembered>;
  // One of its own, so that a flood of made-up ids does not push out what is kept.
  readonly #absentUntil = new LRUCache<string, number>({ max: MAX_ABSENT });

  constructor(maxBytes = MAX_BYTES) {
    this.#present = new LRUCache<string, Remembered>({
      maxSize: maxBytes,
      sizeCalculation: ({ state }, name) => sizeOf(state) + 2 * name.length,
    });
  }

  /** Undefined: not known. Null: known to have none. */
  get(owner: string, toolCallId: string, at: number): TurnState | null | undefined {
    const name = nameOf(owner, toolCallId);
    const known = this.#present.get(name);
    if (known === undefined) {
      const left = (this.#absentUntil.get(name) ?? 0) - at;
      return left > 0 && left <= ABSENT_MS ? null : undefined; // a clock may have been set back by years
    }
    return known.expiresAt > at ? known.state : null;
  }

  put(owner: string, state: TurnState, expiresAt: number): void {
    const name = nameOf(owner, state.toolCallId);
    this.#absentUntil.delete(name);
    this.#present.set(name, { state, expiresAt });
  }

  putAbsent(owner: string, toolCallId: string, at: number): void {
    this.#absentUntil.set(nameOf(owner, toolCallId), at + ABSENT_MS);
  }
}
