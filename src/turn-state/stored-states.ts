import { Injectable, Logger } from '@nestjs/common';
import type { TurnState } from '../domain/turn-state.js';
import { StateSeal } from './state-seal.js';
import { TurnStateStore, type SealedTurnState } from './turn-state.store.js';

/** A turn state and when it ends. */
export interface StoredState {
  readonly state: TurnState;
  readonly expiresAt: number;
}

/** How long a request waits for the store, and how long a failed store is left alone. */
const PATIENCE_MS = 500;
const PAUSE_MS = 2_000;

/** Reads turn states from the store. Without the store requests go on: then nothing is found. */
@Injectable()
export class StoredStates {
  readonly #log = new Logger('TurnState');
  /** `performance.now()` of the last failure; undefined while the store answers. */
  #failedAt: number | undefined;
  #saidUnreadable = false;

  constructor(
    private readonly store: TurnStateStore,
    private readonly seal: StateSeal,
  ) {}

  /** By tool-call id. Undefined: the store could not be asked, so nothing is known. */
  async find(
    owner: string,
    toolCallIds: readonly string[],
    at: number,
  ): Promise<ReadonlyMap<string, StoredState> | undefined> {
    if (this.#failedAt !== undefined && performance.now() - this.#failedAt < PAUSE_MS) return undefined;
    const calls = new Map(toolCallIds.map((toolCallId) => [this.seal.idOf(owner, toolCallId), toolCallId]));
    let rows: readonly SealedTurnState[];
    try {
      rows = await inTime(this.store.find([...calls.keys()], at));
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
    if (this.#failedAt !== undefined) this.#log.log('The store of turn states answers again.');
    this.#failedAt = undefined;
    const found = new Map<string, StoredState>();
    for (const row of rows) {
      const toolCallId = calls.get(row.id);
      const state = toolCallId === undefined ? undefined : this.seal.open(owner, toolCallId, row);
      if (state === undefined) this.#sayUnreadable();
      else found.set(state.toolCallId, { state, expiresAt: row.expiresAt });
    }
    return found;
  }

  #failed(error: unknown): void {
    if (this.#failedAt === undefined)
      this.#log.error(`The store of turn states does not answer; requests go on without it: ${String(error)}`);
    this.#failedAt = performance.now();
  }

  #sayUnreadable(): void {
    if (!this.#saidUnreadable)
      this.#log.warn('A stored turn state cannot be decrypted, and counts as not there: was it changed?');
    this.#saidUnreadable = true;
  }
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  return Promise.race([answer, tooLate]).finally(() => clearTimeout(timer));
}
