import { Injectable } from '@nestjs/common';
import { Observable, Subscription } from 'rxjs';
import { PriceBook } from '../catalog/price-book.js';
import { LiveConfig } from '../config/live-config.js';
import type { ChatAnswer } from '../domain/chat-answer.js';
import type { ChatRequest } from '../domain/chat.js';
import { isFrame } from '../domain/chat-frame.js';
import { textCostNanoUsd } from '../domain/price.js';
import type { RequestContext } from '../domain/request-context.js';
import { promptSize } from '../estimates/prompt-size.js';
import { TokenEstimates } from '../estimates/token-estimates.js';
import type { Admitted } from './admission.js';
import { CutEnding } from './cut-ending.js';
import { StreamCost, type Tariff } from './stream-cost.js';

/** Ends streams in the middle where the budget that they are paid from runs out, for operators who want that. */
@Injectable()
export class CutOff {
  constructor(
    private readonly config: LiveConfig,
    private readonly estimates: TokenEstimates,
    private readonly prices: PriceBook,
  ) {}

  /** The same answers, until the budget has no more. */
  follow(
    answers: Observable<ChatAnswer>,
    request: ChatRequest,
    { context, admitted }: { readonly context: RequestContext; readonly admitted: Admitted },
  ): Observable<ChatAnswer> {
    if (!this.config.current.limits.cutOff || !admitted.isBudgeted || request.stream !== true) return answers;
    context.mayBeCutOff = true;
    return new Observable((client) => {
      const cost = new StreamCost(admitted, () => this.#tariff(request, context));
      const ending = new CutEnding(request);
      const source = new Subscription();
      client.add(source);
      const next = (answer: ChatAnswer): void => {
        if (source.closed) return;
        client.next(answer);
        if (!isFrame(answer)) return;
        ending.seen(answer);
        if (cost.isCovered(answer.said) || ending.isOver) return;
        source.unsubscribe(); // the call ends upstream
        if (context.answering !== undefined) context.answering.errorCode = 'budget_exhausted';
        for (const frame of ending.frames(cost.tokens)) client.next(frame);
        client.complete();
      };
      source.add(
        answers.subscribe({
          next,
          error: (error: unknown) => client.error(error),
          complete: () => client.complete(),
        }),
      );
    });
  }

  /** Undefined: nobody knows what it costs. */
  #tariff(request: ChatRequest, context: RequestContext): Tariff | undefined {
    const deployment = context.lastAttempt?.deployment;
    const listed = deployment && this.prices.find(deployment, { at: context.receivedAt });
    if (deployment === undefined || listed === undefined) return undefined;
    const promptTokens = this.estimates.promptTokens(deployment, promptSize(request));
    return {
      promptTokens,
      answerTokens: (said) => this.estimates.answerTokens(deployment, said),
      cost: (tokens) => textCostNanoUsd(promptTokens, tokens, listed.price),
    };
  }
}
