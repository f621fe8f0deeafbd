import { Logger } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { takenByHalves, type Taker } from './by-halves.js';
import type { Outbox, OutboxRow } from './outbox.js';
import { isInTheWay, isRowsFault } from './postgres-failure.js';
import type { RowWriter } from './usage-writer.js';

/** So many rows PostgreSQL takes in some 20 ms. */
const LARGEST_BATCH = 500;
/** What takes too long as a whole may be taken in parts. */
const SMALLEST_BATCH = 16;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
const REPEATS = 5;
/** A statement costs more than a row in it. */
const GATHER_MS = 50;
/** Another process that used the outbox may have ended and left something. */
const LOOK_AGAIN_MS = 2_000;

/** Brings what is in the outbox to PostgreSQL: in order, one batch at a time, for as long as it takes. */
export class UsageShipper {
  /** How often a batch could not be shipped since the start. */
  failures = 0;
  readonly #log = new Logger('Storage');
  readonly #taker: Taker<OutboxRow>;
  #failedInARow = 0;
  #batchSize = LARGEST_BATCH;
  #timer: NodeJS.Timeout | undefined;
  #lookingAgain: NodeJS.Timeout | undefined;
  #shipping: Promise<void> | undefined;
  #closed = false;

  constructor(
    private readonly outbox: Outbox,
    private readonly target: RowWriter,
  ) {
    this.#taker = {
      take: async (rows) => {
        await this.#write(rows.map(({ row }) => row));
        await outbox.delete(rows);
      },
      isOwnFault: isRowsFault,
      refuse: async (row, error) => {
        await outbox.refuse(row, String(error));
        this.#log.error(`PostgreSQL refuses a usage record, which is kept in the outbox: ${String(error)}`);
      },
    };
  }

  /** There is something to ship. */
  wake(): void {
    if (this.#timer === undefined && this.#shipping === undefined) this.#schedule(GATHER_MS);
  }

  /** Ships what is left, as far as that succeeds in time, and no more after that. */
  async close(withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    clearTimeout(this.#timer);
    await Promise.race([this.#ship(), pause(withinMs, undefined, { ref: false })]);
    const isLeft = () => this.outbox.first(1).length > 0;
    while (this.#failedInARow === 0 && isLeft() && performance.now() < deadline)
      await Promise.race([this.#ship(), pause(deadline - performance.now(), undefined, { ref: false })]);
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#lookingAgain);
  }

  #schedule(ms: number): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#ship(), ms).unref();
  }

  #lookAgain(): void {
    clearTimeout(this.#lookingAgain);
    if (!this.#closed) this.#lookingAgain = setTimeout(() => this.wake(), LOOK_AGAIN_MS).unref();
  }

  #ship(): Promise<void> {
    this.#timer = undefined;
    this.#shipping ??= this.#shipBatch().then((wait) => {
      this.#shipping = undefined;
      clearTimeout(this.#timer);
      this.#timer = undefined;
      if (wait !== undefined) this.#schedule(wait);
      else this.#lookAgain();
    });
    return this.#shipping;
  }

  /** Returns when to go on, in milliseconds; undefined: that was all. */
  async #shipBatch(): Promise<number | undefined> {
    const rows = this.outbox.first(this.#batchSize);
    if (rows.length === 0) return undefined;
    try {
      await takenByHalves(rows, this.#taker);
    } catch (error) {
      return this.#failed(error);
    }
    if (this.#failedInARow > 0) this.#log.log('PostgreSQL takes usage records again.');
    this.#failedInARow = 0;
    this.#batchSize = Math.min(this.#batchSize * 2, LARGEST_BATCH);
    return rows.length >= SMALLEST_BATCH ? 0 : GATHER_MS;
  }

  #failed(error: unknown): number {
    if (this.#failedInARow === 0 && !this.#closed)
      this.#log.error(`PostgreSQL does not take usage records, which wait in the outbox: ${String(error)}`);
    this.failures += 1;
    this.#failedInARow += 1;
    this.#batchSize = Math.max(SMALLEST_BATCH, Math.floor(this.#batchSize / 2));
    return Math.min(FIRST_RETRY_MS * 2 ** (this.#failedInARow - 1), LAST_RETRY_MS);
  }

  /** Another replica may have been in the way, and no longer be. */
  async #write(rows: readonly string[]): Promise<void> {
    for (let repeats = REPEATS; ; repeats -= 1) {
      try {
        return await this.target.writeRows(rows);
      } catch (error) {
        if (!isInTheWay(error) || repeats === 0) throw error;
      }
    }
  }
}
