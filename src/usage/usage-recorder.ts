import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import type { UsageRecord } from '../domain/usage.js';
import { UsageStore } from './usage.store.js';

/** A record on its way to the store, and whoever waits for it. */
interface Waiting {
  readonly record: UsageRecord;
  readonly settle: () => void;
  /** How many batches had succeeded when it last failed alone. */
  failedAloneAt?: number;
}

/** SQLite writes in our own thread: this many take it some 10 ms, in which nothing else moves. */
const LARGEST_BATCH = 200;
const MOST_WAITING = 100_000;
/** Under load a batch gathers for this long, so that one transaction serves many requests; an idle gateway does not wait. */
const GATHER_MS = 2;
const BUSY_MS = 10;
const HANGS_MS = 500;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
const SHUTDOWN_MS = 4_000;

/** Writes usage records to the store in order and in groups, and outlasts a store that fails. */
@Injectable()
export class UsageRecorder implements OnApplicationShutdown {
  readonly #log = new Logger(UsageRecorder.name);
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #writingSince = 0;
  #batchSize = LARGEST_BATCH;
  /** Where the next batch starts: beyond a record that failed alone, to see whether the fault is its own. */
  #skip = 0;
  #lastWriteAt = -Infinity;
  #successes = 0;
  /** Batches that failed in a row. */
  #failures = 0;
  #lost = 0;
  #closing = false;

  constructor(private readonly store: UsageStore) {}

  /** The store fails or hangs: waiting for a record now would only delay an answer. */
  get stalled(): boolean {
    return this.#failures > 0 || (this.#writing !== undefined && performance.now() - this.#writingSince > HANGS_MS);
  }

  /** Resolved when the record is durable, or given up for good, which is logged; never rejected. */
  record(record: UsageRecord): Promise<void> {
    if (this.#waiting.length >= MOST_WAITING) {
      if (this.#lost === 0) this.#log.error(`The usage store is down and ${MOST_WAITING} records wait: more are lost.`);
      this.#lost += 1;
      return Promise.resolve();
    }
    return new Promise((settle) => {
      this.#waiting.push({ record, settle });
      this.#schedule();
    });
  }

  /** Writes what is waiting; false where that did not succeed in time. */
  async flush(withinMs: number): Promise<boolean> {
    const deadline = performance.now() + withinMs;
    while (this.#waiting.length > 0 && performance.now() < deadline) {
      // Not `ref`: a deadline that was not needed must not keep the process alive.
      await Promise.race([this.#write(), pause(deadline - performance.now(), undefined, { ref: false })]);
      if (this.#failures > 0) await pause(FIRST_RETRY_MS);
    }
    return this.#waiting.length === 0;
  }

  async onApplicationShutdown(): Promise<void> {
    const written = await this.flush(SHUTDOWN_MS);
    this.#closing = true;
    clearTimeout(this.#timer);
    if (!written) this.#log.error(`${this.#waiting.length} usage records could not be written before the end.`);
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#writing !== undefined || this.#closing || this.#waiting.length === 0) return;
    const busy = performance.now() - this.#lastWriteAt < BUSY_MS;
    this.#timer = setTimeout(() => void this.#write(), this.#failures > 0 ? this.#retryMs() : busy ? GATHER_MS : 0);
  }

  #retryMs(): number {
    return Math.min(FIRST_RETRY_MS * 2 ** (this.#failures - 1), LAST_RETRY_MS);
  }

  /** One batch at a time: while it is being written the next one gathers. */
  #write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#writing === undefined) {
      this.#writingSince = performance.now();
      this.#writing = this.#writeBatch().finally(() => {
        this.#writing = undefined;
        this.#lastWriteAt = performance.now();
        this.#schedule();
      });
    }
    return this.#writing;
  }

  async #writeBatch(): Promise<void> {
    const batch = this.#waiting.slice(this.#skip, this.#skip + this.#batchSize);
    try {
      await this.store.append(batch.map(({ record }) => record));
    } catch (error) {
      this.#failed(batch, error);
      return;
    }
    this.#waiting.splice(this.#skip, batch.length);
    for (const { settle } of batch) settle();
    this.#succeeded();
  }

  #succeeded(): void {
    if (this.#failures > 0) this.#log.log(`The usage store takes records again; ${this.#waiting.length} wait.`);
    if (this.#lost > 0 && this.#waiting.length < MOST_WAITING) {
      this.#log.error(`${this.#lost} usage records were lost while the store was down.`);
      this.#lost = 0;
    }
    this.#successes += 1;
    this.#failures = 0;
    this.#skip = 0;
    this.#batchSize = Math.min(this.#batchSize * 8, LARGEST_BATCH);
  }

  /** A store that is down fails every batch; a record it cannot take fails its own, so batches shrink until it is alone. */
  #failed(batch: readonly Waiting[], error: unknown): void {
    const [first] = batch;
    if (batch.length === 1 && first !== undefined) this.#failedAlone(first, error);
    this.#batchSize = Math.max(1, Math.floor(batch.length / 8));
    if (this.#failures === 0) this.#log.error(`Usage records cannot be written, and wait: ${String(error)}`);
    this.#failures += 1;
  }

  /** If others can be written and it still cannot, it is given up: it must not stop the rest. */
  #failedAlone(waiting: Waiting, error: unknown): void {
    if (waiting.failedAloneAt !== undefined && waiting.failedAloneAt < this.#successes) {
      this.#log.error(
        `A usage record the store refuses is given up: ${String(error)} ${JSON.stringify(waiting.record)}`,
      );
      this.#waiting.splice(this.#skip, 1);
      waiting.settle();
    } else {
      waiting.failedAloneAt = this.#successes;
      this.#skip += 1;
    }
    if (this.#skip >= this.#waiting.length) this.#skip = 0;
  }
}
