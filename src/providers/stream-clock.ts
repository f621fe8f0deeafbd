import { UpstreamTimeoutError } from '../domain/errors.js';
import type { Timeouts } from '../domain/deployment.js';
import type { Flow } from '../domain/flow.js';

/** The two clocks of a stream: one to its first token, then one that every sign of life sets back. */
export class StreamClock {
  #timer: NodeJS.Timeout;
  #running: 'firstToken' | 'idle' = 'firstToken';

  constructor(
    private readonly timeouts: Timeouts,
    private readonly flow: Flow,
    private readonly expired: (error: UpstreamTimeoutError) => void,
  ) {
    this.#timer = setTimeout(() => this.#expire(), timeouts.firstToken);
  }

  started(): void {
    clearTimeout(this.#timer);
    this.#running = 'idle';
    this.#timer = setTimeout(() => this.#expire(), this.timeouts.idle);
  }

  /** The provider is alive. Before the first token that does not count: it may send comments for ever. */
  tick(): void {
    if (this.#running === 'idle') this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #expire(): void {
    // While the client makes us wait, the provider's silence is our own doing.
    if (this.flow.paused) this.#timer.refresh();
    else this.expired(new UpstreamTimeoutError(this.#running, this.timeouts[this.#running]));
  }
}
