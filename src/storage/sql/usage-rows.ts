import type { AttemptRecord, Outcome, TokenCounts, UsageRecord, UsageSource } from '../../domain/usage.js';
import type { TokenColumns, UsageAttemptRow, UsageRecordRow } from './schema.js';
import { integer, storable, storableOrNull } from './storable.js';

/** The row of a request, without its attempts; its values in the order of `RECORD_COLUMNS`. Made for every request. */
export function recordRow(record: UsageRecord): UsageRecordRow {
  const { usage, tags } = record;
  const createdAt = integer(record.createdAt);
  return {
    request_id: record.requestId,
    created_at: createdAt,
    day: dayOf(createdAt),
    key_id: record.keyId,
    owner: storableOrNull(record.owner),
    model: storable(record.model),
    provider: storableOrNull(record.provider),
    upstream_model: storableOrNull(record.upstreamModel),
    stream: record.stream ? 1 : 0,
    outcome: record.outcome,
    status: record.status,
    error_code: storableOrNull(record.errorCode),
    prompt_tokens: usage === null ? null : integer(usage.promptTokens),
    completion_tokens: usage === null ? null : integer(usage.completionTokens),
    cached_tokens: usage === null ? null : integer(usage.cachedTokens),
    cache_write_tokens: usage === null ? null : integer(usage.cacheWriteTokens),
    reasoning_tokens: usage === null ? null : integer(usage.reasoningTokens),
    audio_tokens: usage === null ? null : integer(usage.audioTokens),
    usage_source: record.usageSource,
    cost_nano_usd: record.costNanoUsd === null ? null : integer(record.costNanoUsd),
    price_version: record.priceVersion,
    latency_ms: record.latencyMs,
    time_to_first_token_ms: record.timeToFirstTokenMs,
    tags: tags.length === 0 ? '[]' : JSON.stringify(tags.map(storable)),
  };
}

/** The rows of a request's attempts, in order; their values in the order of `ATTEMPT_COLUMNS`. */
export function attemptRows({ attempts }: UsageRecord): readonly UsageAttemptRow[] {
  return attempts.map(attemptRow);
}

function attemptRow(attempt: AttemptRecord, position: number): UsageAttemptRow {
  const { usage } = attempt;
  return {
    position,
    provider: storable(attempt.provider),
    model: storable(attempt.model),
    outcome: attempt.outcome,
    status: attempt.status,
    error_code: storableOrNull(attempt.errorCode),
    prompt_tokens: usage === null ? null : integer(usage.promptTokens),
    completion_tokens: usage === null ? null : integer(usage.completionTokens),
    cached_tokens: usage === null ? null : integer(usage.cachedTokens),
    cache_write_tokens: usage === null ? null : integer(usage.cacheWriteTokens),
    reasoning_tokens: usage === null ? null : integer(usage.reasoningTokens),
    audio_tokens: usage === null ? null : integer(usage.audioTokens),
    usage_source: attempt.usageSource,
    cache_write_1h_tokens: some(usage?.cacheWrite1hTokens),
    audio_output_tokens: some(usage?.audioOutputTokens),
    image_input_tokens: some(usage?.imageInputTokens),
    image_output_tokens: some(usage?.imageOutputTokens),
    service_tier: storableOrNull(attempt.serviceTier),
    cost_nano_usd: attempt.costNanoUsd === null ? null : integer(attempt.costNanoUsd),
    priced_as: storable(attempt.pricedAs),
    price_version: attempt.priceVersion,
    started_at: integer(attempt.startedAt),
    latency_ms: attempt.latencyMs,
  };
}

/** Most answers have none of these: null costs nothing. */
const some = (tokens: number | undefined): number | null =>
  tokens === undefined || tokens === 0 ? null : integer(tokens);

const DAY_MS = 86_400_000;
/** The day that was asked for last: it is the same one nearly every time. */
let known = { number: 0, text: '1970-01-01' };

function dayOf(ms: number): string {
  const number = Math.floor(ms / DAY_MS);
  if (number !== known.number) known = { number, text: new Date(ms).toISOString().slice(0, 10) };
  return known.text;
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
