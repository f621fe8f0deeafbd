import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How late this thread came to what was due, in milliseconds. */
export interface Delays {
  readonly p50: number;
  readonly p99: number;
}

const RESOLUTION_MS = 20;
const WINDOW_MS = 1_000;
/** A median beyond this: whoever waits for several turns of the loop, and every request does, waits for seconds. */
const LATE_MS = 250;
/** One task that blocks the thread may fill a window by itself; it does not fill two. */
const LATE_WINDOWS = 2;

/** Whether the gateway has more to do than one thread can do in time. */
@Injectable()
export class EventLoopDelay implements OnModuleInit, OnModuleDestroy {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #timer: NodeJS.Timeout | undefined;
  #windowStart = performance.now();
  #latest: Delays = { p50: 0, p99: 0 };
  #lateWindows = 0;

  /** Of the last whole second. */
  get latest(): Delays {
    return this.#latest;
  }

  /** From the second late window on, until one is well below. */
  get isLate(): boolean {
    return this.#lateWindows >= LATE_WINDOWS;
  }

  onModuleInit(): void {
    this.#histogram.enable();
    this.#timer = setInterval(() => this.#endWindow(), WINDOW_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.#timer);
    this.#histogram.disable();
  }

  #endWindow(): void {
    const now = performance.now();
    this.#latest = { p50: this.#delay(50, now), p99: this.#delay(99, now) };
    this.#windowStart = now;
    this.#histogram.reset();
    if (this.#latest.p50 > LATE_MS) this.#lateWindows += 1;
    else if (!this.isLate || this.#latest.p50 < LATE_MS / 2) this.#lateWindows = 0;
  }

  /** From one turn to the next, less what lies between two that are in time; without two turns it is all one delay. */
  #delay(percentile: number, now: number): number {
    const ms = this.#histogram.count === 0 ? now - this.#windowStart : this.#histogram.percentile(percentile) / 1e6;
    return Math.max(0, ms - RESOLUTION_MS);
  }
}
