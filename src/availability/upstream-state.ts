import { Gate } from './admission/gate.js';
import { Breaker, type BreakerState, type Sentence } from './breaker.js';
import type { Credential, CredentialPool } from './credential-pool.js';
import { LatencyWindow } from './latency-window.js';
import type { CallEnd, Passage } from './passage.js';
import type { ProviderState } from './provider-state.js';
import { RecentSamples } from './recent-samples.js';

/** An upstream that has no state of its own yet: which it is, and what it shares or tells. */
export interface UpstreamOrigin {
  readonly provider: string;
  readonly model: string;
  readonly shared: ProviderState;
  /** Hears until when the breaker of a credential is open (`performance.now()` in ms), or null when it closes. */
  readonly tell: (credential: string, openUntil: number | null) => void;
}

/** What is known of one credential at one upstream. */
interface Standing {
  readonly breaker: Breaker;
  /** `performance.now()` in ms: the upstream said when to come again. */
  restUntil: number;
}

interface Call {
  readonly credential: Credential;
  readonly standing: Standing;
  readonly sentence: Sentence;
  /** `performance.now()` in ms. */
  readonly since: number;
}

type Counts = Record<'completed' | 'failed' | 'abandoned', number>;

const [RATED_CALLS, RATED_MS] = [100, 5 * 60_000];
/** A longer wait is no longer about the rate; asking again costs one call a minute. */
const LONGEST_REST_MS = 60_000;
const [OK, FAULT] = [0, 1];
const NONE: ReadonlySet<string> = new Set();
const BEST_FIRST = ['closed', 'half-open', 'open'] as const satisfies readonly BreakerState[];

/** What one model of one provider can take now, learned from the calls made to it. Times are `performance.now()` in ms. */
export class UpstreamState {
  readonly provider: string;
  readonly model: string;
  /** Of streams. */
  readonly firstToken = new LatencyWindow();
  /** Of answers that are no streams. */
  readonly wholeAnswer = new LatencyWindow();
  readonly #counts: Counts = { completed: 0, failed: 0, abandoned: 0 };
  readonly #rated = new RecentSamples(RATED_CALLS, RATED_MS);
  readonly #standings = new Map<string, Standing>();
  readonly #shared: ProviderState;
  readonly #ownGate: Gate;
  readonly #tell: UpstreamOrigin['tell'];
  #inFlight = 0;

  constructor(
    readonly name: string,
    { provider, model, shared, tell }: UpstreamOrigin,
  ) {
    this.provider = provider;
    this.model = model;
    this.#shared = shared;
    this.#tell = tell;
    this.#ownGate = new Gate(shared.ownConcurrency);
  }

  get gate(): Gate {
    return this.#shared.sharedGate ?? this.#ownGate;
  }

  /** Calls begun and not ended. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Calls ended since the start of the gateway. */
  get counts(): Readonly<Counts> {
    return this.#counts;
  }

  /** The share of failures among the latest calls that tell anything; null without any. */
  get errorRate(): number | null {
    const rated = this.#rated.values(performance.now());
    return rated.length === 0 ? null : rated.reduce((sum, fault) => sum + fault, 0) / rated.length;
  }

  /** The best among the credentials that can be used, or among all where none can. */
  get breaker(): BreakerState {
    const now = performance.now();
    const usable = this.#pool.all.filter(({ id }) => this.#pool.shelvedUntil(id, this.model) <= now);
    const among = usable.length === 0 ? this.#pool.all : usable;
    const states = new Set(among.map(({ id }) => this.#standing(id).breaker.state(now)));
    return BEST_FIRST.find((state) => states.has(state)) ?? 'closed';
  }

  /** Whether a call that begins now is more than a last resort. */
  isCallable(now: number): boolean {
    return this.#pool.all.some((credential) => this.#isReady(credential, now));
  }

  /** The next credential in turn that is ready and not used; where none is, the unused one that will be first. */
  choose(used: ReadonlySet<string>): Credential | undefined {
    const now = performance.now();
    const ready = this.#pool.next((credential) => !used.has(credential.id) && this.#isReady(credential, now));
    return ready ?? this.#firstAgain(used);
  }

  /** Whether the credential that will be ready first is one that the upstream told to come again later. */
  isResting(now: number): boolean {
    const first = this.#firstAgain(NONE);
    return first !== undefined && this.#standing(first.id).restUntil > now;
  }

  /** A call begins, whether or not the credential is ready. */
  begin(credential: Credential): Passage {
    const since = performance.now();
    const standing = this.#standing(credential.id);
    const call: Call = { credential, standing, sentence: standing.breaker.enter(since), since };
    let isUnderWay = true;
    this.#inFlight++;
    return {
      begun: () => {
        if (isUnderWay) call.sentence('begun');
      },
      end: (end) => {
        if (!isUnderWay) return;
        isUnderWay = false;
        this.#inFlight--;
        this.#count(end);
        this.#learn(call, end);
      },
    };
  }

  /** The config was reloaded: credentials that are gone are forgotten. */
  follow(): void {
    this.#ownGate.concurrency = this.#shared.ownConcurrency;
    for (const id of this.#standings.keys()) if (!this.#pool.has(id)) this.#standings.delete(id);
  }

  /** What another replica found out about a credential here. */
  hear(credential: string, openUntil: number | null): void {
    this.#standing(credential).breaker.hear(openUntil, performance.now());
  }

  get #pool(): CredentialPool {
    return this.#shared.pool;
  }

  #standing(id: string): Standing {
    const known = this.#standings.get(id);
    if (known !== undefined) return known;
    const standing = { breaker: new Breaker((openUntil) => this.#tell(id, openUntil)), restUntil: 0 };
    this.#standings.set(id, standing);
    return standing;
  }

  #isReady({ id }: Credential, now: number): boolean {
    const { breaker, restUntil } = this.#standing(id);
    return restUntil <= now && breaker.lets(now) && this.#pool.shelvedUntil(id, this.model) <= now;
  }

  #firstAgain(used: ReadonlySet<string>): Credential | undefined {
    let first: Credential | undefined;
    let firstAt = Infinity;
    for (const credential of this.#pool.all) {
      const { breaker, restUntil } = this.#standing(credential.id);
      const at = Math.max(restUntil, breaker.openUntil, this.#pool.shelvedUntil(credential.id, this.model));
      if (used.has(credential.id) || at >= firstAt) continue;
      [first, firstAt] = [credential, at];
    }
    return first;
  }

  #count(end: CallEnd): void {
    const outcome = end.kind === 'answered' ? 'completed' : end.kind === 'untold' ? 'abandoned' : 'failed';
    this.#counts[outcome]++;
    if (outcome !== 'abandoned') this.#rated.add(outcome === 'failed' ? FAULT : OK, performance.now());
  }

  #learn({ credential, standing, sentence, since }: Call, end: CallEnd): void {
    switch (end.kind) {
      case 'answered':
        this.#pool.accepted(credential.id, this.model, since);
        return sentence('alive');
      case 'failed':
        return sentence('failed');
      case 'limited':
        if (end.waitMs === undefined) return sentence('failed');
        standing.restUntil = Math.max(standing.restUntil, performance.now() + Math.min(end.waitMs, LONGEST_REST_MS));
        return sentence('limited');
      case 'refused':
        this.#pool.refused(credential.id, this.model, end.status);
        return sentence('alive');
      case 'untold':
        return sentence('untold');
      default:
        return end satisfies never;
    }
  }
}
