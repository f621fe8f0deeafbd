/** How a call went, for the limit that adapts. */
export interface Experience {
  /** Compared with its like only: the first token of a stream comes long before a whole answer. */
  readonly kind: 'stream' | 'whole';
  /** To the first token of a stream, or to the end of a whole answer. */
  readonly ms: number;
  /** The upstream said so (429, 503, 529), or did not answer in time. */
  readonly overloaded: boolean;
}

/** What a new upstream is trusted with: most carry more, and one that does not says so before much is lost. */
const START = 20;
const [MIN, MAX] = [1, 1_000];
/** Calls that `recent` looks back on: answers differ tenfold in length, and fewer of them would pass that off as a change. */
const WINDOW = 100;
/** So much slower than usual may be chance; what is slower still is a crowd. */
const TOLERANCE = 1.5;
/** Not by more at a time: a spell of slowness may be no matter of ours, and over before the limit is. */
const MAX_FALL = 0.5;
/** A small limit takes a step as one of this size would: it must not swing before `recent` could tell what the last step did. */
const MIN_ROUND = 20;
/** Some hundreds of calls until a change for the worse is the usual: most spells of slowness are over before. */
const RISE = 0.005;
/** What one refusal costs: little, since the next round may cost the same again. */
const CUT = 0.9;
/** With at most so many in flight, or this part of the limit, slowness is not the work of our crowd. */
const [FEW, SMALL_PART] = [10, 0.25];

/** Logarithms of ms: so one answer of a minute does not count as much as a hundred of half a second. */
interface Pace {
  recent: number;
  usual: number;
  calls: number;
}

/**
 * How many calls at a time an upstream carries, learned from how they go.
 *
 * An upstream that takes more calls than it can work on at once lets them wait, and its answers come late. So we keep, for
 * each kind of call, how long it took of late and how long it usually takes where no crowd delays it. As long as those agree
 * the limit grows by its square root per round (a round: as many calls as the limit), provided that it is used at all; when
 * answers come much slower than usual it shrinks in proportion, and it rests where both are in balance: a little above what
 * the upstream does at once. The usual follows every improvement immediately but a change for the worse only slowly, and
 * only while few calls are in flight: else a crowd that stays would in time be taken for the usual, and let a bigger one in.
 * An upstream that refuses instead of letting wait takes a tenth off the limit, once per round, and that round it does not grow.
 */
export class AdaptiveLimit {
  #limit = START;
  #callsSinceCut = Infinity;
  readonly #paces: Readonly<Record<Experience['kind'], Pace>> = {
    stream: { recent: 0, usual: 0, calls: 0 },
    whole: { recent: 0, usual: 0, calls: 0 },
  };

  /** A whole number. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** `inFlight`: the calls there were when this one ended, itself among them. */
  learn({ kind, ms, overloaded }: Experience, inFlight: number): void {
    this.#callsSinceCut++;
    if (overloaded) this.#cut();
    else this.#follow(this.#slowdown(this.#paces[kind], ms, inFlight), inFlight);
  }

  /** All calls of one round were let in under the same limit: what they say of it counts once. */
  #cut(): void {
    if (this.#callsSinceCut < this.#limit) return;
    this.#callsSinceCut = 0;
    this.#limit = Math.max(MIN, this.#limit * CUT);
  }

  /** 1: as fast as usual; 2: takes twice as long. */
  #slowdown(pace: Pace, ms: number, inFlight: number): number {
    const isCrowd = inFlight > Math.max(FEW, this.#limit * SMALL_PART);
    pace.calls++;
    pace.recent += (Math.log(Math.max(1, ms)) - pace.recent) / Math.min(pace.calls, WINDOW);
    if (pace.calls <= WINDOW || pace.recent < pace.usual) pace.usual = pace.recent;
    else if (!isCrowd) pace.usual += (pace.recent - pace.usual) * RISE;
    return Math.exp(pace.recent - pace.usual);
  }

  #follow(slowdown: number, inFlight: number): void {
    const kept = Math.min(Math.max(TOLERANCE / slowdown, MAX_FALL), 1);
    const wanted = this.#limit * kept + Math.sqrt(this.#limit);
    const mayGrow = inFlight >= this.#limit / 2 && this.#callsSinceCut >= this.#limit;
    if (wanted > this.#limit && !mayGrow) return;
    const next = this.#limit + (wanted - this.#limit) / Math.max(this.#limit, MIN_ROUND);
    this.#limit = Math.min(Math.max(next, MIN), MAX);
  }
}
