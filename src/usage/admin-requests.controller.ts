import { All, Controller, Get, Query, Req } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { Admin } from '../access/admin.decorator.js';
import { MethodNotAllowedError } from '../domain/errors.js';
import type { AttemptRecord, Outcome, TokenCounts, UsageRecord } from '../domain/usage.js';
import { oneOf, page, period, refuseOthers, text, type QueryParameters } from '../http/query.js';
import { UsageStore, type UsageFilter } from './usage.store.js';

const PARAMETERS = [
  ...['from', 'to', 'key_id', 'owner', 'model', 'provider', 'outcome', 'tag', 'request_id'],
  ...['limit', 'cursor'],
];
const OUTCOMES: readonly Outcome[] = ['completed', 'failed', 'abandoned', 'refused'];

/** The records of requests, for the operator. */
@Admin()
@Controller('admin/requests')
export class AdminRequestsController {
  constructor(private readonly store: UsageStore) {}

  /** Newest first, a page at a time. */
  @Get()
  async list(@Query() query: QueryParameters) {
    refuseOthers(query, PARAMETERS);
    const { items, nextCursor } = await this.store.list(filterOf(query), page(query));
    return { object: 'list', data: items.map(requestBody), has_more: nextCursor !== null, next_cursor: nextCursor };
  }

  @All()
  refuse(@Req() { method = '' }: IncomingMessage): never {
    throw new MethodNotAllowedError(method, ['GET', 'HEAD']);
  }
}

function filterOf(query: QueryParameters): UsageFilter {
  const conditions = {
    keyId: text(query, 'key_id'),
    owner: text(query, 'owner'),
    model: text(query, 'model'),
    provider: text(query, 'provider'),
    outcome: oneOf(query, 'outcome', OUTCOMES),
    tag: text(query, 'tag'),
    requestId: text(query, 'request_id'),
  };
  const given = Object.entries(conditions).filter(([, value]) => value !== undefined);
  return { ...period(query), ...Object.fromEntries(given) };
}

function requestBody(record: UsageRecord) {
  return {
    request_id: record.requestId,
    created_at: new Date(record.createdAt).toISOString(),
    key_id: record.keyId,
    owner: record.owner,
    model: record.model,
    provider: record.provider,
    upstream_model: record.upstreamModel,
    stream: record.stream,
    outcome: record.outcome,
    status: record.status,
    error_code: record.errorCode,
    usage: usageBody(record.usage),
    usage_source: record.usageSource,
    cost_nano_usd: record.costNanoUsd,
    price_version: record.priceVersion,
    latency_ms: record.latencyMs,
    time_to_first_token_ms: record.timeToFirstTokenMs,
    tags: record.tags,
    attempts: record.attempts.map(attemptBody),
  };
}

function attemptBody(attempt: AttemptRecord) {
  return {
    provider: attempt.provider,
    model: attempt.model,
    outcome: attempt.outcome,
    status: attempt.status,
    error_code: attempt.errorCode,
    usage: usageBody(attempt.usage),
    usage_source: attempt.usageSource,
    service_tier: attempt.serviceTier,
    cost_nano_usd: attempt.costNanoUsd,
    price_version: attempt.priceVersion,
    started_at: new Date(attempt.startedAt).toISOString(),
    latency_ms: attempt.latencyMs,
  };
}

function usageBody(usage: TokenCounts | null) {
  return (
    usage && {
      prompt_tokens: usage.promptTokens,
      completion_tokens: usage.completionTokens,
      cached_tokens: usage.cachedTokens,
      cache_write_tokens: usage.cacheWriteTokens,
      reasoning_tokens: usage.reasoningTokens,
      audio_tokens: usage.audioTokens,
    }
  );
}
