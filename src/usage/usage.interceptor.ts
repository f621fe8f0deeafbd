import { type CallHandler, type ExecutionContext, Injectable, Logger, type NestInterceptor } from '@nestjs/common';
import type { Request } from 'express';
import { Observable, type Subscriber } from 'rxjs';
import { PriceBook } from '../catalog/price-book.js';
import type { ChatCompletion, ChatRequest } from '../domain/chat.js';
import { isFrame, type ChatFrame } from '../domain/chat-frame.js';
import type { SettledUse } from '../domain/limit.js';
import type { RequestContext, RunEnd } from '../domain/request-context.js';
import { tokenCounts, type UsageRecord } from '../domain/usage.js';
import { promptSize } from '../estimates/prompt-size.js';
import { TokenEstimates } from '../estimates/token-estimates.js';
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
    readonly prices: PriceBook,
    readonly guesses: TokenEstimates,
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

  /** An answer whose provider has counted teaches how to guess where none does. */
  #learn({ answering }: RequestContext, { outcome, promptSize }: Ending): void {
    if (outcome !== 'completed' || answering?.usage === undefined) return;
    const { deployment, usage, said } = answering;
    this.guesses.learn(deployment, { promptSize: promptSize(), said, counts: tokenCounts(usage) });
  }

  /** Accounting must never cost a client its answer, so a fault in it is ours to log. */
  #record(context: RequestContext, ending: Ending, settled: () => void): void {
    context.isRecorded = true;
    // A request of nobody we know that never reached a provider is the access log's business.
    if (context.principal === undefined && context.attempts.length === 0) {
      settled();
      return;
    }
    try {
      const record = usageRecord(context, ending, this);
      // Before the answer leaves: the cost is one of its headers.
      if (record.costNanoUsd !== null) context.costNanoUsd = record.costNanoUsd;
      context.reservation?.settle(useOf(record));
      this.#learn(context, ending);
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

/** What limits are settled with: what is not known of it counts as nothing. */
function useOf({ usage, attempts }: UsageRecord): SettledUse {
  return {
    tokens: usage === null ? 0 : usage.promptTokens + usage.completionTokens,
    costNanoUsd: attempts.reduce((sum, attempt) => sum + (attempt.costNanoUsd ?? 0), 0),
  };
}

/** One answer on its way to the client. It costs a frame two comparisons, and no promise. */
class WatchedAnswer {
  #openedAt: number | undefined;
  #completion: ChatCompletion | undefined;
  #ended = false;

  constructor(
    private readonly request: Request,
    private readonly client: Subscriber<Answer>,
    private readonly record: (ending: Ending, settled: () => void) => void,
  ) {}

  next(answer: Answer): void {
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
  ended({ outcome, error }: RunEnd): void {
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
    const size = () => promptSize(this.request.body as ChatRequest);
    this.record({ model, stream, outcome, error, promptSize: size, openedAt: this.#openedAt, endedAt }, settled);
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
