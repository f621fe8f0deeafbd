import type { ModelCard } from '../catalog/model-card.js';
import type { ChatMessage, ChatRequest } from '../domain/chat.js';
import type { Estimate } from '../domain/explanation.js';
import { costNanoUsd, type ModelPrice } from '../domain/price.js';

/** Of English, about. */
export const CHARACTERS_PER_TOKEN = 4;

/** What a request may come to, before anybody has counted. */
export function estimate(request: ChatRequest, card: ModelCard | undefined, price: ModelPrice | undefined): Estimate {
  const prompt = promptTokens(request);
  const limit = request.max_completion_tokens ?? request.max_tokens ?? card?.maxOutputTokens ?? null;
  const answers = Math.max(1, request.n ?? 1);
  return {
    prompt_tokens: prompt,
    max_completion_tokens: limit,
    cost_usd:
      price === undefined || limit === null ? null : textCostNanoUsd(prompt, Math.floor(limit * answers), price) / 1e9,
  };
}

/** Of so many tokens, none of which is of a class of its own. */
export function textCostNanoUsd(promptTokens: number, completionTokens: number, price: ModelPrice): number {
  const none = { cachedTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0, audioTokens: 0 };
  return costNanoUsd({ ...none, promptTokens, completionTokens }, price);
}

/** By the length of its texts; what is not text does not count. */
export const promptTokens = (request: ChatRequest): number => Math.ceil(promptLength(request) / CHARACTERS_PER_TOKEN);

/** Characters of all that the model reads as text. */
function promptLength({ messages, tools, functions, response_format: format }: ChatRequest): number {
  const declared = [tools, functions, format?.json_schema].reduce<number>((sum, each) => sum + jsonLength(each), 0);
  return messages.reduce((sum, message) => sum + messageLength(message), declared);
}

function messageLength({ content, tool_calls: calls }: ChatMessage): number {
  if (typeof content === 'string') return content.length + jsonLength(calls);
  const texts = (content ?? []).reduce((sum, { text }) => sum + (typeof text === 'string' ? text.length : 0), 0);
  return texts + jsonLength(calls);
}

const jsonLength = (value: unknown): number => (value == null ? 0 : JSON.stringify(value).length);
