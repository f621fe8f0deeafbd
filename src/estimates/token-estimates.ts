import { Injectable } from '@nestjs/common';
import { ModelCatalog } from '../catalog/model-catalog.js';
import type { ChatRequest } from '../domain/chat.js';
import { upstreamName, type Deployment } from '../domain/deployment.js';
import type { TokenCounts } from '../domain/usage.js';
import { LearnedLength } from './learned-length.js';
import { LearnedRatio } from './learned-ratio.js';

type Model = Pick<Deployment, 'provider' | 'model' | 'baseModel' | 'endpoint'>;

/** What bounds an answer, as the client or the route has it. */
export type AnswerBounds = Pick<ChatRequest, 'max_tokens' | 'max_completion_tokens' | 'n'>;

/** An answer whose counts the provider has told. */
export interface CountedAnswer {
  /** Of the request, as `promptSize` measures it. */
  readonly promptSize: number;
  /** Characters of answer; 0 where nobody counted them. */
  readonly said: number;
  readonly counts: TokenCounts;
}

/** What is believed of one model. */
class Learned {
  readonly prompt = new LearnedRatio();
  readonly answer = new LearnedRatio();
  readonly length = new LearnedLength();
}

const UNLEARNED = new Learned();
const MOST_MODELS = 2_000;
/** What an integer column takes. */
const MOST_TOKENS = 2_147_483_647;
const MOST_CHOICES = 128;

/** Guesses tokens by length, as what each model's provider has reported teaches. No tokenizer: that costs more than the request. */
@Injectable()
export class TokenEstimates {
  /** By provider and model; those that answered last stand last. */
  readonly #models = new Map<string, Learned>();

  constructor(private readonly catalog: ModelCatalog) {}

  /** Of a prompt of so many characters. */
  promptTokens(model: Model, size: number): number {
    return this.#of(model).prompt.tokens(size);
  }

  /** Of so many characters of answer. */
  answerTokens(model: Model, said: number): number {
    return this.#of(model).answer.tokens(said);
  }

  /** What the answer may come to: as much as the client allows, else as much as this model's answers hardly ever exceed. */
  longestAnswer(model: Model, bounds: AnswerBounds): number {
    const asked = positive(bounds.max_completion_tokens ?? bounds.max_tokens);
    const most = this.catalog.find(model.endpoint.type, model.baseModel)?.maxOutputTokens ?? MOST_TOKENS;
    const each = Math.min(asked ?? this.#of(model).length.bound, most);
    return Math.min(each * Math.min(positive(bounds.n) ?? 1, MOST_CHOICES), MOST_TOKENS);
  }

  learn(model: Model, { promptSize, said, counts }: CountedAnswer): void {
    const learned = this.#toTeach(upstreamName(model));
    learned.prompt.learn(promptSize, counts.promptTokens);
    learned.answer.learn(said, counts.completionTokens);
    if (counts.completionTokens > 0) learned.length.learn(counts.completionTokens);
  }

  #of(model: Model): Learned {
    return this.#models.get(upstreamName(model)) ?? UNLEARNED;
  }

  #toTeach(name: string): Learned {
    const learned = this.#models.get(name) ?? new Learned();
    this.#models.delete(name);
    this.#models.set(name, learned);
    const [oldest] = this.#models.size > MOST_MODELS ? this.#models.keys() : [];
    if (oldest !== undefined) this.#models.delete(oldest);
    return learned;
  }
}

/** Clients write what they like; undefined: no number to go by. */
function positive(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 1 ? Math.floor(Math.min(value, MOST_TOKENS)) : undefined;
}
