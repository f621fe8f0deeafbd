import { All, Controller, Get, Query, Req } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { MethodNotAllowedError, UnauthorizedError } from '../domain/errors.js';
import type { Principal } from '../domain/principal.js';
import type { RequestContext } from '../domain/request-context.js';
import { Context } from '../http/context.js';
import { budgetStart, budgetEnd } from '../domain/budget-period.js';
import { DAY_MS, period, type QueryParameters } from '../http/query.js';
import { UsageStore, type UsageSum } from './usage.store.js';
import { usd } from './usd.js';

const PATHS = ['v1/usage', 'usage', 'openai/v1/usage'];
const DAYS_SHOWN = 31;

/** What the calling key has used and may use. */
@Controller()
export class UsageController {
  constructor(private readonly store: UsageStore) {}

  /** `from` and `to` bound the sums; without `from` it is the 31 days up to `to`, or up to today. */
  @Get(PATHS)
  async own(@Query() query: QueryParameters, @Context() { principal, receivedAt }: RequestContext) {
    if (principal === undefined) throw new UnauthorizedError('You must provide an API key.', null);
    const { to, from = firstDayShown(to ?? receivedAt + 1) } = period(query);
    const filter = { keyId: principal.keyId, from, ...(to !== undefined && { to }) };
    const [total, days, budget] = await Promise.all([
      this.store.sum(filter),
      this.store.byDayAndModel(filter),
      this.#budget(principal, receivedAt),
    ]);
    return {
      object: 'usage',
      ...terms(principal),
      budget,
      total: { ...sums(total), unpriced_requests: total.unpricedRequests },
      data: days.map(({ day, model, ...sum }) => ({ day, model, ...sums(sum) })),
    };
  }

  @All(PATHS)
  refuse(@Req() { method = '' }: IncomingMessage): never {
    throw new MethodNotAllowedError(method, ['GET', 'HEAD']);
  }

  async #budget({ keyId, budget = null }: Principal, now: number) {
    if (budget === null) return null;
    const { costNanoUsd } = await this.store.sum({ keyId, from: budgetStart(budget.per, now) });
    const end = budgetEnd(budget.per, now);
    return {
      usd: budget.usd,
      per: budget.per,
      spent_usd: usd(costNanoUsd),
      resets_at: end === null ? null : new Date(end).toISOString().replace('.000Z', 'Z'), // periods begin on the second
    };
  }
}

/** What is left of a limit is not known before limits are counted. */
function terms({ name, models, expiresAt = null, rpm = null, tpm = null, concurrency = null }: Principal) {
  return {
    key: { name, models, expires_at: expiresAt === null ? null : new Date(expiresAt).toISOString() },
    limits: {
      rpm: { limit: rpm, remaining: null, reset: null },
      tpm: { limit: tpm, remaining: null, reset: null },
      concurrency: { limit: concurrency, in_use: null },
    },
  };
}

function sums({ requests, promptTokens, completionTokens, cachedTokens, costNanoUsd }: UsageSum) {
  return {
    requests,
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    cached_tokens: cachedTokens,
    cost_usd: usd(costNanoUsd),
  };
}

function firstDayShown(end: number): number {
  const last = end - 1;
  return last - (last % DAY_MS) - (DAYS_SHOWN - 1) * DAY_MS;
}
