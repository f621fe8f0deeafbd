import { Injectable } from '@nestjs/common';
import { ModelCatalog } from '../catalog/model-catalog.js';
import { PriceBook } from '../catalog/price-book.js';
import type { ChatRequest } from '../domain/chat.js';
import type { Deployment } from '../domain/deployment.js';
import type { Estimate } from '../domain/explanation.js';
import { textCostNanoUsd } from '../domain/price.js';
import { promptSize } from '../estimates/prompt-size.js';
import { TokenEstimates } from '../estimates/token-estimates.js';

/** What most answers come to; for comparing prices only, where the client names no limit. */
const USUAL_ANSWER_TOKENS = 500;

/** What a request may come to at a deployment, before anybody has counted. */
@Injectable()
export class RequestEstimates {
  constructor(
    private readonly catalog: ModelCatalog,
    private readonly prices: PriceBook,
    private readonly tokens: TokenEstimates,
  ) {}

  of(request: ChatRequest, deployment: Deployment): Estimate {
    const prompt = this.tokens.promptTokens(deployment, promptSize(request));
    const card = this.catalog.find(deployment.endpoint.type, deployment.baseModel);
    const limit = request.max_completion_tokens ?? request.max_tokens ?? card?.maxOutputTokens ?? null;
    const price = this.prices.find(deployment, { at: Date.now() })?.price;
    const answers = Math.max(1, request.n ?? 1);
    return {
      prompt_tokens: prompt,
      max_completion_tokens: limit,
      cost_usd:
        price === undefined || limit === null
          ? null
          : textCostNanoUsd(prompt, Math.floor(limit * answers), price) / 1e9,
    };
  }

  /** For comparing deployments, in nano-dollars; undefined: the price is not known. */
  cost(request: ChatRequest, size: number, deployment: Deployment): number | undefined {
    const listed = this.prices.find(deployment, { at: Date.now() });
    if (listed === undefined) return undefined;
    const completionTokens = request.max_completion_tokens ?? request.max_tokens ?? USUAL_ANSWER_TOKENS;
    return textCostNanoUsd(this.tokens.promptTokens(deployment, size), completionTokens, listed.price);
  }
}
