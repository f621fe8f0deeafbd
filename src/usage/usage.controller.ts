import { All, Controller, Get, Query, Req } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { budgetEnd } from '../domain/budget-period.js';
import { durationText } from '../domain/duration.js';
import { MethodNotAllowedError, OverloadedError, UnauthorizedError } from '../domain/errors.js';
import type { WindowStanding } from '../domain/limit.js';
import type { Principal } from '../domain/principal.js';
import type { RequestContext } from '../domain/request-context.js';
import { Context } from '../http/context.js';
import { DAY_MS, period, refuseOthers, type QueryParameters } from '../http/query.js';
import { Admission, type KeyStanding } from '../limits/admission.js';
import { RequestsUnderWay } from './requests-under-way.js';
import { sumBody } from './usage-body.js';
import { UsageStore } from './usage.store.js';
import { usd } from './usd.js';

const PATHS = ['v1/usage', 'usage', 'openai/v1/usage'];
const DAYS_SHOWN = 31;
/** There are no pages: a key that uses more models than that on more days sees the newest days of them. */
const MOST_ROWS = 5_000;
const MOST_AT_ONCE = 8;
const RETRY_MS = 1_000;

/** What the calling key has used and may use. */
@Controller()
export class UsageController {
  /** Questions that are not answered yet, by key. */
  readonly #open = new Map<string, number>();

  constructor(
    private readonly store: UsageStore,
    private readonly admission: Admission,
    private readonly underWay: RequestsUnderWay,
  ) {}

  /** `from` and `to` bound the sums; without `from` it is the 31 days up to `to`, or up to today. */
  @Get(PATHS)
  async own(@Query() query: QueryParameters, @Context() { principal, receivedAt }: RequestContext) {
    if (principal === undefined) throw new UnauthorizedError('You must provide an API key.', null);
    refuseOthers(query, ['from', 'to']);
    const { to, from = firstDayShown(to ?? receivedAt + 1) } = period(query);
    const filter = { keyId: principal.keyId, from, ...(to !== undefined && { to }) };
    const { total, days } = await this.#inTurn(principal.keyId, async () => ({
      // One after the other: two at once would take a process more, and are no faster.
      total: await this.store.sum(filter),
      days: await this.store.groups(filter, ['day', 'model'], { limit: MOST_ROWS, cursor: null }),
    }));
    return {
      object: 'usage',
      ...termsOf(principal, await this.#standing(principal), receivedAt),
      total: { ...sumBody(total), unpriced_requests: total.unpricedRequests },
      data: days.items.map(({ by, ...sum }) => ({ day: by.day, model: by.model, ...sumBody(sum) })),
    };
  }

  /** Where nothing bounds how many requests the key has under way, they are those of this process. */
  async #standing(principal: Principal): Promise<Standing> {
    const standing = await this.admission.standing(principal);
    const unbounded = { limit: null, inUse: this.underWay.of(principal.keyId) };
    return { ...standing, concurrency: standing.concurrency ?? unbounded };
  }

  /** Few of one key at a time: all keys, and budgets, have one queue to the ledger, which nobody may fill alone. */
  async #inTurn<T>(keyId: string, ask: () => Promise<T>): Promise<T> {
    const open = this.#open.get(keyId) ?? 0;
    if (open >= MOST_AT_ONCE) throw new OverloadedError('This key asks the ledger too much at once.', RETRY_MS);
    this.#open.set(keyId, open + 1);
    try {
      return await ask();
    } finally {
      const left = (this.#open.get(keyId) ?? 1) - 1;
      if (left > 0) this.#open.set(keyId, left);
      else this.#open.delete(keyId);
    }
  }

  @All(PATHS)
  refuse(@Req() { method = '' }: IncomingMessage): never {
    throw new MethodNotAllowedError(method, ['GET', 'HEAD']);
  }
}

interface Standing extends Omit<KeyStanding, 'concurrency'> {
  readonly concurrency: { readonly limit: number | null; readonly inUse: number };
}

function termsOf({ name, models, expiresAt = null, budget = null }: Principal, standing: Standing, now: number) {
  const { limit, inUse } = standing.concurrency;
  return {
    key: { name, models, expires_at: expiresAt === null ? null : new Date(expiresAt).toISOString() },
    limits: {
      rpm: windowBody(standing.rpm),
      tpm: windowBody(standing.tpm),
      concurrency: { limit, in_use: inUse },
    },
    budget: budget && {
      usd: budget.usd,
      per: budget.per,
      spent_usd: usd(BigInt(Math.round(standing.budget?.spentNanoUsd ?? 0))),
      resets_at: secondOf(budgetEnd(budget.per, now)),
    },
  };
}

function windowBody(standing: WindowStanding | null) {
  if (standing === null) return { limit: null, remaining: null, reset: null };
  return { limit: standing.limit, remaining: standing.remaining, reset: durationText(standing.resetMs) };
}

/** Budget periods begin on the second. */
const secondOf = (at: number | null): string | null =>
  at === null ? null : new Date(at).toISOString().replace('.000Z', 'Z');

function firstDayShown(end: number): number {
  const last = end - 1;
  return last - (last % DAY_MS) - (DAYS_SHOWN - 1) * DAY_MS;
}
