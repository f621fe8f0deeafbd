import { Injectable } from '@nestjs/common';
import type { ChatRequest } from '../domain/chat.js';
import type { Deployment } from '../domain/deployment.js';
import type { TokenCounts } from '../domain/usage.js';

type Model = Pick<Deployment, 'provider' | 'model' | 'baseModel' | 'endpoint'>;

/** An answer whose counts the provider has told. */
export interface CountedAnswer {
  /** Of the request, as `promptSize` measures it. */
  readonly promptSize: number;
  /** Characters of answer; 0 where nobody counted them. */
  readonly said: number;
  readonly counts: TokenCounts;
}

/** Guesses tokens by length, as what each model's provider has reported teaches. No tokenizer: that costs more than the request. */
@Injectable()
export class TokenEstimates {
  /** Of a prompt of so many characters. */
  promptTokens(_model: Model, size: number): number {
    return Math.ceil(size / 4);
  }

  /** Of so many characters of answer. */
  answerTokens(_model: Model, said: number): number {
    return Math.ceil(said / 4);
  }

  /** What the answer may come to: as much as the client allows, else as much as this model's answers hardly ever exceed. */
  longestAnswer(_model: Model, request: ChatRequest): number {
    return request.max_completion_tokens ?? request.max_tokens ?? 1_000;
  }

  learn(_model: Model, _answer: CountedAnswer): void {
    // taught by nobody yet
  }
}
