import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import type { TurnState } from '../domain/turn-state.js';
import { nameOf, sizeOf } from './remembered-states.js';
import { StateSeal } from './state-seal.js';
import { TurnStateStore } from './turn-state.store.js';

/** A state on its way to the store. */
interface Waiting {
  readonly owner: string;
  readonly state: TurnState;
  readonly expiresAt: number;
  readonly size: number;
}

/** SQLite writes in our own thread, and nothing else moves meanwhile. */
const BATCH_STATES = 100;
const BATCH_BYTES = 2 * 1024 * 1024;
const MAX_WAITING_BYTES = 32 * 1024 * 1024;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
const SHUTDOWN_MS = 3_000;

/** Seals turn states and writes them to the store, in groups and behind the answers they came with. */
@Injectable()
export class TurnStateWriter implements OnApplicationShutdown {
  readonly #log = new Logger('TurnState');
  /** In the order in which they came; a newer one of the same call takes the older one's place. */
  readonly #waiting = new Map<string, Waiting>();
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  /** Batches that failed in a row. */
  #failures = 0;
  #full = false;
  #closing = false;

  constructor(
    private readonly store: TurnStateStore,
    private readonly seal: StateSeal,
  ) {}

  put(owner: string, state: TurnState, expiresAt: number): void {
    const waiting = { owner, state, expiresAt, size: sizeOf(state) };
    if (this.#bytes + waiting.size > MAX_WAITING_BYTES) {
      if (!this.#full) this.#log.error('Too many turn states wait for their store: more are kept in memory only.');
      this.#full = true;
      return;
    }
    const name = nameOf(owner, state.toolCallId);
    this.#remove(name, this.#waiting.get(name));
    this.#waiting.set(name, waiting);
    this.#bytes += waiting.size;
    this.#schedule();
  }

  /** Writes what is waiting; false where that did not succeed in time. */
  async flush(withinMs: number): Promise<boolean> {
    const deadline = performance.now() + withinMs;
    while (this.#waiting.size > 0 && performance.now() < deadline) {
      // Not `ref`: a deadline that was not needed must not keep the process alive.
      await Promise.race([this.#write(), pause(deadline - performance.now(), undefined, { ref: false })]);
      if (this.#failures > 0) await pause(FIRST_RETRY_MS);
    }
    return this.#waiting.size === 0;
  }

  async onApplicationShutdown(): Promise<void> {
    const written = await this.flush(SHUTDOWN_MS);
    this.#closing = true;
    clearTimeout(this.#timer);
    if (!written) this.#log.error(`${this.#waiting.size} turn states could not be written before the end.`);
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#writing !== undefined || this.#closing || this.#waiting.size === 0) return;
    const wait = this.#failures === 0 ? 0 : Math.min(FIRST_RETRY_MS * 2 ** (this.#failures - 1), LAST_RETRY_MS);
    this.#timer = setTimeout(() => void this.#write(), wait);
  }

  /** One batch at a time: while it is being written the next one gathers. */
  #write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#writeBatch().finally(() => {
      this.#writing = undefined;
      this.#schedule();
    });
    return this.#writing;
  }

  async #writeBatch(): Promise<void> {
    const batch = this.#nextBatch();
    try {
      await this.store.write(batch.map(([, { owner, state, expiresAt }]) => this.seal.seal(owner, state, expiresAt)));
    } catch (error) {
      if (this.#failures === 0) this.#log.error(`Turn states cannot be written, and wait: ${String(error)}`);
      this.#failures += 1;
      return;
    }
    if (this.#failures > 0) this.#log.log('The store of turn states takes them again.');
    this.#failures = 0;
    this.#full = false;
    for (const [name, waiting] of batch) this.#remove(name, waiting);
  }

  #nextBatch(): readonly (readonly [string, Waiting])[] {
    const batch: [string, Waiting][] = [];
    let bytes = 0;
    for (const entry of this.#waiting) {
      bytes += entry[1].size;
      if (batch.length > 0 && (bytes > BATCH_BYTES || batch.length >= BATCH_STATES)) break;
      batch.push(entry);
    }
    return batch;
  }

  /** Not where a newer one has come since. */
  #remove(name: string, waiting: Waiting | undefined): void {
    if (waiting === undefined || this.#waiting.get(name) !== waiting) return;
    this.#waiting.delete(name);
    this.#bytes -= waiting.size;
  }
}
