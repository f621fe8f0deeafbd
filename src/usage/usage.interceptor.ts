import { type CallHandler, type ExecutionContext, Injectable, Logger, type NestInterceptor } from '@nestjs/common';
import type { Request } from 'express';
import { Observable, type Subscriber } from 'rxjs';
import { ModelCatalog } from '../catalog/model-catalog.js';
import type { ChatCompletion, Usage } from '../domain/chat.js';
import { isFrame, type ChatFrame } from '../domain/chat-frame.js';
import type { RequestContext, RunEnd } from '../domain/request-context.js';
import { contextOf } from '../http/context.js';
import { UsageRecorder } from './usage-recorder.js';
import { usageRecord, type Ending } from './usage-record.js';

type Answer = ChatCompletion | ChatFrame;

/**
 * Makes one usage record of every request that reached an operation, however it ended: answered, failed, refused,
 * or left by its client. The end of an answer is held back until the record is durable, or the recorder lets it go.
 */
@Injectable()
export class UsageInterceptor implements NestInterceptor<Answer, Answer> {
  readonly #log = new Logger(UsageInterceptor.name);

  constructor(
    private readonly recorder: UsageRecorder,
    private readonly catalog: ModelCatalog,
  ) {}

  intercept(execution: ExecutionContext, next: CallHandler<Answer>): Observable<Answer> {
    const request = execution.switchToHttp().getRequest<Request>();
    const context = contextOf(request);
    if (context.wishes.explain === true) return next.handle(); // nothing is used
    return new Observable((client) => {
      const watched = new WatchedAnswer(request, client, (ending, then) => this.#record(context, ending, then));
      const source = next.handle().subscribe(watched);
      return () => {
        source.unsubscribe();
        const { outlived } = context;
        if (outlived === undefined) watched.abandoned();
        else outlived((end) => watched.ended(end));
      };
    });
  }

  /** Accounting must never cost a client its answer, so a fault in it is ours to log. */
  #record(context: RequestContext, ending: Ending, settled: () => void): void {
    // A request of nobody we know that never reached a provider is the access log's business.
    if (context.principal === undefined && context.attempts.length === 0) {
      settled();
      return;
    }
    try {
      const record = usageRecord(context, ending, this.catalog);
      // Before the answer leaves: the cost is one of its headers.
      if (record.costNanoUsd !== null) context.costNanoUsd = record.costNanoUsd;
      this.recorder.record(record, settled);
    } catch (fault) {
      this.#log.error(
        `The usage of ${context.id} could not be recorded.`,
        fault instanceof Error ? fault.stack : fault,
      );
      settled();
    }
  }
}

/** One answer on its way to the client. It costs a frame two comparisons, and no promise. */
class WatchedAnswer {
  #usage: Usage | undefined;
  #openedAt: number | undefined;
  #completion: ChatCompletion | undefined;
  #ended = false;

  constructor(
    private readonly request: Request,
    private readonly client: Subscriber<Answer>,
    private readonly record: (ending: Ending, settled: () => void) => void,
  ) {}

  next(answer: Answer): void {
    if (answer.usage !== undefined) this.#usage = answer.usage;
    if (isFrame(answer)) {
      this.#openedAt ??= performance.now();
      this.client.next(answer);
    } else {
      // A whole answer is its own last byte: it goes out once it is accounted for.
      this.#completion = answer;
    }
  }

  complete(): void {
    this.#end('completed', undefined, () => {
      if (this.#completion !== undefined) this.client.next(this.#completion);
      this.client.complete();
    });
  }

  error(error: unknown): void {
    this.#end('failed', error, () => this.client.error(error));
  }

  /** The client left long ago, and now its run has ended too. */
  ended({ outcome, error, usage }: RunEnd): void {
    this.#usage = usage;
    this.#end(outcome, error, () => undefined);
  }

  /** The client left; after any other end this is only the end of the subscription. */
  abandoned(): void {
    if (!this.#ended) this.#end('abandoned', undefined, () => undefined);
  }

  #end(outcome: Ending['outcome'], error: unknown, settled: () => void): void {
    this.#ended = true;
    const { stream, model } = asked(this.request);
    const endedAt = performance.now();
    this.record({ model, stream, outcome, error, usage: this.#usage, openedAt: this.#openedAt, endedAt }, settled);
  }
}

/** What the client wrote, wherever it wrote it: a body that was refused may hold anything. */
function asked({ body, params }: Request): Pick<Ending, 'model' | 'stream'> {
  const { model, stream } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const inPath = params['model'] ?? '';
  const path = typeof inPath === 'string' ? inPath : inPath.join('/');
  // Where the path names the model, that one is asked for: Azure's SDKs write another into the body.
  const named = path === '' && typeof model === 'string' ? model : path;
  return { model: named, stream: stream === true };
}
