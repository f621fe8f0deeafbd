import type { AttemptRecord, Outcome, TokenCounts, UsageRecord, UsageSource } from '../../domain/usage.js';
import type { TokenColumns, UsageAttemptRow, UsageRecordRow } from './schema.js';
import { integer, storable, storableOrNull } from './storable.js';

/** The row of a request, without its attempts. */
export function recordRow(record: UsageRecord): UsageRecordRow {
  const createdAt = integer(record.createdAt);
  return {
    request_id: record.requestId,
    created_at: createdAt,
    day: new Date(createdAt).toISOString().slice(0, 10),
    key_id: record.keyId,
    owner: storableOrNull(record.owner),
    model: storable(record.model),
    provider: storableOrNull(record.provider),
    upstream_model: storableOrNull(record.upstreamModel),
    stream: record.stream ? 1 : 0,
    outcome: record.outcome,
    status: record.status,
    error_code: storableOrNull(record.errorCode),
    ...tokenColumns(record.usage),
    usage_source: record.usageSource,
    cost_nano_usd: record.costNanoUsd === null ? null : integer(record.costNanoUsd),
    price_version: record.priceVersion,
    latency_ms: record.latencyMs,
    time_to_first_token_ms: record.timeToFirstTokenMs,
    tags: JSON.stringify(record.tags),
  };
}

/** The rows of a request's attempts, in order. */
export function attemptRows({ attempts }: UsageRecord): readonly UsageAttemptRow[] {
  return attempts.map((attempt, position) => ({
    position,
    provider: storable(attempt.provider),
    model: storable(attempt.model),
    outcome: attempt.outcome,
    status: attempt.status,
    error_code: storableOrNull(attempt.errorCode),
    ...tokenColumns(attempt.usage),
    usage_source: attempt.usageSource,
    ...finerColumns(attempt.usage),
    service_tier: storableOrNull(attempt.serviceTier),
    priced_as: storable(attempt.pricedAs),
    price_version: attempt.priceVersion,
    cost_nano_usd: attempt.costNanoUsd === null ? null : integer(attempt.costNanoUsd),
    started_at: integer(attempt.startedAt),
    latency_ms: attempt.latencyMs,
  }));
}

/** The request as it was recorded; `attempts` in the order of their positions. */
export function recordOf(row: UsageRecordRow, attempts: readonly UsageAttemptRow[]): UsageRecord {
  return {
    requestId: row.request_id,
    createdAt: row.created_at,
    keyId: row.key_id,
    owner: row.owner,
    model: row.model,
    provider: row.provider,
    upstreamModel: row.upstream_model,
    stream: row.stream !== 0,
    outcome: row.outcome as Outcome,
    status: row.status,
    errorCode: row.error_code,
    usage: tokenCounts(row),
    usageSource: row.usage_source as UsageSource,
    costNanoUsd: row.cost_nano_usd,
    priceVersion: row.price_version,
    latencyMs: row.latency_ms,
    timeToFirstTokenMs: row.time_to_first_token_ms,
    tags: JSON.parse(row.tags) as string[],
    attempts: attempts.map(attemptOf),
  };
}

function attemptOf(row: UsageAttemptRow): AttemptRecord {
  return {
    provider: row.provider,
    model: row.model,
    outcome: row.outcome as Outcome,
    status: row.status,
    errorCode: row.error_code,
    usage: attemptCounts(row),
    usageSource: row.usage_source as UsageSource,
    serviceTier: row.service_tier,
    costNanoUsd: row.cost_nano_usd,
    pricedAs: row.priced_as ?? '',
    priceVersion: row.price_version,
    startedAt: row.started_at,
    latencyMs: row.latency_ms,
  };
}

const NO_COUNTS: TokenColumns = {
  prompt_tokens: null,
  completion_tokens: null,
  cached_tokens: null,
  cache_write_tokens: null,
  reasoning_tokens: null,
  audio_tokens: null,
};

function tokenColumns(usage: TokenCounts | null): TokenColumns {
  if (usage === null) return NO_COUNTS;
  return {
    prompt_tokens: integer(usage.promptTokens),
    completion_tokens: integer(usage.completionTokens),
    cached_tokens: integer(usage.cachedTokens),
    cache_write_tokens: integer(usage.cacheWriteTokens),
    reasoning_tokens: integer(usage.reasoningTokens),
    audio_tokens: integer(usage.audioTokens),
  };
}

type FinerColumns = Pick<
  UsageAttemptRow,
  'cache_write_1h_tokens' | 'audio_output_tokens' | 'image_input_tokens' | 'image_output_tokens'
>;

/** Most answers have none of these: null costs nothing. */
function finerColumns(usage: TokenCounts | null): FinerColumns {
  const some = (tokens: number | undefined) => (tokens === undefined || tokens === 0 ? null : integer(tokens));
  return {
    cache_write_1h_tokens: some(usage?.cacheWrite1hTokens),
    audio_output_tokens: some(usage?.audioOutputTokens),
    image_input_tokens: some(usage?.imageInputTokens),
    image_output_tokens: some(usage?.imageOutputTokens),
  };
}

function attemptCounts(row: UsageAttemptRow): TokenCounts | null {
  const counts = tokenCounts(row);
  return (
    counts && {
      ...counts,
      ...(row.cache_write_1h_tokens !== null && { cacheWrite1hTokens: row.cache_write_1h_tokens }),
      ...(row.audio_output_tokens !== null && { audioOutputTokens: row.audio_output_tokens }),
      ...(row.image_input_tokens !== null && { imageInputTokens: row.image_input_tokens }),
      ...(row.image_output_tokens !== null && { imageOutputTokens: row.image_output_tokens }),
    }
  );
}

function tokenCounts(row: TokenColumns): TokenCounts | null {
  if (row.prompt_tokens === null) return null;
  return {
    promptTokens: row.prompt_tokens,
    completionTokens: row.completion_tokens ?? 0,
    cachedTokens: row.cached_tokens ?? 0,
    cacheWriteTokens: row.cache_write_tokens ?? 0,
    reasoningTokens: row.reasoning_tokens ?? 0,
    audioTokens: row.audio_tokens ?? 0,
  };
}
