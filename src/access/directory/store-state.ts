import { Injectable, Logger } from '@nestjs/common';

/** How long a store that failed is left alone. */
export const PAUSE_MS = 500;

/** Whether the store of keys and teams answers, as far as whoever asked it last can tell. */
@Injectable()
export class StoreState {
  readonly #logger = new Logger('Keys');
  #failedAt: number | undefined;

  get isDown(): boolean {
    return this.#failedAt !== undefined;
  }

  get failedLately(): boolean {
    return this.#failedAt !== undefined && performance.now() - this.#failedAt < PAUSE_MS;
  }

  noteSuccess(): void {
    if (this.#failedAt !== undefined) this.#logger.log('The key store answers again.');
    this.#failedAt = undefined;
  }

  noteFailure(error: unknown): void {
    if (this.#failedAt === undefined) {
      const reason = error instanceof Error ? error.message : 'unknown failure';
      this.#logger.error(`The key store does not answer (${reason}). Keys seen before go on working; others get 503.`);
    }
    this.#failedAt = performance.now();
  }
}

/** How long anybody waits for the store. */
const PATIENCE_MS = 1_000;

/** Rejects where the answer takes longer than a second; what it brings then is nobody's. */
export async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${PATIENCE_MS} ms`));
    }, PATIENCE_MS);
  });
  return Promise.race([answer, tooLate]).finally(() => {
    clearTimeout(timer);
  });
}
