import { Injectable } from '@nestjs/common';
import { BehaviorSubject, type Observable } from 'rxjs';
import type { Config } from './config.js';

/** The config in force. A reload replaces it as a whole; what is built from it follows `changes`. */
@Injectable()
export class LiveConfig {
  readonly #state: BehaviorSubject<Config>;
  #version = 1;

  constructor(initial: Config) {
    this.#state = new BehaviorSubject(initial);
  }

  get current(): Config {
    return this.#state.value;
  }

  /** Counts the configs that have been in force since the start, from 1. */
  get version(): number {
    return this.#version;
  }

  /** The config in force, at once and after every reload. */
  get changes(): Observable<Config> {
    return this.#state;
  }

  replace(next: Config): void {
    this.#version += 1;
    this.#state.next(next);
  }
}
