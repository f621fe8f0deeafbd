import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { LiveConfig } from '../config/live-config.js';
import { ExpiredUsage } from './expired-usage.js';

/** A start has enough to do, and a gateway that is restarted often deletes all the same. */
const FIRST_MS = 5 * 60_000;
const EVERY_MS = 60 * 60_000;
/** Between two deletions, for everybody else. */
const PAUSE_MS = 50;

/** Deletes what is older than the config has it kept, in small portions, every hour. Several replicas may do so at once. */
@Injectable()
export class Retention implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #log = new Logger(Retention.name);
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    private readonly config: LiveConfig,
    private readonly expired: ExpiredUsage,
  ) {}

  onApplicationBootstrap(): void {
    this.#schedule(FIRST_MS);
  }

  onApplicationShutdown(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Deletes all that is due by now. */
  async run(now: number = Date.now()): Promise<void> {
    const { keepRequests, keepSums } = this.config.current.usage;
    if (keepRequests !== undefined) {
      const requests = await this.#all(() => this.expired.deleteRequests(now - keepRequests));
      if (requests > 0) this.#log.log(`${requests} usage records were kept long enough and are deleted.`);
    }
    if (keepSums !== undefined) await this.#all(() => this.expired.deleteSums(now - keepSums));
  }

  async #all(some: () => Promise<number>): Promise<number> {
    let sum = 0;
    while (!this.#closed) {
      const deleted = await some();
      sum += deleted;
      if (deleted < this.expired.most) break;
      await pause(PAUSE_MS, undefined, { ref: false });
    }
    return sum;
  }

  #schedule(ms: number): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.run()
        .catch((error: unknown) => this.#log.error(`What is old could not be deleted: ${String(error)}`))
        .finally(() => this.#schedule(EVERY_MS));
    }, ms).unref();
  }
}
