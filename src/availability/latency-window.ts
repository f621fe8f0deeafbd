import { RecentSamples } from './recent-samples.js';

/** Enough for a p95 that ten samples stand above; more would tell of an upstream that was. */
const MOST = 200;
const MAX_AGE_MS = 5 * 60_000;

/** How long an upstream lately took, in ms: asked far more often than it changes, so the order is kept until then. */
export class LatencyWindow {
  readonly #samples = new RecentSamples(MOST, MAX_AGE_MS);
  #sorted: readonly number[] = [];
  #sortedUntil = -Infinity;

  add(ms: number, now = performance.now()): void {
    this.#samples.add(ms, now);
    this.#sortedUntil = -Infinity;
  }

  /** The latency that the share `p` (0 to 1) of the samples does not exceed; null without samples. */
  percentile(p: number): number | null {
    const sorted = this.#inOrder();
    const rank = Math.ceil(p * sorted.length) - 1;
    return sorted[Math.min(Math.max(rank, 0), sorted.length - 1)] ?? null;
  }

  get size(): number {
    return this.#inOrder().length;
  }

  #inOrder(): readonly number[] {
    const now = performance.now();
    if (now >= this.#sortedUntil) {
      this.#sorted = this.#samples.values(now).sort((one, other) => one - other);
      this.#sortedUntil = this.#samples.staleAt(now);
    }
    return this.#sorted;
  }
}
