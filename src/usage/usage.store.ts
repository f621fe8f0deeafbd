import type { TokenCounts, UsageRecord } from '../domain/usage.js';

/** Which records: all conditions hold together; times are epoch milliseconds, `from` inclusive, `to` exclusive. */
export interface UsageFilter {
  readonly from?: number;
  readonly to?: number;
  readonly keyId?: string;
  readonly owner?: string;
  readonly model?: string;
  readonly provider?: string;
  readonly outcome?: string;
  readonly tag?: string;
  readonly requestId?: string;
}

/** The conditions by which sums can be had: those of `usage_sums`. */
export type SumFilter = Omit<UsageFilter, 'outcome' | 'requestId'>;

/** What sums are grouped by. A record with several tags counts in each of them; `day` is of UTC, `2026-11-22`. */
export const DIMENSIONS = ['key', 'owner', 'model', 'provider', 'day', 'tag'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

export interface UsageSum extends Readonly<Record<Exclude<keyof TokenCounts, OptionalCount>, number>> {
  readonly requests: number;
  /** Exact: a sum of nano-dollars may pass 2^53. */
  readonly costNanoUsd: bigint;
  readonly unpricedRequests: number;
  /** Requests whose tokens are a guess, in whole or in part. */
  readonly estimatedRequests: number;
}

type OptionalCount = 'audioOutputTokens' | 'cacheWrite1hTokens' | 'imageInputTokens' | 'imageOutputTokens';

export interface UsageGroup extends UsageSum {
  /** A value for each dimension that was asked for; null: these records have none. */
  readonly by: Readonly<Partial<Record<Dimension, string | null>>>;
}

export interface PageOf<T> {
  readonly items: readonly T[];
  /** Passed to the next call to go on; null: that was all. */
  readonly nextCursor: string | null;
}

export interface PageWish {
  readonly limit: number;
  readonly cursor: string | null;
}

/** Where usage records end up, and are read. */
export abstract class UsageStore {
  /** Writes all of them or none, with what they add to the sums; a record that is there already is left alone. */
  abstract append(records: readonly UsageRecord[]): Promise<void>;
  /** Newest first. */
  abstract list(filter: UsageFilter, page: PageWish): Promise<PageOf<UsageRecord>>;
  abstract sum(filter: SumFilter): Promise<UsageSum>;
  /** Newest day first, then by the other dimensions in the order asked for. */
  abstract groups(filter: SumFilter, by: readonly Dimension[], page: PageWish): Promise<PageOf<UsageGroup>>;
}
