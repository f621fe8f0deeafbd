/**
 * Back-pressure, carried beside a stream because an Observable has none: whoever writes to a client that
 * does not keep up asks whoever reads from the provider to wait.
 */
export class Flow {
  #paused = false;
  #source: FlowSource | undefined;

  /** The reader says how it is stopped and set going again; a second reader takes the place of the first. */
  attach(source: FlowSource): void {
    this.#source = source;
    if (this.#paused) source.pause();
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#source?.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#source?.resume();
  }

  get paused(): boolean {
    return this.#paused;
  }
}

export interface FlowSource {
  pause(): void;
  resume(): void;
}
