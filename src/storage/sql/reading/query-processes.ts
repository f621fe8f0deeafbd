import { OverloadedError } from '../../../domain/errors.js';
import { QueryProcess, type Question } from './query-process.js';
import { ReadingTimeoutError } from './reading-timeout-error.js';

/** How long things may take, in milliseconds. */
export interface ReadingTimes {
  /** What a question may take at most. */
  readonly longest: number;
  /** How long a process stays that nobody asks. */
  readonly idle: number;
}

export const READING_TIMES: ReadingTimes = { longest: 30_000, idle: 30_000 };

const MOST_PROCESSES = 2;
const MOST_WAITING = 100;
const RETRY_MS = 5_000;

interface Asked {
  readonly question: Question;
  readonly resolve: (rows: readonly object[]) => void;
  readonly reject: (reason: unknown) => void;
}

/** Processes that read the embedded database, so that our own thread never does: none where nobody asks, two at most. */
export class QueryProcesses {
  readonly #idle: QueryProcess[] = [];
  readonly #waiting: Asked[] = [];
  readonly #all = new Set<QueryProcess>();
  #idleTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    private readonly path: string,
    private readonly times: ReadingTimes = READING_TIMES,
  ) {}

  get running(): number {
    return this.#all.size;
  }

  /** Rejects with a GatewayError where it takes too long, or too many wait. */
  ask(question: Question): Promise<readonly object[]> {
    if (this.#closed) return Promise.reject(new Error('The database is closed.'));
    if (this.#waiting.length >= MOST_WAITING)
      return Promise.reject(new OverloadedError('Too many questions to the ledger at once.', RETRY_MS));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject });
      this.#next();
    });
  }

  /** What is open is rejected. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#idleTimer);
    for (const process of this.#all) process.end();
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('The database is closed.'));
  }

  #next(): void {
    if (this.#closed || this.#waiting.length === 0) return;
    const process = this.#idle.pop() ?? this.#startedOrNone();
    if (process === undefined) return;
    const asked = this.#waiting.shift();
    if (asked !== undefined) void this.#run(process, asked);
  }

  /** Where none can be started, those who wait are told, unless another process will come to them. */
  #startedOrNone(): QueryProcess | undefined {
    try {
      return this.#started();
    } catch (error) {
      if (this.#all.size === 0) for (const { reject } of this.#waiting.splice(0)) reject(error);
      return undefined;
    }
  }

  #started(): QueryProcess | undefined {
    if (this.#all.size >= MOST_PROCESSES) return undefined;
    const process = new QueryProcess(this.path, () => {
      this.#all.delete(process);
      const at = this.#idle.indexOf(process);
      if (at !== -1) this.#idle.splice(at, 1);
      this.#next();
    });
    this.#all.add(process);
    return process;
  }

  async #run(process: QueryProcess, { question, resolve, reject }: Asked): Promise<void> {
    let tooLong = false;
    const timer = setTimeout(() => {
      tooLong = true;
      process.end();
    }, this.times.longest);
    try {
      resolve(await process.ask(question));
    } catch (error) {
      reject(tooLong ? new ReadingTimeoutError(this.times.longest) : error);
    } finally {
      clearTimeout(timer);
    }
    if (this.#all.has(process) && !tooLong) this.#idle.push(process);
    this.#endIdleLater();
    this.#next();
  }

  #endIdleLater(): void {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => {
      for (const process of this.#idle.splice(0)) process.end();
    }, this.times.idle).unref();
  }
}
