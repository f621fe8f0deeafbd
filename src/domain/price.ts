import type { TokenCounts } from './usage.js';

/**
 * What tokens of each class cost, in integer nano-dollars per million tokens: $2.50 a million is 2 500 000 000,
 * and every list price down to $0.000000001 a million is exact. A class without its own rate costs what its side does.
 */
export interface TokenRates {
  readonly input: number;
  /** Input read from the provider's prompt cache. */
  readonly cachedInput?: number;
  /** Input written to the provider's prompt cache. */
  readonly cacheWrite?: number;
  /** The same, to be kept for an hour. */
  readonly cacheWrite1h?: number;
  readonly audioInput?: number;
  readonly imageInput?: number;
  readonly output: number;
  readonly reasoning?: number;
  readonly audioOutput?: number;
  readonly imageOutput?: number;
}

/** The price of one model at one provider. */
export interface ModelPrice extends TokenRates {
  /** Rates that replace all of the above for a whole request once its prompt is long; in any order. */
  readonly longContext?: readonly LongContextRates[];
}

export interface LongContextRates extends TokenRates {
  /** They hold for prompts of more tokens than this. */
  readonly aboveInputTokens: number;
}

const TOKENS_PER_RATE = 1_000_000n;

/** What an answer cost, in integer nano-dollars, rounded half up once at the end; every token is billed in one class only. */
export function costNanoUsd(counts: TokenCounts, price: ModelPrice): number {
  const rates = ratesFor(counts.promptTokens, price);
  const total = inputCost(counts, rates) + outputCost(counts, rates);
  const rounded = (total + TOKENS_PER_RATE / 2n) / TOKENS_PER_RATE;
  // A provider that reports absurd counts must not make a cost that no integer column takes.
  return rounded > MOST ? Number.MAX_SAFE_INTEGER : Number(rounded);
}

/** Of so many tokens, none of which is of a class of its own. */
export function textCostNanoUsd(promptTokens: number, completionTokens: number, price: ModelPrice): number {
  const none = { cachedTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0, audioTokens: 0 };
  return costNanoUsd({ ...none, promptTokens, completionTokens }, price);
}

const MOST = BigInt(Number.MAX_SAFE_INTEGER);

function ratesFor(promptTokens: number, price: ModelPrice): TokenRates {
  let rates: TokenRates = price;
  let above = -1;
  for (const tier of price.longContext ?? []) {
    if (promptTokens > tier.aboveInputTokens && tier.aboveInputTokens > above) {
      rates = tier;
      above = tier.aboveInputTokens;
    }
  }
  return rates;
}

/** The classes of a prompt may overlap (cached audio) or exceed it (a careless provider): each takes only what is left. */
function inputCost(counts: TokenCounts, { input, cachedInput, cacheWrite, audioInput }: TokenRates): bigint {
  const cached = Math.min(counts.cachedTokens, counts.promptTokens);
  const written = Math.min(counts.cacheWriteTokens, counts.promptTokens - cached);
  const audio = Math.min(counts.audioTokens - audioOutput(counts), counts.promptTokens - cached - written);
  const plain = counts.promptTokens - cached - written - audio;
  return (
    bill(plain, input) +
    bill(cached, cachedInput ?? input) +
    bill(written, cacheWrite ?? input) +
    bill(audio, audioInput ?? input)
  );
}

function outputCost(counts: TokenCounts, { output, reasoning, audioOutput: audioRate }: TokenRates): bigint {
  const audio = Math.min(audioOutput(counts), counts.completionTokens);
  const reasoned = Math.min(counts.reasoningTokens, counts.completionTokens - audio);
  const plain = counts.completionTokens - audio - reasoned;
  return bill(plain, output) + bill(reasoned, reasoning ?? output) + bill(audio, audioRate ?? output);
}

function audioOutput({ audioTokens, audioOutputTokens = 0 }: TokenCounts): number {
  return Math.min(audioOutputTokens, audioTokens);
}

function bill(tokens: number, rate: number): bigint {
  return tokens === 0 ? 0n : BigInt(tokens) * BigInt(rate);
}
