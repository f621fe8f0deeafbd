import { OverloadedError } from '../../domain/errors.js';
import { AdaptiveLimit, type Experience } from './adaptive-limit.js';

/** Calls at a time; `auto`: as many as the upstream turns out to carry; undefined: they are only counted. */
export type Concurrency = number | 'auto' | undefined;

/**
 * Who wants in. Of its two callbacks exactly one is called, once, and perhaps before `enter` returns: a promise for each
 * call would cost more.
 */
export interface Visitor {
  /** `performance.now()` in ms: to be let in later than this is of no use. */
  readonly until: number;
  admitted(place: Place): void;
  refused(error: OverloadedError): void;
}

/** A place taken: it is given back once, and whoever gives it back again does no harm. */
export interface Place {
  /** Without an experience where the call says nothing about the upstream, as one that the client left. */
  leave(experience?: Experience): void;
}

interface Waiting {
  readonly visitor: Visitor;
  /** `performance.now()` in ms. */
  readonly givesUpAt: number;
}

/** Longer than this a client is better served by the next target, or by a refusal it can act on. */
const MAX_WAIT_MS = 10_000;
/** A small limit must still take a burst: the ten parallel calls of one page. */
const MIN_QUEUE = 10;
/** Two rounds of calls: who comes behind those would mostly wait in vain. */
const QUEUED_PER_PLACE = 2;
const [MIN_RETRY_MS, MAX_RETRY_MS] = [100, 60_000];
/** How much one call counts in the mean time a place is held: the last twenty or so decide. */
const HELD_WEIGHT = 0.1;

const nothingToLeave = (): void => undefined;

/**
 * Lets in only as many calls as its upstream may have at a time; a few more wait their turn, and all others learn at once
 * that they cannot be served.
 */
export class Gate {
  #concurrency: Concurrency;
  #adaptive: AdaptiveLimit | undefined;
  #inFlight = 0;
  /** In the order they came; a set, because who steps out may stand anywhere in it. */
  readonly #queue = new Set<Waiting>();
  #meanHeldMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  #admitting = false;

  constructor(concurrency: Concurrency) {
    this.#concurrency = concurrency;
    this.#adaptive = adaptiveFor(concurrency);
  }

  get concurrency(): Concurrency {
    return this.#concurrency;
  }

  /** A limit that adapts keeps what it learned when it is told to adapt again. */
  set concurrency(concurrency: Concurrency) {
    if (concurrency === this.#concurrency) return;
    this.#concurrency = concurrency;
    this.#adaptive = adaptiveFor(concurrency);
    this.#admitWaiting();
  }

  /** The limit in force: Infinity where there is none. */
  get limit(): number {
    if (this.#adaptive !== undefined) return this.#adaptive.limit;
    return typeof this.#concurrency === 'number' ? this.#concurrency : Infinity;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get queued(): number {
    return this.#queue.size;
  }

  /** Whether a call would have to wait. */
  get isFull(): boolean {
    return this.#queue.size > 0 || !this.#hasRoom;
  }

  /** Returns how to step out of the queue: who does is not called any more. */
  enter(visitor: Visitor): () => void {
    if (!this.isFull) {
      visitor.admitted(this.#takePlace());
      return nothingToLeave;
    }
    const now = performance.now();
    const waiting: Waiting = { visitor, givesUpAt: Math.min(visitor.until, now + MAX_WAIT_MS) };
    const isQueueFull = this.#queue.size >= Math.max(MIN_QUEUE, QUEUED_PER_PLACE * this.limit);
    if (isQueueFull || waiting.givesUpAt <= now || now + this.#expectedWaitMs > waiting.givesUpAt) {
      this.#refuse(visitor);
      return nothingToLeave;
    }
    this.#queue.add(waiting);
    this.#wakeAt(waiting.givesUpAt);
    return () => this.#remove(waiting);
  }

  get #hasRoom(): boolean {
    return this.#inFlight < this.limit;
  }

  /** Of one who comes now: 0 as long as no call has ended and told how long calls take. */
  get #expectedWaitMs(): number {
    const endingsNeeded = Math.max(0, this.#queue.size + 1 + this.#inFlight - this.limit);
    return (endingsNeeded * this.#meanHeldMs) / this.limit;
  }

  #takePlace(): Place {
    this.#inFlight++;
    const since = performance.now();
    let isHeld = true;
    return {
      leave: (experience) => {
        if (!isHeld) return;
        isHeld = false;
        this.#placeLeft(performance.now() - since, experience);
      },
    };
  }

  #placeLeft(heldMs: number, experience: Experience | undefined): void {
    this.#meanHeldMs += (heldMs - this.#meanHeldMs) * (this.#meanHeldMs === 0 ? 1 : HELD_WEIGHT);
    if (experience !== undefined) this.#adaptive?.learn(experience, this.#inFlight);
    this.#inFlight--;
    this.#admitWaiting();
  }

  /**
   * A visitor may leave or enter while it is told: whoever fits thereby is let in by the loop that runs, in turn, and not
   * a call deeper each.
   */
  #admitWaiting(): void {
    if (this.#admitting || this.#queue.size === 0) return;
    this.#admitting = true;
    try {
      const now = performance.now();
      for (const waiting of this.#queue) {
        if (!this.#hasRoom) break;
        this.#remove(waiting);
        if (waiting.visitor.until <= now) this.#refuse(waiting.visitor);
        else waiting.visitor.admitted(this.#takePlace());
      }
    } finally {
      this.#admitting = false;
    }
  }

  #refuse(visitor: Visitor): void {
    const retryAfterMs = Math.ceil(Math.min(Math.max(this.#expectedWaitMs, MIN_RETRY_MS), MAX_RETRY_MS));
    visitor.refused(new OverloadedError('The model is busy: too many calls are waiting for it.', retryAfterMs));
  }

  #remove(waiting: Waiting): void {
    if (this.#queue.delete(waiting) && this.#queue.size === 0) this.#stopTimer();
  }

  /** One timer for all who wait: a timer each would be set and cleared for every call of a busy upstream. */
  #wakeAt(at: number): void {
    if (at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => this.#refuseLate(), Math.ceil(at - performance.now()));
    this.#timer.unref();
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = Infinity;
  }

  #refuseLate(): void {
    this.#stopTimer();
    const now = performance.now();
    let next = Infinity;
    for (const waiting of this.#queue) {
      if (waiting.givesUpAt <= now) {
        this.#remove(waiting);
        this.#refuse(waiting.visitor);
      } else next = Math.min(next, waiting.givesUpAt);
    }
    if (this.#queue.size > 0) this.#wakeAt(next);
  }
}

function adaptiveFor(concurrency: Concurrency): AdaptiveLimit | undefined {
  return concurrency === 'auto' ? new AdaptiveLimit() : undefined;
}
