const SHELF_MS = 5 * 60_000;
/** A 403 may be about one request; three in a row are not. */
const FORBIDDEN_IN_A_ROW = 3;
const FORBIDDEN = 403;

/** Where a credential is put aside once it was refused. Times are `performance.now()` in ms. */
export class Shelf {
  /** Refusals with 403 since the last success. */
  #forbidden = 0;
  #since = 0;
  #until = 0;

  /** 0 where it never was. */
  get until(): number {
    return this.#until;
  }

  refused(status: number): void {
    if (status === FORBIDDEN && ++this.#forbidden < FORBIDDEN_IN_A_ROW) return;
    this.#forbidden = 0;
    this.#since = performance.now();
    this.#until = this.#since + SHELF_MS;
  }

  /** A call that began at `since` was served. What began before the credential was put aside does not prove that wrong. */
  accepted(since: number): void {
    if (since < this.#since) return;
    this.#forbidden = 0;
    this.#until = 0;
  }
}
