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
  /** What an answer costs that was billed in another tier than the usual one; a tier that is not here has no known price. */
  readonly tiers?: Readonly<Partial<Record<Tier, TierPrice>>>;
}

export const TIERS = ['flex', 'priority', 'batch'] as const;
export type Tier = (typeof TIERS)[number];

/** A list of its own, or the share of the usual price that it costs: 0.5 is half of it. */
export type TierPrice = number | TokenRates;

export interface LongContextRates extends TokenRates {
  /** They hold for prompts of more tokens than this. */
  readonly aboveInputTokens: number;
}

const TOKENS_PER_RATE = 1_000_000n;

/** What providers call the usual tier in their answers. */
const USUAL: readonly (string | undefined)[] = [undefined, '', 'default', 'auto', 'standard', 'on_demand'];

/** The price in the tier that an answer was billed in; undefined: not known, and never the usual one in its place. */
export function priceInTier(price: ModelPrice, serviceTier: string | undefined): ModelPrice | undefined {
  const word = serviceTier?.toLowerCase();
  if (USUAL.includes(word)) return price;
  const tier = TIERS.find((each) => each === word);
  const found = tier && price.tiers?.[tier];
  return typeof found === 'number' ? shareOf(price, found) : found;
}

function shareOf({ tiers: _tiers, longContext, ...rates }: ModelPrice, factor: number): ModelPrice {
  const long = longContext?.map(({ aboveInputTokens, ...above }) => ({ aboveInputTokens, ...scaled(above, factor) }));
  return { ...scaled(rates, factor), ...(long && { longContext: long }) };
}

function scaled(rates: TokenRates, factor: number): TokenRates {
  const shares = Object.entries(rates).map(([name, rate]) => [name, Math.round((rate as number) * factor)] as const);
  return Object.fromEntries(shares) as unknown as TokenRates;
}

/** What an answer cost, in integer nano-dollars, rounded half up once at the end; every token is billed in one class only. */
export function costNanoUsd(counts: TokenCounts, price: ModelPrice): number {
  const rates = ratesFor(counts.promptTokens, price);
  const total = inputCost(counts, rates) + outputCost(counts, rates);
  const rounded = (total + TOKENS_PER_RATE / 2n) / TOKENS_PER_RATE;
  // A provider that reports absurd counts must not make a cost that no integer column takes.
  return rounded > MOST ? Number.MAX_SAFE_INTEGER : Number(rounded);
}

/** The same by estimate, of tokens none of which is of a class of its own: rounded up, and without the care that a bill takes. */
export function textCostNanoUsd(promptTokens: number, completionTokens: number, price: ModelPrice): number {
  const { input, output } = ratesFor(promptTokens, price);
  const total = Math.ceil((promptTokens * input + completionTokens * output) / Number(TOKENS_PER_RATE));
  return Math.min(total, Number.MAX_SAFE_INTEGER);
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

/** The classes of a prompt may overlap (images written to the cache) or exceed it (a careless provider): each takes only what is left. */
function inputCost(counts: TokenCounts, rates: TokenRates): bigint {
  const { input, cachedInput = input, cacheWrite = input, audioInput = input, imageInput = input } = rates;
  const { cacheWrite1h = cacheWrite } = rates;
  const cached = Math.min(counts.cachedTokens, counts.promptTokens);
  const written = Math.min(counts.cacheWriteTokens, counts.promptTokens - cached);
  const long = Math.min(counts.cacheWrite1hTokens ?? 0, written);
  let left = counts.promptTokens - cached - written;
  const audio = Math.min(counts.audioTokens - audioOutput(counts), left);
  left -= audio;
  const image = Math.min(counts.imageInputTokens ?? 0, left);
  return (
    bill(left - image, input) +
    bill(cached, cachedInput) +
    bill(written - long, cacheWrite) +
    bill(long, cacheWrite1h) +
    bill(audio, audioInput) +
    bill(image, imageInput)
  );
}

function outputCost(counts: TokenCounts, rates: TokenRates): bigint {
  const { output, reasoning = output, audioOutput: audioRate = output, imageOutput = output } = rates;
  let left = counts.completionTokens;
  const audio = Math.min(audioOutput(counts), left);
  left -= audio;
  const image = Math.min(counts.imageOutputTokens ?? 0, left);
  left -= image;
  const reasoned = Math.min(counts.reasoningTokens, left);
  return bill(left - reasoned, output) + bill(reasoned, reasoning) + bill(audio, audioRate) + bill(image, imageOutput);
}

function audioOutput({ audioTokens, audioOutputTokens = 0 }: TokenCounts): number {
  return Math.min(audioOutputTokens, audioTokens);
}

function bill(tokens: number, rate: number): bigint {
  return tokens === 0 ? 0n : BigInt(tokens) * BigInt(rate);
}
