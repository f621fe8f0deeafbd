import { Subscription, type Observable } from 'rxjs';
import type { ChatCompletion, ChatRequest } from '../../domain/chat.js';
import type { ChatFrame } from '../../domain/chat-frame.js';
import type { Deployment, UpstreamAttempt } from '../../domain/deployment.js';
import {
  GatewayError,
  InvalidRequestError,
  UnfitAnswerError,
  UpstreamError,
  UpstreamTimeoutError,
  UpstreamUnreachableError,
} from '../../domain/errors.js';
import { Flow } from '../../domain/flow.js';
import type { RequestContext } from '../../domain/request-context.js';
import type { Secret } from '../../domain/secret.js';
import type { ChatOperation, UpstreamCall } from '../../providers/provider.js';
import { Cancellation } from './cancellation.js';
import type { Deadline } from './deadline.js';

/** Where an attempt is made and as whom, and for which request. */
export interface AttemptTerms {
  readonly deployment: Deployment;
  readonly credential: Secret | undefined;
  readonly context: RequestContext;
  /** Fields of the request that its client did not write. */
  readonly defaulted: ReadonlySet<string>;
}

/** Hears what comes of an attempt: answers, then one end. Nothing after `leave`. */
export interface AttemptListener {
  next(answer: ChatCompletion | ChatFrame): void;
  completed(): void;
  failed(error: unknown): void;
}

/** One call to one deployment, kept in the context from its start to its end. */
export class RunningAttempt implements Served {
  readonly record: UpstreamAttempt;
  /** How its provider is made to wait. */
  readonly flow = new Flow();
  readonly cancellation = new Cancellation();
  readonly #call: UpstreamCall;
  readonly #frames = new Subscription();
  #listener: AttemptListener | undefined;
  #clock: NodeJS.Timeout | undefined;

  constructor(
    private readonly terms: AttemptTerms,
    private readonly deadline: Deadline,
  ) {
    this.record = startAttempt(terms.deployment);
    terms.context.attempts.push(this.record);
    this.#call = upstreamCall(terms, this);
  }

  /** Fails with UpstreamTimeoutError where the time of the deployment or of the whole request runs out. */
  start(operation: ChatOperation, request: ChatRequest, listener: AttemptListener): void {
    this.#listener = listener;
    this.#runClock(this.deadline.answerBy);
    if (request.stream === true) {
      this.#follow(operation.stream(request, this.#call));
    } else {
      operation.complete(request, this.#call).then(
        (completion) => this.#finish(completion),
        (error: unknown) => this.#fail(error),
      );
    }
  }

  /** A stream has begun: from here it is the end that has a deadline. */
  begun(): void {
    if (this.deadline.endBy > this.deadline.answerBy) this.#runClock(this.deadline.endBy);
  }

  /** Nobody wants its answer any more: the call ends upstream. `code` says why, where it was not the client who left. */
  leave(code: string | null = null): void {
    if (!this.#end('abandoned')) return;
    this.record.errorCode = code;
    if (this.record.answeredAt !== undefined) this.record.status = 200;
    this.#frames.unsubscribe();
    this.cancellation.cancel();
  }

  #follow(frames: Observable<ChatFrame>): void {
    this.#frames.add(
      frames.subscribe({
        next: (frame) => this.#pass(frame),
        error: (error: unknown) => this.#fail(error),
        complete: () => this.#finish(undefined),
      }),
    );
  }

  /** Whoever is left in mid-stream has used what came until then. */
  #pass(frame: ChatFrame): void {
    this.record.usage = frame.usage;
    this.record.said += frame.said;
    if (frame.serviceTier !== undefined) this.record.serviceTier = frame.serviceTier; // the last word counts
    this.#listener?.next(frame);
  }

  #runClock(until: number): void {
    clearTimeout(this.#clock);
    const { total } = this.terms.deployment.timeouts;
    const { startedAt } = this.record;
    const end = Math.min(startedAt + total, until);
    this.#clock = setTimeout(
      () => this.#fail(new UpstreamTimeoutError('total', Math.round(end - startedAt))),
      end - performance.now(),
    );
  }

  #finish(completion: ChatCompletion | undefined): void {
    const listener = this.#listener;
    if (!this.#end('completed')) return;
    this.record.status = 200;
    if (completion !== undefined) {
      this.record.usage = completion.usage;
      this.record.serviceTier = serviceTierOf(completion);
      listener?.next(completion);
    }
    listener?.completed();
  }

  #fail(error: unknown): void {
    const listener = this.#listener;
    if (!this.#end('failed')) return;
    if (error instanceof GatewayError) {
      this.record.errorCode = error.code;
      this.record.reason = error.reason;
      this.record.neverSent = isBeforeSending(error);
      if (error instanceof UnfitAnswerError) this.record.usage = error.usage;
      this.record.status = error instanceof UpstreamError ? error.upstreamStatus : undefined;
    }
    this.#frames.unsubscribe();
    this.cancellation.cancel();
    listener?.failed(error);
  }

  #end(outcome: NonNullable<UpstreamAttempt['outcome']>): boolean {
    if (this.record.outcome !== undefined) return false;
    this.record.outcome = outcome;
    this.record.endedAt = performance.now();
    clearTimeout(this.#clock);
    this.#listener = undefined;
    return true;
  }
}

const serviceTierOf = ({ service_tier: tier }: ChatCompletion): string | undefined =>
  typeof tier === 'string' ? tier : undefined;

/** No connection, no credential, or nothing that the provider could be asked. */
function isBeforeSending(error: GatewayError): boolean {
  if (error instanceof UpstreamUnreachableError) return !error.wasSent;
  if (error instanceof UpstreamTimeoutError) return error.clock === 'connect';
  if (error instanceof UpstreamError)
    return error.upstreamStatus === undefined && error.code === 'upstream_authentication';
  return error instanceof InvalidRequestError;
}

/** What an attempt is to those who serve it, before and while it runs. */
export interface Served {
  readonly record: UpstreamAttempt;
  readonly flow: Flow;
  readonly cancellation: Cancellation;
}

/** What the provider may know of an attempt on these terms. */
export function upstreamCall(
  { deployment, credential, context, defaulted }: AttemptTerms,
  { record, flow, cancellation }: Served,
): UpstreamCall {
  return {
    deployment,
    credential,
    keyId: context.principal?.keyId,
    strict: context.wishes.strict,
    defaulted,
    onCancel: (stop) => cancellation.onCancel(stop),
    get signal() {
      return cancellation.signal;
    },
    attempt: record,
    flow,
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
    said: 0,
    changes: [],
  };
}
