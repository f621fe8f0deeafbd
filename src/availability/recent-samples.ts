/** The newest samples of something measured, as long as they say something about now. */
export class RecentSamples {
  /** Two rings, filled as samples come: most upstreams never see enough calls to be worth the room beforehand. */
  readonly #values: number[] = [];
  readonly #times: number[] = [];
  #next = 0;

  constructor(
    private readonly most: number,
    private readonly maxAgeMs: number,
  ) {}

  /** `now` is of `performance.now()`. */
  add(value: number, now: number): void {
    this.#values[this.#next] = value;
    this.#times[this.#next] = now;
    this.#next = (this.#next + 1) % this.most;
  }

  /** In no order. */
  values(now: number): number[] {
    const oldest = now - this.maxAgeMs;
    return this.#values.filter((_, index) => (this.#times[index] ?? 0) > oldest);
  }

  /** When the first of the samples that `values(now)` gives is too old; Infinity where it gives none. */
  staleAt(now: number): number {
    const oldest = now - this.maxAgeMs;
    let first = Infinity;
    for (const time of this.#times) if (time > oldest && time < first) first = time;
    return first + this.maxAgeMs;
  }
}
