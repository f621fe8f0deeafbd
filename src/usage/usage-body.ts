import type { Dimension, UsageGroup, UsageSum } from './usage.store.js';
import { usd } from './usd.js';

/** What each dimension is called in answers. */
const NAMES: Readonly<Record<Dimension, string>> = {
  key: 'key_id',
  owner: 'owner',
  model: 'model',
  provider: 'provider',
  day: 'day',
  tag: 'tag',
};

/** The part of the sums that everyone is shown. */
export function sumBody({ requests, promptTokens, completionTokens, cachedTokens, costNanoUsd }: UsageSum) {
  return {
    requests,
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    cached_tokens: cachedTokens,
    cost_usd: usd(costNanoUsd),
  };
}

/** Every sum of a group, after what it is grouped by in the order that was asked for. */
export function groupBody(group: UsageGroup, by: readonly Dimension[]) {
  return {
    ...Object.fromEntries(by.map((dimension) => [NAMES[dimension], group.by[dimension] ?? null])),
    requests: group.requests,
    prompt_tokens: group.promptTokens,
    completion_tokens: group.completionTokens,
    cached_tokens: group.cachedTokens,
    cache_write_tokens: group.cacheWriteTokens,
    reasoning_tokens: group.reasoningTokens,
    audio_tokens: group.audioTokens,
    cost_usd: usd(group.costNanoUsd),
    cost_nano_usd: exact(group.costNanoUsd),
    unpriced_requests: group.unpricedRequests,
    estimated_requests: group.estimatedRequests,
  };
}

/** The names of the members of a group, in their order. */
export function groupMembers(by: readonly Dimension[]): readonly string[] {
  return Object.keys(groupBody({ ...NOTHING, by: {} }, by));
}

const NOTHING: UsageSum = {
  requests: 0,
  promptTokens: 0,
  completionTokens: 0,
  cachedTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
  audioTokens: 0,
  costNanoUsd: 0n,
  unpricedRequests: 0,
  estimatedRequests: 0,
};

/** A number as long as every reader of JSON reads it exactly, and beyond that its digits as a string. */
function exact(nano: bigint): number | string {
  const number = Number(nano);
  return Number.isSafeInteger(number) ? number : nano.toString();
}
