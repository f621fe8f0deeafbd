import type { ListedPrice, Sale } from '../catalog/price-book.js';
import type { Deployment, UpstreamAttempt } from '../domain/deployment.js';
import { GatewayError } from '../domain/errors.js';
import { costNanoUsd } from '../domain/price.js';
import type { RequestContext } from '../domain/request-context.js';
import type { AttemptRecord, Outcome, UsageRecord } from '../domain/usage.js';
import { attemptUsage, isFree, totalCounts, totalSource, type AttemptUsage, type Guesses } from './attempt-usage.js';

/** What accounting looks up. */
export interface Books {
  readonly prices: { find(deployment: Deployment, sale: Sale): ListedPrice | undefined };
  readonly guesses: Guesses;
}

/** How an answer ended, as the one who watched it go by knows it. Times are `performance.now()` milliseconds. */
export interface Ending {
  /** The model name the client wrote. */
  readonly model: string;
  readonly stream: boolean;
  readonly outcome: Outcome;
  /** What it failed with, where it failed. */
  readonly error: unknown;
  /** Characters of the request; asked for only where tokens have to be guessed. */
  readonly promptSize: () => number;
  /** When the first frame of a stream went by; the client has read status 200 then. */
  readonly openedAt: number | undefined;
  readonly endedAt: number;
}

/** Written where a client left before it was told a status. */
const CLIENT_CLOSED_REQUEST = 499;
const LONGEST_TEXT = 256;

/** The record of one request, with a row for every attempt. */
export function usageRecord(context: RequestContext, ending: Ending, books: Books): UsageRecord {
  const { lastAttempt, principal } = context;
  const rows = context.attempts.map((attempt) => attemptRow(attempt, { context, ending, books }));
  const usages = rows.map(({ usage }) => usage);
  const records = rows.map(({ record }) => record);
  return {
    requestId: context.id,
    createdAt: context.receivedAt,
    keyId: principal?.keyId ?? null,
    owner: principal?.owner ?? null,
    model: brief(ending.model),
    provider: lastAttempt === undefined ? null : brief(lastAttempt.deployment.provider),
    upstreamModel: lastAttempt === undefined ? null : brief(lastAttempt.deployment.model),
    stream: ending.stream,
    outcome: outcomeOf(context, ending),
    status: statusOf(ending),
    errorCode: ending.outcome === 'failed' || ending.outcome === 'refused' ? codeOf(ending.error) : null,
    usage: totalCounts(usages),
    usageSource: totalSource(usages),
    costNanoUsd: total(records),
    priceVersion: records.findLast(({ priceVersion }) => priceVersion !== null)?.priceVersion ?? null,
    latencyMs: milliseconds(ending.endedAt - context.startedAt),
    timeToFirstTokenMs: ending.openedAt === undefined ? null : milliseconds(ending.openedAt - context.startedAt),
    tags: context.wishes.tags.map(brief),
    attempts: records,
  };
}

/** What failed before any attempt was refused; a replayed failure had its attempts, elsewhere. */
function outcomeOf({ attempts, replayOf }: RequestContext, { outcome }: Ending): Outcome {
  return outcome === 'failed' && attempts.length === 0 && replayOf === undefined ? 'refused' : outcome;
}

interface Accounts {
  readonly context: RequestContext;
  readonly ending: Ending;
  readonly books: Books;
}

function attemptRow(
  attempt: UpstreamAttempt,
  { context, ending, books }: Accounts,
): { readonly record: AttemptRecord; readonly usage: AttemptUsage } {
  const { deployment, startedAt, endedAt = ending.endedAt, serviceTier } = attempt;
  // Where the client left, the call may still be on its way down when the record is made.
  const outcome = attempt.outcome ?? (attempt === context.lastAttempt ? ending.outcome : 'failed');
  const ended = { ...attempt, outcome };
  const usage = attemptUsage(ended, ending.promptSize, books.guesses);
  const listed =
    usage.counts === null
      ? undefined
      : books.prices.find(deployment, { at: context.receivedAt, serviceTier, used: true });
  const record: AttemptRecord = {
    provider: brief(deployment.provider),
    model: brief(deployment.model),
    outcome,
    status: attempt.status ?? null,
    errorCode: attempt.errorCode === null ? null : brief(attempt.errorCode),
    usage: usage.counts,
    usageSource: usage.source,
    serviceTier: serviceTier === undefined ? null : brief(serviceTier),
    costNanoUsd: costOf(ended, usage, listed),
    pricedAs: brief(`${deployment.endpoint.type}/${deployment.baseModel}`),
    priceVersion: listed?.version ?? null,
    startedAt: Math.round(context.receivedAt + startedAt - context.startedAt),
    latencyMs: milliseconds(endedAt - startedAt),
  };
  return { record, usage };
}

function costOf(attempt: UpstreamAttempt, { counts }: AttemptUsage, listed: ListedPrice | undefined): number | null {
  if (counts === null) return isFree(attempt) ? 0 : null;
  return listed === undefined ? null : costNanoUsd(counts, listed.price);
}

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
