import type { ChatFrame } from '../domain/chat-frame.js';
import { TruncatedStreamError, type UpstreamTimeoutError } from '../domain/errors.js';
import type { ChatDecoder } from '../protocols/protocol.js';
import type { UpstreamCall } from './provider.js';
import { StreamClock } from './stream-clock.js';

/** Where frames and the end of a stream go. */
export interface FrameSink {
  /** Nobody listens any more. */
  readonly closed: boolean;
  next(frame: ChatFrame): void;
  error(error: unknown): void;
  complete(): void;
}

/** Turns the bytes of one stream into frames, and every way it can go wrong into one error. */
export class StreamReader {
  readonly #clock: StreamClock;

  constructor(
    private readonly decoder: ChatDecoder,
    private readonly call: UpstreamCall,
    private readonly frames: FrameSink,
  ) {
    this.#clock = new StreamClock(call.deployment.timeouts, call.flow, (error) => this.#expire(error));
  }

  get done(): boolean {
    return this.decoder.done;
  }

  take(bytes: Buffer): void {
    this.#guard(() => {
      this.decoder.next(bytes, this.#emit);
      if (this.decoder.holds === true) this.#hold();
      this.#clock.tick();
      if (this.decoder.done) this.finish();
    });
  }

  finish(): void {
    this.#guard(() => {
      this.decoder.end(this.#emit);
      this.stop();
      this.frames.complete();
    });
  }

  fail(error: unknown): void {
    // A provider that has said everything and then drops the connection has still said everything.
    if (error instanceof TruncatedStreamError && this.decoder.complete) this.finish();
    else this.frames.error(error);
  }

  stop(): void {
    this.#clock.stop();
  }

  readonly #emit = (frame: ChatFrame): void => {
    this.#begin();
    this.frames.next(frame);
  };

  /** What is held back is not told by a frame, and may never be: it was said and is billed all the same. */
  #hold(): void {
    this.#begin();
    this.call.attempt.said += this.decoder.takeSaid();
  }

  /** The first token has come. */
  #begin(): void {
    if (this.call.attempt.answeredAt !== undefined) return;
    this.call.attempt.answeredAt = performance.now();
    this.#clock.started();
  }

  #expire(error: UpstreamTimeoutError): void {
    this.fail(this.decoder.complete ? new TruncatedStreamError(error) : error);
  }

  #guard(work: () => void): void {
    if (this.frames.closed) return;
    try {
      work();
    } catch (error) {
      this.frames.error(error);
    }
  }
}
