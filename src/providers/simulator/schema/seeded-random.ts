/** A stream of numbers that one seed always repeats (mulberry32): good for tests, never for secrets. */
export class SeededRandom {
  #state: number;

  /** Any safe integer; seeds that differ above 32 bits differ too. */
  constructor(seed: number) {
    this.#state = ((Math.floor(seed / 2 ** 32) * 0x9e3779b1) ^ seed) | 0;
  }

  /** At least 0, below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** One of the list, which must not be empty. */
  pick<Item>(list: readonly Item[]): Item {
    return list[this.between(0, list.length - 1)] as Item;
  }
}
