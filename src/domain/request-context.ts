import type { UpstreamAttempt } from './deployment.js';
import { Flow } from './flow.js';
import type { LimitStanding, Reservation } from './limit.js';
import type { Principal } from './principal.js';
import type { Outcome } from './usage.js';

/** What is known of one request. One object a request, passed as an argument, never ambient. */
export class RequestContext {
  /** Set by the guard. */
  principal: Principal | undefined;
  readonly attempts: UpstreamAttempt[] = [];
  /** The attempt whose answer the client gets. */
  answering: UpstreamAttempt | undefined;
  readonly flow = new Flow();
  /** What the answer cost in integer nano-dollars, once that is known. */
  costNanoUsd: number | undefined;
  /** Set where limits apply. */
  reservation: Reservation | undefined;
  standing: LimitStanding | undefined;
  /** Its stream is ended where a budget runs out. */
  mayBeCutOff = false;
  /** Set by the guard: it asks for an operation, and so has a usage record, even where it is refused. */
  isOperation = false;
  /** Its usage record has been made, or it needs none. */
  isRecorded = false;
  /** The most attempts that may be made for it; undefined: as many as the route has. */
  attemptsAllowed: number | undefined;
  /** When it failed, or its client left: the attempts of its route that were not made. */
  attemptsLeft: number | undefined;
  /** The request whose answer it got, instead of calls of its own. */
  replayOf: Pick<RequestContext, 'id' | 'attempts' | 'lastAttempt'> | undefined;
  /** Set where its client has left and its run goes on: tells once how that ended. */
  outlived: ((tell: (end: RunEnd) => void) => void) | undefined;

  constructor(
    /** `req_` and 32 hex digits. */
    readonly id: string,
    /** `performance.now()` at arrival. */
    readonly startedAt: number,
    /** Epoch milliseconds at arrival. */
    readonly receivedAt: number,
    readonly wishes: ClientWishes,
  ) {}

  /** The attempt whose answer the client gets; before there is one, the latest. */
  get lastAttempt(): UpstreamAttempt | undefined {
    return this.answering ?? this.attempts.at(-1);
  }
}

/** How the run of a request ended; `abandoned`: it was cancelled, as nobody was left to listen. */
export interface RunEnd {
  readonly outcome: Exclude<Outcome, 'refused'>;
  /** What it failed with, where it failed. */
  readonly error: unknown;
}

/** What the client asks of the gateway itself, by header. */
export interface ClientWishes {
  /** `x-parley-strict`: a parameter that cannot be honoured is refused instead of dropped or adapted. */
  readonly strict: boolean;
  /** `x-parley-explain`: send nothing, and tell what would become of the request. */
  readonly explain?: boolean;
  /** `x-parley-tags`. */
  readonly tags: readonly string[];
  /** `x-client-request-id`: the client's own name for the request, for its logs and ours. */
  readonly clientRequestId?: string;
  /** `x-parley-timeout-ms`: the longest the whole answer may take, in milliseconds. */
  readonly timeoutMs?: number;
  /** `x-stainless-timeout`, `x-stainless-read-timeout`: how long the SDK waits for the answer to begin, in milliseconds. */
  readonly patienceMs?: number;
  /** `x-stainless-retry-count`: how often the SDK has sent this request before; absent: it does not count. */
  readonly retryCount?: number;
  /** `idempotency-key`. */
  readonly idempotencyKey?: string;
  /** `x-parley-replay: false`: neither join nor replay another request's answer. */
  readonly replay?: boolean;
}
