import { Injectable, Logger, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Observable } from 'rxjs';
import { LiveConfig } from '../config/live-config.js';
import type { ChatAnswer } from '../domain/chat-answer.js';
import { AnswerWriter } from './answer-writer.js';
import { contextOf } from './context.js';

/**
 * Writes what an operation answers: one completion as JSON, frames as server-sent events. It stands outermost, and
 * the handler claims the response with `@Res()`, because neither Nest's `@Sse()` nor its replies keep to the wire:
 * nothing is sent before the first frame, a client that leaves ends the call, one that is slow slows it down.
 */
@Injectable()
export class AnswerInterceptor implements NestInterceptor<ChatAnswer> {
  readonly #log = new Logger(AnswerInterceptor.name);

  constructor(private readonly config: LiveConfig) {}

  intercept(execution: ExecutionContext, next: CallHandler<ChatAnswer>): Observable<undefined> {
    const http = execution.switchToHttp();
    const request = http.getRequest<IncomingMessage & { readonly body?: { readonly stream?: unknown } }>();
    const response = http.getResponse<ServerResponse>();
    return new Observable((outcome) => {
      const context = contextOf(request);
      const isStream = request.body?.stream === true && context.wishes.explain !== true;
      const early = this.config.current.server.earlyHeaders && isStream;
      const writer = new AnswerWriter({ response, flow: context.flow, early, outcome, log: this.#log });
      const answers = next.handle().subscribe(writer);
      const left = () => {
        answers.unsubscribe();
        writer.stop();
        outcome.next(undefined);
        outcome.complete();
      };
      if (response.destroyed) left();
      else response.once('close', left);
      return () => {
        response.removeListener('close', left);
        answers.unsubscribe();
        writer.stop();
      };
    });
  }
}
