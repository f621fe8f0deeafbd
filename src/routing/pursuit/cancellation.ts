/** An AbortController that costs nothing until somebody wants its signal: most calls come to their end. */
export class Cancellation {
  #stops: (() => void)[] = [];
  #cancelled = false;
  #abort: AbortController | undefined;

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      this.onCancel(() => abort.abort());
    }
    return this.#abort.signal;
  }

  /** Also after the fact: an adapter that had to wait for something before it could send must still be stopped. */
  onCancel(stop: () => void): void {
    if (this.#cancelled) stop();
    else this.#stops.push(stop);
  }

  cancel(): void {
    this.#cancelled = true;
    const stops = this.#stops;
    this.#stops = [];
    for (const stop of stops) stop();
  }
}
