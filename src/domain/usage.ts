import type { PromptTokensDetails, Usage } from './chat.js';

const MOST_TOKENS = 2_147_483_647;

/** How a request or an attempt ended: answered, failed, the client left, or refused before any attempt. */
export type Outcome = 'completed' | 'failed' | 'abandoned' | 'refused';

/** Where token counts come from: the provider, our tokenizer, a guess by length, or nowhere. */
export type UsageSource = 'provider' | 'counted' | 'estimated' | 'none';

/** Token counts of one answer, flat, in OpenAI's arithmetic. */
export interface TokenCounts {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
  readonly cacheWriteTokens: number;
  readonly reasoningTokens: number;
  /** Heard and spoken together; what was heard from the cache is among the cached ones alone. */
  readonly audioTokens: number;
  /** Those of `audioTokens` that were spoken, where they are told apart. */
  readonly audioOutputTokens?: number;
  /** Those of `cacheWriteTokens` that are kept for an hour instead of five minutes. */
  readonly cacheWrite1hTokens?: number;
  /** Those of `promptTokens` and of `completionTokens` that are images, where they are told apart; none of the cache. */
  readonly imageInputTokens?: number;
  readonly imageOutputTokens?: number;
}

/**
 * The counts of an OpenAI usage object; what is missing, null, negative or no integer counts as nothing, and no detail
 * is larger than what it is a detail of.
 */
export function tokenCounts(usage: Usage): TokenCounts {
  const { prompt_tokens_details: prompt, completion_tokens_details: completion } = usage;
  const told = count(usage.prompt_tokens);
  const heard = count(prompt?.audio_tokens);
  // More than the whole: Mistral counts what was heard beside the prompt.
  const promptTokens = heard > told ? count(told + heard) : told;
  const completionTokens = count(usage.completion_tokens);
  const cachedTokens = count(prompt?.cached_tokens, promptTokens);
  const cacheWriteTokens = count(prompt?.cache_write_tokens, promptTokens - cachedTokens);
  const spoken = count(completion?.audio_tokens, completionTokens);
  return {
    promptTokens,
    completionTokens,
    cachedTokens,
    cacheWriteTokens,
    reasoningTokens: count(completion?.reasoning_tokens, completionTokens),
    audioTokens: uncached(prompt, 'audio_tokens', promptTokens) + spoken,
    ...counted('audioOutputTokens', spoken),
    ...counted('cacheWrite1hTokens', writtenForAnHour(usage, cacheWriteTokens)),
    ...counted('imageInputTokens', uncached(prompt, 'image_tokens', promptTokens)),
    ...counted('imageOutputTokens', count(completion?.['image_tokens'], completionTokens)),
  };
}

/** Most answers have none of these, and say nothing of them. */
const counted = <Name extends string>(name: Name, tokens: number): Readonly<Partial<Record<Name, number>>> =>
  tokens === 0 ? NONE : ({ [name]: tokens } as Record<Name, number>);

const NONE = Object.freeze({});

/** Tokens of one kind in a prompt, but for those that came from the cache, where the provider tells these apart. */
function uncached(
  prompt: PromptTokensDetails | null | undefined,
  kind: 'audio_tokens' | 'image_tokens',
  most: number,
): number {
  const all = count(prompt?.[kind], most);
  return all === 0 ? 0 : all - count(member(prompt?.['cached_tokens_details'], kind), all);
}

/** Anthropic's word for it, in which Bedrock's is told as well. */
function writtenForAnHour(usage: Usage, written: number): number {
  return written === 0 ? 0 : count(member(usage['cache_creation'], 'ephemeral_1h_input_tokens'), written);
}

function member(of: unknown, name: string): unknown {
  return typeof of === 'object' && of !== null ? (of as Readonly<Record<string, unknown>>)[name] : undefined;
}

/** A provider's word is not to be trusted into an integer column: not a float, not a string, not beyond 32 bits. */
function count(tokens: unknown, most = MOST_TOKENS): number {
  if (typeof tokens !== 'number' || !(tokens > 0)) return 0;
  return Math.min(Math.floor(tokens), most);
}

/** What is kept of one call to one deployment. Times are epoch milliseconds or durations in milliseconds. */
export interface AttemptRecord {
  readonly provider: string;
  /** The model id that was sent upstream. */
  readonly model: string;
  readonly outcome: Outcome;
  readonly status: number | null;
  readonly errorCode: string | null;
  readonly usage: TokenCounts | null;
  readonly usageSource: UsageSource;
  /** As which the provider billed it, where it said so: `flex`, `priority`, `batch`. */
  readonly serviceTier: string | null;
  /** Integer nano-dollars; null where the price is not known. */
  readonly costNanoUsd: number | null;
  /** Whose price it was: provider type and model as in the catalogue, `openai/gpt-4.1`. */
  readonly pricedAs: string;
  /** Of which list; null where no price was found. */
  readonly priceVersion: string | null;
  readonly startedAt: number;
  readonly latencyMs: number;
}

/** What is kept of one request. Its usage and cost are the sums over its attempts. */
export interface UsageRecord {
  readonly requestId: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly keyId: string | null;
  /** Who the key belonged to at that time. */
  readonly owner: string | null;
  /** The model name the client wrote. */
  readonly model: string;
  readonly provider: string | null;
  readonly upstreamModel: string | null;
  readonly stream: boolean;
  readonly outcome: Outcome;
  readonly status: number;
  readonly errorCode: string | null;
  readonly usage: TokenCounts | null;
  readonly usageSource: UsageSource;
  /** Integer nano-dollars; null where a price is not known. */
  readonly costNanoUsd: number | null;
  readonly priceVersion: string | null;
  readonly latencyMs: number;
  readonly timeToFirstTokenMs: number | null;
  readonly tags: readonly string[];
  readonly attempts: readonly AttemptRecord[];
}
