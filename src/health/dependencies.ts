import { Injectable, Logger } from '@nestjs/common';
import { StorageHealth, type Dependency } from '../storage/storage-health.js';

export interface DependencyCheck {
  readonly status: 'up' | 'down';
}

type Checks = Readonly<Record<string, DependencyCheck>>;

/** Probes need no key, so however many come, a dependency is asked no more often than this. */
const FRESH_MS = 1_000;

/** What the gateway depends on, and whether it is there. */
@Injectable()
export class Dependencies {
  readonly #log = new Logger(Dependencies.name);
  readonly #down = new Set<Dependency>();
  #last: Promise<Checks> | undefined;
  #askedAt = -Infinity;

  constructor(private readonly storage: StorageHealth) {}

  /** By name. Why one is down stands in the log only: the reason may tell hosts and users. */
  async check(): Promise<Checks> {
    if (this.#last === undefined || performance.now() - this.#askedAt > FRESH_MS) {
      this.#askedAt = performance.now();
      this.#last = this.#askAll();
    }
    return this.#last;
  }

  async #askAll(): Promise<Checks> {
    const asked = this.storage.dependencies.map(async (each) => [each.name, await this.#ask(each)] as const);
    return Object.fromEntries(await Promise.all(asked));
  }

  async #ask(dependency: Dependency): Promise<DependencyCheck> {
    const { name, tellsOfItself = false } = dependency;
    try {
      await dependency.check();
      if (this.#down.delete(dependency)) this.#log.log(`The ${name} is up again.`);
      return { status: 'up' };
    } catch (error) {
      if (!tellsOfItself && !this.#down.has(dependency)) {
        this.#log.error(`The ${name} is down: ${String(error)}`);
        this.#down.add(dependency);
      }
      return { status: 'down' };
    }
  }
}
