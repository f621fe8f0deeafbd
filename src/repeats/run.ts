import { Subscription, type Observable, type Observer, type Subscriber } from 'rxjs';
import { isFrame } from '../domain/chat-frame.js';
import { GatewayError, UpstreamTimeoutError } from '../domain/errors.js';
import type { Flow } from '../domain/flow.js';
import type { RequestContext, RunEnd } from '../domain/request-context.js';
import { bytesOf } from '../domain/wire-bytes.js';
import type { ChatAnswer } from '../domain/chat-answer.js';

/** Which run a request could share. */
export interface RunName {
  /** Whose it is, and either the idempotency key or what was asked. */
  readonly key: string;
  /** A digest of what was asked: one key must not stand for two questions. */
  readonly asked: string;
  /** It goes on with nobody listening, as an idempotency key announces that somebody will come back for it. */
  readonly outlivesClient: boolean;
}

/** Who remembers runs, and is told what becomes of them. */
export interface RunKeeper {
  grew(run: Run, bytes: number): void;
  ended(run: Run): void;
}

interface Listener {
  readonly client: Subscriber<ChatAnswer>;
  readonly flow: Flow;
}

/**
 * The work on one request, and all who listen to it: the client that asked first and those that asked the same again.
 * It ends with the last of them, and it is the first client's flow that the provider is slowed down by.
 */
export class Run implements Observer<ChatAnswer> {
  /** Those of the answers that are remembered. */
  bytes = 0;
  /** In `performance.now()` milliseconds. */
  endedAt: number | undefined;
  readonly #source = new Subscription();
  readonly #listeners = new Set<Listener>();
  /** All of them from the first; undefined once forgotten. */
  #answers: ChatAnswer[] | undefined = [];
  #end: RunEnd | undefined;
  #attemptsLeft = 0;
  /** The starter's, until the end: it leads to the whole of the request's body. */
  #context: RequestContext | undefined;
  #original: NonNullable<RequestContext['replayOf']>;
  #tellStarter: ((end: RunEnd) => void) | undefined;
  constructor(
    readonly name: RunName,
    context: RequestContext,
    private readonly keeper: RunKeeper,
  ) {
    this.#context = context;
    this.#original = context;
  }

  /** The request it was started for, as far as that concerns those who share its answer. */
  get original(): NonNullable<RequestContext['replayOf']> {
    return this.#original;
  }

  /** Sets it going, for the client that asked first. Returns how that one leaves. */
  start(work: () => Observable<ChatAnswer>, client: Subscriber<ChatAnswer>, { flow }: RequestContext): () => void {
    const leave = this.#listen({ client, flow });
    try {
      this.#source.add(work().subscribe(this));
    } catch (error) {
      this.error(error);
    }
    return leave;
  }

  /** All answers from the first on, and then those to come. */
  join(client: Subscriber<ChatAnswer>, flow: Flow): () => void {
    for (const answer of this.#answers ?? []) client.next(answer);
    if (this.#end !== undefined) {
      if (this.#end.outcome === 'completed') client.complete();
      else client.error(this.#end.error);
      return () => undefined;
    }
    flow.attach({ pause: () => undefined, resume: () => this.#hasOutgrown && this.#context?.flow.resume() });
    return this.#listen({ client, flow });
  }

  next(answer: ChatAnswer): void {
    if (this.#answers !== undefined) {
      const size = isFrame(answer) ? answer.bytes.length : bytesOf(answer).length;
      this.#answers.push(answer);
      this.bytes += size;
      this.keeper.grew(this, size);
    }
    for (const { client } of this.#listeners) client.next(answer);
    if (this.#hasOutgrown) this.#keepPace();
  }

  complete(): void {
    for (const { client } of this.#close('completed')) client.complete();
  }

  error(error: unknown): void {
    for (const { client } of this.#close('failed', error)) client.error(error);
  }

  /** Its answers are not to be had again: nobody can come back for them. */
  forget(): void {
    this.#answers = undefined;
    this.bytes = 0;
    this.#abandonUnwanted();
  }

  /**
   * False where a repetition would cost nothing or nobody wants it: no provider was asked, or all clients left what had
   * begun. Of what they left before, it is kept how many attempts they may still have.
   */
  get isWorthKeeping(): boolean {
    switch (this.#end?.outcome) {
      case 'completed':
        return true;
      case 'failed':
        return this.#original.attempts.length > 0 || this.#attemptsLeft > 0;
      case 'abandoned':
        return this.#original.attempts.length > 0 && this.#answers?.length === 0;
      case undefined:
        return false;
    }
  }

  /** The attempts that a repetition may make now, where it is not to get the same failure again. */
  get attemptsLeft(): number {
    if (this.endedAt === undefined) return 0;
    const { error } = this.#end ?? {};
    const wait = error instanceof GatewayError ? (error.retryAfterMs ?? 0) : 0;
    return performance.now() - this.endedAt >= wait ? this.#attemptsLeft : 0;
  }

  #listen(listener: Listener): () => void {
    if (this.#end === undefined) this.#listeners.add(listener);
    return () => this.#leave(listener);
  }

  #leave(listener: Listener): void {
    if (!this.#listeners.delete(listener)) return;
    this.#abandonUnwanted();
    const context = this.#context;
    if (context === undefined) return;
    if (listener.flow.paused) context.flow.resume();
    if (listener.flow === context.flow) context.outlived = (tell) => (this.#tellStarter = tell);
  }

  /** Ends it upstream where nobody listens, nor could come back for it. */
  #abandonUnwanted(): void {
    if (this.#end !== undefined || this.#listeners.size > 0) return;
    if (this.name.outlivesClient && !this.#hasOutgrown) return;
    this.#source.unsubscribe();
    const waited = performance.now() - (this.#context?.startedAt ?? 0);
    this.#close('abandoned', new UpstreamTimeoutError('total', Math.round(waited)));
  }

  /** What is remembered costs a slow client nothing; beyond that the slowest sets the pace, as memory is bounded. */
  #keepPace(): void {
    for (const { flow } of this.#listeners) if (flow.paused) this.#context?.flow.pause();
  }

  get #hasOutgrown(): boolean {
    return this.#answers === undefined;
  }

  #close(outcome: RunEnd['outcome'], error?: unknown): readonly Listener[] {
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    this.#end = { outcome, error };
    this.endedAt = performance.now();
    const { attemptsAllowed, attemptsLeft } = this.#context ?? {};
    this.#context = undefined;
    const { id, attempts, lastAttempt } = this.#original;
    this.#original = { id, attempts, lastAttempt };
    // What failed before it reached a provider has used up nothing of what it was allowed.
    this.#attemptsLeft = (attempts.length === 0 ? attemptsAllowed : attemptsLeft) ?? 0;
    this.keeper.ended(this);
    this.#tellStarter?.(this.#end);
    this.#tellStarter = undefined;
    return listeners;
  }
}
