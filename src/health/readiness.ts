import { Injectable } from '@nestjs/common';

export type Phase = 'starting' | 'ready' | 'draining';

/** Whether new requests are welcome: from when the gateway listens until it is told to stop. */
@Injectable()
export class Readiness {
  #phase: Phase = 'starting';

  get phase(): Phase {
    return this.#phase;
  }

  /** The gateway listens. Draining is final: a start that is late must not undo it. */
  ready(): void {
    if (this.#phase === 'starting') this.#phase = 'ready';
  }

  /** The gateway was told to stop; open answers go on, load balancers send no more. */
  draining(): void {
    this.#phase = 'draining';
  }
}
