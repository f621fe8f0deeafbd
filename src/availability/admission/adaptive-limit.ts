/** How a call went, for the limit that adapts. */
export interface Experience {
  /** Compared with its like only: the first token of a stream comes long before a whole answer. */
  readonly kind: 'stream' | 'whole';
  /** To the first token of a stream, or to the end of a whole answer. */
  readonly ms: number;
  /** The upstream said so (429, 503, 529), or did not answer in time. */
  readonly overloaded: boolean;
}

const START = 20;

/** How many calls at a time an upstream carries, learned from how they go. */
export class AdaptiveLimit {
  readonly #limit = START;

  get limit(): number {
    return this.#limit;
  }

  /** `inFlight`: the calls there were when this one ended, itself among them. */
  learn(_experience: Experience, _inFlight: number): void {
    // a limit that stays is right until more is known
  }
}
