import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { Request } from 'express';
import { Observable, type Subscriber } from 'rxjs';
import type { ChatCompletion, ChatRequest } from '../domain/chat.js';
import { isFrame, type ChatFrame } from '../domain/chat-frame.js';
import type { RunEnd } from '../domain/request-context.js';
import { promptSize } from '../estimates/prompt-size.js';
import { contextOf } from '../http/context.js';
import { asked } from './asked.js';
import { RequestAccounts } from './request-accounts.js';
import { RequestsUnderWay } from './requests-under-way.js';
import type { Ending } from './usage-record.js';

type Answer = ChatCompletion | ChatFrame;

/**
 * Makes one usage record of every request that reached an operation, however it ended: answered, failed, refused,
 * or left by its client. The end of an answer is held back until the record is durable, or the recorder lets it go.
 */
@Injectable()
export class UsageInterceptor implements NestInterceptor<Answer, Answer> {
  constructor(
    private readonly accounts: RequestAccounts,
    private readonly underWay: RequestsUnderWay,
  ) {}

  intercept(execution: ExecutionContext, next: CallHandler<Answer>): Observable<Answer> {
    const request = execution.switchToHttp().getRequest<Request>();
    const context = contextOf(request);
    if (context.wishes.explain === true) {
      context.isRecorded = true; // nothing is used
      return next.handle();
    }
    const refusal = this.accounts.refusal;
    if (refusal !== undefined) {
      context.isRecorded = true; // it cannot be
      throw refusal;
    }
    const keyId = context.principal?.keyId ?? '';
    return new Observable((client) => {
      this.underWay.enter(keyId);
      const watched = new WatchedAnswer(request, client, (ending, then) => {
        this.underWay.leave(keyId);
        this.accounts.close(context, ending, then);
      });
      const source = next.handle().subscribe(watched);
      return () => {
        source.unsubscribe();
        const { outlived } = context;
        if (outlived === undefined) watched.abandoned();
        else outlived((end) => watched.ended(end));
      };
    });
  }
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
