import type { UsageRecord } from '../domain/usage.js';

/** What the log holds that has not gone where it is read. */
export interface Backlog {
  readonly records: number;
  /** Of the oldest of them: how long ago its request came, in milliseconds. */
  readonly oldestMs: number;
  /** Put aside because the database does not take them for their own sake. */
  readonly refused: number;
  /** How often they could not be passed on since the start. */
  readonly failures: number;
}

/** Where a record is safe from the end of the process before the last byte of its answer leaves. */
export abstract class UsageLog {
  /** While it takes nothing. Kept by the recorder, who alone writes to it and sees it hang, too. */
  failing = false;

  /** Writes all of them or rejects; one that is there already is left alone. */
  abstract append(records: readonly UsageRecord[]): Promise<void>;
  /** Rejects while it takes nothing. */
  check(): Promise<void> {
    return this.failing ? Promise.reject(new Error('The usage log takes nothing.')) : Promise.resolve();
  }

  abstract backlog(): Backlog;
  /** What earlier processes left in it is where it is read. */
  hasCaughtUp(): boolean {
    return true;
  }
}
