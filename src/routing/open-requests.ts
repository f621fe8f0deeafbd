import { Injectable } from '@nestjs/common';
import type { GatewayError } from '../domain/errors.js';

/** Ends one request with this error. */
export type Cut = (error: GatewayError) => void;

/** Requests that are being routed, with a client or without: a gateway that stops waits for them, then cuts them. */
@Injectable()
export class OpenRequests {
  readonly #cuts = new Set<Cut>();
  #waiting: (() => void)[] = [];
  #over: GatewayError | undefined;

  get size(): number {
    return this.#cuts.size;
  }

  /** Puts a request on the list; returns what takes it off. After `cutAll` it is cut at once. */
  track(cut: Cut): () => void {
    if (this.#over !== undefined) {
      cut(this.#over);
      return () => undefined;
    }
    this.#cuts.add(cut);
    return () => this.#remove(cut);
  }

  /** Ends all that are open, and whatever comes later. */
  cutAll(error: GatewayError): void {
    this.#over = error;
    for (const cut of this.#cuts) cut(error);
  }

  /** When none is open, at once if so. */
  none(): Promise<void> {
    return this.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }

  #remove(cut: Cut): void {
    this.#cuts.delete(cut);
    if (this.size === 0) for (const tell of this.#waiting.splice(0)) tell();
  }
}
