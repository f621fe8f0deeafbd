import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import type { UsageRecord } from '../domain/usage.js';
import { UsageStore } from './usage.store.js';

/** A record on its way to the store. */
interface Waiting {
  readonly record: UsageRecord;
  readonly since: number;
  /** Tells whoever waits for it; undefined once they were told. */
  settle: (() => void) | undefined;
  /** How many batches had succeeded when it last failed alone. */
  failedAloneAt?: number;
}

/** SQLite writes in our own thread: this many take it some 8 ms, in which nothing else moves. */
const LARGEST_BATCH = 200;
const MOST_WAITING = 100_000;
/**
 * A transaction costs more than a record in it. So where the last batch, a moment ago, was of several, the next one
 * gathers for this long; an idle gateway, or a client that asks one thing after another, does not wait.
 */
const GATHER_MS = 3;
const BUSY_MS = 10;
/** How long anybody waits for a record to be durable; it is written in any case. */
const PATIENCE_MS = 250;
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
  /** One for all who wait: a timer for each would cost more than it is worth. */
  #patience: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #writingSince = 0;
  #batchSize = LARGEST_BATCH;
  /** Where the next batch starts: beyond a record that failed alone, to see whether the fault is its own. */
  #skip = 0;
  #lastWriteAt = -Infinity;
  #lastSize = 0;
  #successes = 0;
  /** Batches that failed in a row. */
  #failures = 0;
  #lost = 0;
  #closing = false;

  constructor(private readonly store: UsageStore) {}

  /** Records that are not in the store yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** The store fails or hangs: waiting for a record now would only delay an answer. */
  get stalled(): boolean {
    return this.#failures > 0 || (this.#writing !== undefined && performance.now() - this.#writingSince > HANGS_MS);
  }

  /**
   * Takes the record. `settled` is called once: when the record is durable, or nobody should wait for that any
   * longer. A callback and no promise, because this is done for every request; it must not throw.
   */
  record(record: UsageRecord, settled: () => void): void {
    if (this.#waiting.length >= MOST_WAITING) {
      if (this.#lost === 0) this.#log.error(`The usage store is down and ${MOST_WAITING} records wait: more are lost.`);
      this.#lost += 1;
      settled();
      return;
    }
    const waits = !this.stalled;
    this.#waiting.push({ record, since: performance.now(), settle: waits ? settled : undefined });
    this.#schedule();
    if (waits) this.#patience ??= setTimeout(() => this.#losePatience(), PATIENCE_MS);
    else settled();
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
    clearTimeout(this.#patience);
    if (!written) this.#log.error(`${this.#waiting.length} usage records could not be written before the end.`);
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#writing !== undefined || this.#closing || this.#waiting.length === 0) return;
    const busy = this.#lastSize > 1 && performance.now() - this.#lastWriteAt < BUSY_MS;
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
    this.#lastSize = batch.length;
    this.#succeeded();
    for (const waiting of batch) settle(waiting);
  }

  /** Lets those go who have waited long enough, and comes back for the others. */
  #losePatience(): void {
    const now = performance.now();
    let next: number | undefined;
    for (const waiting of this.#waiting) {
      if (waiting.settle === undefined) continue;
      const left = waiting.since + PATIENCE_MS - now;
      if (left <= 0) settle(waiting);
      else next = Math.min(left, next ?? left);
    }
    this.#patience = next === undefined ? undefined : setTimeout(() => this.#losePatience(), next);
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
      settle(waiting);
    } else {
      waiting.failedAloneAt = this.#successes;
      this.#skip += 1;
    }
    if (this.#skip >= this.#waiting.length) this.#skip = 0;
  }
}

function settle(waiting: Waiting): void {
  const { settle: tell } = waiting;
  waiting.settle = undefined;
  tell?.();
}
