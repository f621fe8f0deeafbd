import { Observable, type Subscriber } from 'rxjs';
import type { ChatCompletion, ChatRequest } from '../domain/chat.js';
import type { ChatFrame } from '../domain/chat-frame.js';
import type { Deployment, UpstreamAttempt } from '../domain/deployment.js';
import type { Explanation } from '../domain/explanation.js';
import { GatewayError, UnfitAnswerError, UpstreamError, UpstreamTimeoutError } from '../domain/errors.js';
import type { RequestContext } from '../domain/request-context.js';
import { tokenCounts } from '../domain/usage.js';
import type { ChatOperation, UpstreamCall } from '../providers/provider.js';
import { Cancellation } from './cancellation.js';

/** What a client gets: the whole answer, a stretch of it, or what would become of its request. */
export type ChatAnswer = ChatCompletion | ChatFrame | Explanation;

/**
 * One call to one deployment, kept in the context from its start to its end. Unsubscribing ends the call upstream.
 * Fails with UpstreamTimeoutError where the deployment's whole time runs out.
 */
export function attemptChat(
  operation: ChatOperation,
  request: ChatRequest,
  place: AttemptPlace,
): Observable<ChatAnswer> {
  return new Observable((answers) => {
    const running = new RunningAttempt(place, answers);
    const call = running.call;
    if (request.stream === true) {
      running.follow(operation.stream(request, call));
    } else {
      operation.complete(request, call).then(
        (completion) => running.finish(completion),
        (error: unknown) => running.fail(error),
      );
    }
    return () => running.leave();
  });
}

/** Where an attempt is made, and for which request. */
export interface AttemptPlace {
  readonly deployment: Deployment;
  readonly context: RequestContext;
  /** Fields of the request that its client did not write. */
  readonly defaulted: ReadonlySet<string>;
}

class RunningAttempt {
  readonly call: UpstreamCall;
  readonly #attempt: UpstreamAttempt;
  readonly #cancellation = new Cancellation();
  readonly #deadline: NodeJS.Timeout;

  constructor(
    place: AttemptPlace,
    private readonly answers: Subscriber<ChatAnswer>,
  ) {
    const { deployment, context } = place;
    this.#attempt = startAttempt(deployment);
    context.attempts.push(this.#attempt);
    this.call = upstreamCall(place, this.#attempt, this.#cancellation);
    const { total } = deployment.timeouts;
    this.#deadline = setTimeout(() => this.fail(new UpstreamTimeoutError('total', total)), total);
  }

  follow(frames: Observable<ChatFrame>): void {
    const subscription = frames.subscribe({
      next: (frame) => this.answers.next(frame),
      error: (error: unknown) => this.fail(error),
      complete: () => this.finish(undefined),
    });
    this.answers.add(subscription);
  }

  finish(completion: ChatCompletion | undefined): void {
    if (this.#end('completed')) {
      this.#attempt.status = 200;
      if (completion !== undefined) this.answers.next(completion);
      this.answers.complete();
    }
  }

  fail(error: unknown): void {
    if (!this.#end('failed')) return;
    if (error instanceof GatewayError) {
      this.#attempt.errorCode = error.code;
      this.#attempt.reason = error.reason;
      if (error instanceof UnfitAnswerError && error.usage !== undefined)
        this.#attempt.usage = tokenCounts(error.usage);
      this.#attempt.status = error instanceof UpstreamError ? (error.upstreamStatus ?? error.status) : undefined;
    }
    this.#cancellation.cancel();
    this.answers.error(error);
  }

  /** The client left, or all is over already. */
  leave(): void {
    if (this.#end('abandoned')) this.#cancellation.cancel();
  }

  #end(outcome: NonNullable<UpstreamAttempt['outcome']>): boolean {
    if (this.#attempt.outcome !== undefined) return false;
    this.#attempt.outcome = outcome;
    this.#attempt.endedAt = performance.now();
    clearTimeout(this.#deadline);
    return true;
  }
}

/** What the provider may know of an attempt at this place. */
export function upstreamCall(
  { deployment, context, defaulted }: AttemptPlace,
  attempt: UpstreamAttempt,
  cancellation: Cancellation,
): UpstreamCall {
  return {
    deployment,
    credential: deployment.endpoint.credentials[0],
    keyId: context.principal?.keyId,
    strict: context.wishes.strict,
    defaulted,
    onCancel: (stop) => cancellation.onCancel(stop),
    get signal() {
      return cancellation.signal;
    },
    attempt,
    flow: context.flow,
  };
}

/** An attempt that begins now. */
export function startAttempt(deployment: Deployment): UpstreamAttempt {
  return {
    deployment,
    startedAt: performance.now(),
    answeredAt: undefined,
    endedAt: undefined,
    outcome: undefined,
    status: undefined,
    errorCode: null,
    usage: undefined,
    changes: [],
  };
}
