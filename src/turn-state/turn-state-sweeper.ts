import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { setImmediate as breath } from 'node:timers/promises';
import { TurnStateStore } from './turn-state.store.js';

const EVERY_MS = 15 * 60_000;
/** Deleted at once; SQLite does it in our own thread. */
const SOME = 500;

/** Deletes expired turn states from the store now and then. They are not found any more in any case. */
@Injectable()
export class TurnStateSweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #log = new Logger('TurnState');
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(private readonly store: TurnStateStore) {}

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => void this.#trySweep(), EVERY_MS).unref();
  }

  onApplicationShutdown(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  async sweep(at: number): Promise<void> {
    // SQLite's promises are settled at once: without a breath requests would wait until all is deleted.
    while (!this.#stopped && (await this.store.deleteExpired(at, SOME)) === SOME) await breath();
  }

  async #trySweep(): Promise<void> {
    try {
      await this.sweep(Date.now());
    } catch (error) {
      this.#log.warn(`Expired turn states could not be deleted, and will be later: ${String(error)}`);
    }
  }
}
