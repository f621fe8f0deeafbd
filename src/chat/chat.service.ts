import { Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { ChatAnswer } from '../domain/chat-answer.js';
import type { ChatRequest } from '../domain/chat.js';
import type { RequestContext } from '../domain/request-context.js';
import { Repeats } from '../repeats/repeats.js';
import { ModelRouter } from '../routing/model-router.js';

/** The chat operation: what happens between a request that is well formed and its answer. */
@Injectable()
export class ChatService {
  constructor(
    private readonly repeats: Repeats,
    private readonly router: ModelRouter,
  ) {}

  create(request: ChatRequest, context: RequestContext): Observable<ChatAnswer> {
    return this.repeats.through(request, context, () => this.router.chat(request, context));
  }
}
