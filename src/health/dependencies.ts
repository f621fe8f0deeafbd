import { Injectable, Logger } from '@nestjs/common';
import { StorageHealth } from '../storage/storage-health.js';

export interface DependencyCheck {
  readonly status: 'up' | 'down';
}

/** Probes need no key, so however many come, a dependency is asked no more often than this. */
const FRESH_MS = 1_000;

/** What the gateway depends on, and whether it is there. */
@Injectable()
export class Dependencies {
  readonly #log = new Logger(Dependencies.name);
  #last: Promise<DependencyCheck> | undefined;
  #askedAt = -Infinity;
  #wasUp = true;

  constructor(private readonly storage: StorageHealth) {}

  /** By name. Why one is down stands in the log only: the reason may tell hosts and users. */
  async check(): Promise<Readonly<Record<string, DependencyCheck>>> {
    if (this.#last === undefined || performance.now() - this.#askedAt > FRESH_MS) {
      this.#askedAt = performance.now();
      this.#last = this.#ask();
    }
    return { [this.storage.name]: await this.#last };
  }

  async #ask(): Promise<DependencyCheck> {
    try {
      await this.storage.check();
      if (!this.#wasUp) this.#log.log(`The ${this.storage.name} is up again.`);
      this.#wasUp = true;
      return { status: 'up' };
    } catch (error) {
      if (this.#wasUp) this.#log.error(`The ${this.storage.name} is down: ${String(error)}`);
      this.#wasUp = false;
      return { status: 'down' };
    }
  }
}
