import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { OverloadedError } from '../domain/errors.js';
import type { UsageRecord } from '../domain/usage.js';
import { UsageLog } from './usage-log.js';

/** A record on its way into the log. */
interface Waiting {
  readonly record: UsageRecord;
  readonly since: number;
  /** Tells whoever waits for it; undefined once they were told. */
  settle: (() => void) | undefined;
}

/** SQLite writes in our own thread: this many take it some 5 ms, in which nothing else moves. */
const LARGEST_BATCH = 200;
/**
 * A transaction costs more than a record in it. So where the last batch, a moment ago, was of several, the next one
 * gathers for this long; an idle gateway, or a client that asks one thing after another, does not wait.
 */
const GATHER_MS = 3;
const BUSY_MS = 10;
/** How long an answer waits for its record to be durable; it is written in any case. */
const PATIENCE_MS = 2_000;
const HANGS_MS = 1_000;
/** While the log takes nothing only refusals go on, and need a bound: what was answered is kept in any case. */
const MOST_WAITING = 100_000;
const FIRST_RETRY_MS = 100;
/** Requests are refused meanwhile, so it is not long. */
const LAST_RETRY_MS = 1_000;
const SHUTDOWN_MS = 4_000;

/**
 * Writes usage records to the log in order and in groups, and outlasts a log that fails. None is ever given up: while
 * the log takes nothing, those that come are kept, and new requests are refused instead of being served unrecorded.
 */
@Injectable()
export class UsageRecorder implements OnApplicationShutdown {
  readonly #log = new Logger(UsageRecorder.name);
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** One for all who wait: a timer for each would cost more than it is worth. */
  #patience: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #writingSince = 0;
  #lastWriteAt = -Infinity;
  #lastSize = 0;
  /** Batches that failed in a row. */
  #failures = 0;
  #closing = false;
  /** Refusals that were not kept. */
  #forgotten = 0;

  constructor(readonly ledger: UsageLog) {}

  /** Records that are not in the log yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Why nothing may be begun that would have to be recorded; undefined: it may. */
  get refusal(): OverloadedError | undefined {
    if (!this.ledger.failing) return undefined;
    return new OverloadedError('The gateway cannot record what is used, and serves nothing unrecorded.', 1_000);
  }

  /**
   * Takes the record. `settled` is called once: when the record is durable, or nobody should wait for that any
   * longer. A callback and no promise, because this is done for every request; it must not throw.
   */
  record(record: UsageRecord, settled: () => void): void {
    if (record.outcome === 'refused' && this.#waiting.length >= MOST_WAITING) {
      this.#forgotten += 1;
      settled();
      return;
    }
    this.#waiting.push({ record, since: performance.now(), settle: settled });
    this.#schedule();
    this.#patience ??= setTimeout(() => this.#losePatience(), PATIENCE_MS);
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
    await this.flush(SHUTDOWN_MS);
    this.#closing = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#patience);
    // The process ends, and this is the only place left for them.
    for (const { record } of this.#waiting)
      this.#log.error(`A usage record could not be written before the end: ${JSON.stringify(record)}`);
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
    const batch = this.#waiting.slice(0, LARGEST_BATCH);
    try {
      await this.ledger.append(batch.map(({ record }) => record));
    } catch (error) {
      this.#fail(error);
      this.#failures += 1;
      return;
    }
    this.#waiting.splice(0, batch.length);
    this.#lastSize = batch.length;
    this.#failures = 0;
    if (this.ledger.failing) this.#recovered();
    for (const waiting of batch) settle(waiting);
  }

  #fail(error: unknown): void {
    if (!this.ledger.failing)
      this.#log.error(`Usage cannot be recorded: ${String(error)}. New requests are refused until it can.`);
    this.ledger.failing = true;
  }

  #recovered(): void {
    this.ledger.failing = false;
    this.#log.log(`Usage is recorded again; ${this.#waiting.length} records wait.`);
    if (this.#forgotten > 0) this.#log.error(`${this.#forgotten} requests that were refused are not recorded.`);
    this.#forgotten = 0;
  }

  /** Lets those go who have waited long enough, and comes back for the others. */
  #losePatience(): void {
    const now = performance.now();
    if (this.#writing !== undefined && now - this.#writingSince >= HANGS_MS)
      this.#fail('the log has not answered in time');
    let next: number | undefined;
    for (const waiting of this.#waiting) {
      if (waiting.settle === undefined) continue;
      const left = waiting.since + PATIENCE_MS - now;
      if (left <= 0) settle(waiting);
      else next = Math.min(left, next ?? left);
    }
    this.#patience = next === undefined ? undefined : setTimeout(() => this.#losePatience(), next);
  }
}

function settle(waiting: Waiting): void {
  const { settle: tell } = waiting;
  waiting.settle = undefined;
  tell?.();
}
