import type { Run, RunKeeper } from './run.js';

/** Whatever clients send: this much is remembered, and no more. */
const MOST_RUNS = 10_000;
const [MOST_BYTES, MOST_BYTES_EACH] = [64 * 1024 * 1024, 4 * 1024 * 1024];
/** How long a run is remembered after its end. */
export const KEPT_MS = 10_000;
const SWEEP_MS = 1_000;

/** The runs that can be joined or replayed. */
export class RecentRuns implements RunKeeper {
  readonly #byKey = new Map<string, Run>();
  /** Those that go on, the oldest first. */
  readonly #going = new Set<Run>();
  /** Those that have ended, the oldest first. */
  readonly #over = new Set<Run>();
  #bytes = 0;
  #sweeping: NodeJS.Timeout | undefined;

  /** What is held now. */
  get held(): { readonly runs: number; readonly bytes: number } {
    return { runs: this.#byKey.size, bytes: this.#bytes };
  }

  find(key: string): Run | undefined {
    const run = this.#byKey.get(key);
    return run === undefined || hasExpired(run) ? undefined : run;
  }

  /** Takes in a run that begins; it takes the place of an earlier one with its key. */
  add(run: Run): void {
    const earlier = this.#byKey.get(run.name.key);
    if (earlier !== undefined) this.#forget(earlier);
    this.#byKey.set(run.name.key, run);
    this.#going.add(run);
    this.#makeRoom();
  }

  grew(run: Run, bytes: number): void {
    this.#bytes += bytes;
    if (run.bytes > MOST_BYTES_EACH) this.#forget(run);
    this.#makeRoom();
  }

  ended(run: Run): void {
    if (!this.#going.delete(run)) return;
    if (!run.isWorthKeeping) return this.#forget(run);
    this.#over.add(run);
    this.#sweepLater();
  }

  #makeRoom(): void {
    for (const runs of [this.#over, this.#going]) {
      for (const oldest of runs) {
        if (this.#byKey.size <= MOST_RUNS && this.#bytes <= MOST_BYTES) return;
        this.#forget(oldest);
      }
    }
  }

  #forget(run: Run): void {
    if (this.#byKey.get(run.name.key) === run) this.#byKey.delete(run.name.key);
    this.#going.delete(run);
    this.#over.delete(run);
    this.#bytes -= run.bytes;
    run.forget();
  }

  /** One timer for all, and none while nothing is remembered. */
  #sweepLater(): void {
    if (this.#sweeping === undefined) this.#sweeping = setTimeout(() => this.#sweep(), SWEEP_MS).unref();
  }

  #sweep(): void {
    this.#sweeping = undefined;
    for (const run of this.#over) {
      if (!hasExpired(run)) return this.#sweepLater();
      this.#forget(run);
    }
  }
}

const hasExpired = ({ endedAt }: Run): boolean => endedAt !== undefined && performance.now() - endedAt >= KEPT_MS;
