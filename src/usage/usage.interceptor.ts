import { type CallHandler, type ExecutionContext, Injectable, Logger, type NestInterceptor } from '@nestjs/common';
import type { Request } from 'express';
import { Observable, type Subscriber } from 'rxjs';
import { ModelCatalog } from '../catalog/model-catalog.js';
import type { ChatCompletion, Usage } from '../domain/chat.js';
import { isFrame, type ChatFrame } from '../domain/chat-frame.js';
import type { RequestContext } from '../domain/request-context.js';
import { contextOf } from '../http/context.js';
import { UsageRecorder } from './usage-recorder.js';
import { usageRecord, type Ending } from './usage-record.js';

type Answer = ChatCompletion | ChatFrame;

/** How long the end of an answer waits for its record to be durable; the record is written in any case. */
const PATIENCE_MS = 250;

/**
 * Makes one usage record of every request that reached an operation, however it ended: answered, failed, refused,
 * or left by its client. The end of an answer is held back until the record is durable, within a bound.
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
    return new Observable((client) => {
      const watched = new WatchedAnswer(request, client, (ending) => this.#record(context, ending));
      const source = next.handle().subscribe(watched);
      return () => {
        source.unsubscribe();
        watched.abandoned();
      };
    });
  }

  /** Accounting must never cost a client its answer, so a fault in it is ours to log. */
  async #record(context: RequestContext, ending: Ending): Promise<void> {
    // A request of nobody we know that never reached a provider is the access log's business.
    if (context.principal === undefined && context.attempts.length === 0) return;
    try {
      const record = usageRecord(context, ending, this.catalog);
      // Before the answer leaves: the cost is one of its headers.
      if (record.costNanoUsd !== null) context.costNanoUsd = record.costNanoUsd;
      const durable = this.recorder.record(record);
      if (!this.recorder.stalled) await within(PATIENCE_MS, durable);
    } catch (fault) {
      this.#log.error(
        `The usage of ${context.id} could not be recorded.`,
        fault instanceof Error ? fault.stack : fault,
      );
    }
  }
}

/** One answer on its way to the client. It costs a frame two comparisons; promises are made at the end only. */
class WatchedAnswer {
  #usage: Usage | undefined;
  #openedAt: number | undefined;
  #completion: ChatCompletion | undefined;
  #ended = false;

  constructor(
    private readonly request: Request,
    private readonly client: Subscriber<Answer>,
    private readonly record: (ending: Ending) => Promise<void>,
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
    void this.#end('completed').then(() => {
      if (this.#completion !== undefined) this.client.next(this.#completion);
      this.client.complete();
    });
  }

  error(error: unknown): void {
    void this.#end('failed', error).then(() => this.client.error(error));
  }

  /** The client left; after any other end this is only the end of the subscription. */
  abandoned(): void {
    if (!this.#ended) void this.#end('abandoned');
  }

  #end(outcome: Ending['outcome'], error?: unknown): Promise<void> {
    this.#ended = true;
    const { stream, model } = asked(this.request);
    return this.record({
      model,
      stream,
      outcome,
      error,
      usage: this.#usage,
      openedAt: this.#openedAt,
      endedAt: performance.now(),
    });
  }
}

/** What the client wrote, wherever it wrote it: a body that was refused may hold anything. */
function asked({ body, params }: Request): Pick<Ending, 'model' | 'stream'> {
  const { model, stream } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const named = typeof model === 'string' ? model : params['model'];
  return { model: typeof named === 'string' ? named : '', stream: stream === true };
}

/** The promise or the time, whichever ends first. */
function within(ms: number, durable: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    void durable.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
