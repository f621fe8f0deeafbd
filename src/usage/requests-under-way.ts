import { Injectable } from '@nestjs/common';

/** How many requests of each key this process is at. What a limit bounds is counted with the limits, over all replicas. */
@Injectable()
export class RequestsUnderWay {
  readonly #counts = new Map<string, number>();

  of(keyId: string): number {
    return this.#counts.get(keyId) ?? 0;
  }

  enter(keyId: string): void {
    this.#counts.set(keyId, this.of(keyId) + 1);
  }

  /** Owed once for each that entered. */
  leave(keyId: string): void {
    const left = this.of(keyId) - 1;
    if (left > 0) this.#counts.set(keyId, left);
    else this.#counts.delete(keyId);
  }
}
