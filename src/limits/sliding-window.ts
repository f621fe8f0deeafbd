/** Limits hold in every stretch of so many milliseconds. */
export const WINDOW_MS = 60_000;
/** What happens within one of these leaves the window together, with the last of it. */
const STEP_MS = 1_000;

export type Counted = 'requests' | 'tokens';

/** What was admitted within one second. It counts until a whole window has passed since the last of it. */
export interface WindowEntry {
  readonly step: number;
  lastAt: number;
  requests: number;
  tokens: number;
  /** False: it counts no more. */
  live: boolean;
}

/** Requests and tokens of the last 60 seconds, at most 61 entries of them. Times are of any one clock that never goes back. */
export class SlidingWindow {
  readonly #entries: WindowEntry[] = [];
  #requests = 0;
  #tokens = 0;

  /** Without what has left the window by `now`. */
  used(what: Counted, now: number): number {
    this.#expire(now);
    return what === 'requests' ? this.#requests : this.#tokens;
  }

  add(tokens: number, now: number): WindowEntry {
    this.#expire(now);
    const step = Math.floor(now / STEP_MS);
    let entry = this.#entries.at(-1);
    if (entry?.step !== step) {
      entry = { step, lastAt: now, requests: 0, tokens: 0, live: true };
      this.#entries.push(entry);
    }
    entry.lastAt = now;
    entry.requests += 1;
    entry.tokens += tokens;
    this.#requests += 1;
    this.#tokens += tokens;
    return entry;
  }

  /** What was guessed of an entry is known now, and is so much more (or less). */
  correct(entry: WindowEntry, tokens: number): void {
    if (!entry.live) return;
    entry.tokens += tokens;
    this.#tokens += tokens;
  }

  /** Milliseconds until there is room for `amount`; 0: there is; Infinity: there never will be. */
  waitFor(what: Counted, { amount, limit, now }: { amount: number; limit: number; now: number }): number {
    if (amount > limit) return Infinity;
    let excess = this.used(what, now) + amount - limit;
    if (excess <= 0) return 0;
    for (const entry of this.#entries) {
      excess -= entry[what];
      if (excess <= 0) return entry.lastAt + WINDOW_MS - now;
    }
    return WINDOW_MS;
  }

  /** Milliseconds until it is as if nothing had been used. */
  resetMs(now: number): number {
    this.#expire(now);
    const newest = this.#entries.at(-1);
    return newest === undefined ? 0 : newest.lastAt + WINDOW_MS - now;
  }

  #expire(now: number): void {
    let [oldest] = this.#entries;
    while (oldest !== undefined && now - oldest.lastAt >= WINDOW_MS) {
      oldest.live = false;
      this.#requests -= oldest.requests;
      this.#tokens -= oldest.tokens;
      this.#entries.shift();
      [oldest] = this.#entries;
    }
  }
}
