import type { Usage } from '../domain/chat.js';
import type { UpstreamAttempt } from '../domain/deployment.js';
import { GatewayError } from '../domain/errors.js';
import { costNanoUsd, type ModelPrice } from '../domain/price.js';
import type { RequestContext } from '../domain/request-context.js';
import { tokenCounts, type AttemptRecord, type Outcome, type TokenCounts, type UsageRecord } from '../domain/usage.js';

/** Where prices are looked up: by provider type, the model's own id, and the time of the call in epoch milliseconds. */
export interface PriceList {
  readonly version: string;
  price(type: string, modelId: string, at: number): ModelPrice | undefined;
}

/** How an answer ended, as the one who watched it go by knows it. Times are `performance.now()` milliseconds. */
export interface Ending {
  /** The model name the client wrote. */
  readonly model: string;
  readonly stream: boolean;
  readonly outcome: Exclude<Outcome, 'refused'>;
  /** What it failed with, where it failed. */
  readonly error: unknown;
  readonly usage: Usage | undefined;
  /** When the first frame of a stream went by; the client has read status 200 then. */
  readonly openedAt: number | undefined;
  readonly endedAt: number;
}

/** Written where a client left before it was told a status. */
const CLIENT_CLOSED_REQUEST = 499;
const LONGEST_TEXT = 256;

/** The record of one request, with a row for every attempt. */
export function usageRecord(context: RequestContext, ending: Ending, prices: PriceList): UsageRecord {
  const { lastAttempt, attempts } = context;
  // A replayed answer's tokens were used by the request it belongs to.
  const told = context.replayOf === undefined ? ending.usage : undefined;
  const usage = told === undefined ? lastAttempt?.usage : tokenCounts(told);
  const rows = attempts.map((attempt) =>
    attemptRecord(attempt, { context, ending, prices, usage: attempt === lastAttempt ? usage : attempt.usage }),
  );
  const priced = rows.some((row) => row.usage !== null && row.costNanoUsd !== null);
  return {
    requestId: context.id,
    createdAt: context.receivedAt,
    keyId: context.principal?.keyId ?? null,
    model: brief(ending.model),
    provider: lastAttempt === undefined ? null : brief(lastAttempt.deployment.provider),
    upstreamModel: lastAttempt === undefined ? null : brief(lastAttempt.deployment.model),
    stream: ending.stream,
    outcome: outcomeOf(context, ending),
    status: statusOf(ending),
    errorCode: ending.outcome === 'failed' ? codeOf(ending.error) : null,
    usage: usage ?? null,
    usageSource: usage === undefined ? 'none' : 'provider',
    costNanoUsd: total(rows),
    priceVersion: priced ? prices.version : null,
    latencyMs: milliseconds(ending.endedAt - context.startedAt),
    timeToFirstTokenMs: ending.openedAt === undefined ? null : milliseconds(ending.openedAt - context.startedAt),
    tags: context.wishes.tags.map(brief),
    attempts: rows,
  };
}

/** What failed before any attempt was refused; a replayed failure had its attempts, elsewhere. */
function outcomeOf({ attempts, replayOf }: RequestContext, { outcome }: Ending): Outcome {
  return outcome === 'failed' && attempts.length === 0 && replayOf === undefined ? 'refused' : outcome;
}

interface AttemptFacts {
  readonly context: RequestContext;
  readonly ending: Ending;
  readonly prices: PriceList;
  readonly usage: TokenCounts | undefined;
}

function attemptRecord(attempt: UpstreamAttempt, facts: AttemptFacts): AttemptRecord {
  const { context, ending, usage } = facts;
  const { deployment, startedAt, endedAt = ending.endedAt } = attempt;
  // Where the client left, the call may still be on its way down when the record is made.
  const outcome = attempt.outcome ?? (attempt === context.lastAttempt ? ending.outcome : 'failed');
  const isUnbilled = outcome === 'failed' && attempt !== context.answering && isFree(attempt);
  return {
    provider: brief(deployment.provider),
    model: brief(deployment.model),
    outcome,
    status: attempt.status ?? null,
    errorCode: attempt.errorCode === null ? null : brief(attempt.errorCode),
    usage: usage ?? null,
    usageSource: usage === undefined ? 'none' : 'provider',
    costNanoUsd: usage === undefined ? (isUnbilled ? 0 : null) : cost(usage, attempt, facts),
    startedAt: Math.round(context.receivedAt + startedAt - context.startedAt),
    latencyMs: milliseconds(endedAt - startedAt),
  };
}

function cost(usage: TokenCounts, { deployment }: UpstreamAttempt, { context, prices }: AttemptFacts): number | null {
  const price = prices.price(deployment.endpoint.type, deployment.baseModel, context.receivedAt);
  return price === undefined ? null : costNanoUsd(usage, price);
}

/**
 * What the provider refused, or never received, is known to cost nothing. Of what failed otherwise it is not known: not
 * of an answer that made no sense, nor of a stream whose beginning was passed on.
 */
const isFree = ({ status = 0, neverSent = false }: UpstreamAttempt): boolean => neverSent || status >= 400;

/** A cost that is not known in part is not known. */
function total(rows: readonly AttemptRecord[]): number | null {
  let sum = 0;
  for (const { costNanoUsd: amount } of rows) {
    if (amount === null) return null;
    sum += amount;
  }
  return Math.min(sum, Number.MAX_SAFE_INTEGER);
}

function statusOf({ outcome, error, openedAt }: Ending): number {
  if (outcome === 'completed' || openedAt !== undefined) return 200;
  if (outcome === 'abandoned') return CLIENT_CLOSED_REQUEST;
  return error instanceof GatewayError ? error.status : 500;
}

function codeOf(error: unknown): string | null {
  return error instanceof GatewayError && error.code !== null ? brief(error.code) : null;
}

function milliseconds(duration: number): number {
  return Math.max(0, Math.round(duration));
}

/** A record holds no megabytes of what someone else calls a model. */
function brief(text: string): string {
  return text.length > LONGEST_TEXT ? text.slice(0, LONGEST_TEXT) : text;
}
