import { Observable, type Subscriber } from 'rxjs';
import { type ChatFrame, chunkEvent, saidIn } from '../../domain/chat-frame.js';
import type { Usage } from '../../domain/chat.js';
import type { UpstreamCall } from '../provider.js';
import { StreamClock } from '../stream-clock.js';
import type { Beat } from './reply/reply-chunks.js';
import { COMMON } from './reply/reply-completion.js';

/** When the beats of an answer come, and where it breaks off. Milliseconds. */
export interface Pace {
  readonly firstTokenMs: number;
  readonly chunkMs: number;
  readonly breakOff: BreakOff | undefined;
}

export interface BreakOff {
  /** Chunks that still come. */
  readonly afterChunks: number;
  /** Undefined: silence, and nothing more. */
  readonly error: Error | undefined;
}

export interface PacedAnswer {
  readonly beats: Iterator<Beat, void>;
  readonly usage: Usage;
  readonly pace: Pace;
}

/** A frame of beats without delay is sent off once it is this long, and others get their turn. */
const FRAME_LENGTH = 16_384;

/**
 * The beats as frames, at their pace, the usage on the last one. Like a provider's stream it waits while the flow is
 * paused, runs against the deployment's clocks, and ends at once when unsubscribed from or when the call is aborted.
 */
export function pacedFrames(answer: PacedAnswer, call: UpstreamCall): Observable<ChatFrame> {
  return new Observable((frames) => {
    const stream = new PacedStream(answer, call, frames);
    const abort = (): void => frames.error(call.signal.reason);
    call.signal.addEventListener('abort', abort);
    if (call.signal.aborted) abort();
    else stream.start();
    return () => {
      call.signal.removeEventListener('abort', abort);
      stream.stop();
    };
  });
}

class PacedStream {
  readonly #clock: StreamClock;
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;
  /** The one to send next. */
  #beat: IteratorResult<Beat, void>;
  /** It was time for the next beat, but the client did not keep up. */
  #isDue = false;
  #sent = 0;
  /** Characters of answer in the frame that is being made. */
  #said = 0;

  constructor(
    private readonly answer: PacedAnswer,
    private readonly call: UpstreamCall,
    private readonly frames: Subscriber<ChatFrame>,
  ) {
    this.#clock = new StreamClock(call.deployment.timeouts, call.flow, (error) => frames.error(error));
    this.#beat = answer.beats.next();
  }

  start(): void {
    this.call.flow.attach({
      // What is due while paused waits for the resumption; a delay that is running runs on.
      pause: () => undefined,
      resume: () => {
        if (this.#isDue) this.#next(0);
      },
    });
    this.#next(this.answer.pace.firstTokenMs);
  }

  stop(): void {
    this.#clock.stop();
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
    this.#isDue = false;
  }

  #next(delay: number): void {
    this.#isDue = false;
    if (delay > 0) this.#timer = setTimeout(() => this.#produce(), delay);
    else if (this.#sent === 0) this.#produce();
    else this.#turn = setImmediate(() => this.#produce());
  }

  #produce(): void {
    if (this.call.flow.paused) {
      this.#isDue = true;
      return;
    }
    const { beats, usage, pace } = this.answer;
    const events: string[] = [];
    for (let length = 0; this.#beat.done !== true && length < FRAME_LENGTH; this.#beat = beats.next()) {
      for (const chunk of this.#beat.value) {
        if (this.#sent === pace.breakOff?.afterChunks) return this.#breakOff(events, pace.breakOff);
        this.#sent += 1;
        for (const { delta } of chunk.choices) this.#said += saidIn(delta);
        const event = chunkEvent(chunk);
        length += event.length;
        events.push(event);
      }
      if (pace.chunkMs > 0) length = FRAME_LENGTH;
    }
    const isLast = this.#beat.done === true;
    this.#emit(events, isLast ? usage : undefined);
    if (isLast) this.frames.complete();
    else if (!this.frames.closed) this.#next(pace.chunkMs);
  }

  #breakOff(events: readonly string[], { error }: BreakOff): void {
    if (events.length > 0) this.#emit(events, undefined);
    if (error !== undefined) this.frames.error(error);
  }

  #emit(events: readonly string[], usage: Usage | undefined): void {
    if (this.call.attempt.answeredAt === undefined) {
      this.call.attempt.answeredAt = performance.now();
      this.#clock.started();
    }
    this.#clock.tick();
    const said = this.#said;
    this.#said = 0;
    this.frames.next({ bytes: Buffer.from(events.join('')), usage, said, serviceTier: COMMON.service_tier });
  }
}
