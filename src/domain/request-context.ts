import type { UpstreamAttempt } from './deployment.js';
import { Flow } from './flow.js';
import type { Principal } from './principal.js';

/** What is known of one request. One object a request, passed as an argument, never ambient. */
export class RequestContext {
  /** Set by the guard. */
  principal: Principal | undefined;
  readonly attempts: UpstreamAttempt[] = [];
  readonly flow = new Flow();
  /** What the answer cost in integer nano-dollars, once that is known. */
  costNanoUsd: number | undefined;

  constructor(
    /** `req_` and 32 hex digits. */
    readonly id: string,
    /** `performance.now()` at arrival. */
    readonly startedAt: number,
    /** Epoch milliseconds at arrival. */
    readonly receivedAt: number,
    readonly wishes: ClientWishes,
  ) {}

  get lastAttempt(): UpstreamAttempt | undefined {
    return this.attempts.at(-1);
  }
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
