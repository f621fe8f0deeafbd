import { Observable, type Subscriber } from 'rxjs';
import type { ChatCompletion, ChatRequest } from '../domain/chat.js';
import type { ChatFrame } from '../domain/chat-frame.js';
import type { Deployment, UpstreamAttempt } from '../domain/deployment.js';
import type { Explanation } from '../domain/explanation.js';
import { GatewayError, UnfitAnswerError, UpstreamError, UpstreamTimeoutError } from '../domain/errors.js';
import type { RequestContext } from '../domain/request-context.js';
import { tokenCounts } from '../domain/usage.js';
import type { ChatOperation, UpstreamCall } from '../providers/provider.js';

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
    { deployment, context, defaulted }: AttemptPlace,
    private readonly answers: Subscriber<ChatAnswer>,
  ) {
    this.#attempt = startAttempt(deployment);
    context.attempts.push(this.#attempt);
    const cancellation = this.#cancellation;
    this.call = {
      deployment,
      credential: deployment.endpoint.credentials[0],
      keyId: context.principal?.keyId,
      strict: context.wishes.strict,
      defaulted,
      onCancel: (stop) => cancellation.onCancel(stop),
      get signal() {
        return cancellation.signal;
      },
      attempt: this.#attempt,
      flow: context.flow,
    };
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

/** An AbortController that costs nothing until somebody wants its signal: most calls come to their end. */
class Cancellation {
  #stops: (() => void)[] = [];
  #cancelled = false;
  #abort: AbortController | undefined;

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      this.onCancel(() => abort.abort());
    }
    return this.#abort.signal;
  }

  /** Also after the fact: an adapter that had to wait for something before it could send must still be stopped. */
  onCancel(stop: () => void): void {
    if (this.#cancelled) stop();
    else this.#stops.push(stop);
  }

  cancel(): void {
    this.#cancelled = true;
    const stops = this.#stops;
    this.#stops = [];
    for (const stop of stops) stop();
  }
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
