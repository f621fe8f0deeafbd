import type { UsageRecord } from '../domain/usage.js';

/** Which records: all conditions hold together; times are epoch milliseconds, `from` inclusive, `to` exclusive. */
export interface UsageFilter {
  readonly from?: number;
  readonly to?: number;
  readonly keyId?: string;
  readonly model?: string;
  readonly provider?: string;
  readonly outcome?: string;
  readonly tag?: string;
  readonly requestId?: string;
}

export interface UsageSum {
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
  /** Exact: a sum of nano-dollars may pass 2^53. */
  readonly costNanoUsd: bigint;
  readonly unpricedRequests: number;
}

export interface DailyUsage extends UsageSum {
  /** UTC, `2026-11-22`. */
  readonly day: string;
  readonly model: string;
}

/** Where usage records are kept. */
export abstract class UsageStore {
  /** Writes all of them or none; a record that is there already is left alone. */
  abstract append(records: readonly UsageRecord[]): Promise<void>;
  /** Newest first. */
  abstract list(
    filter: UsageFilter,
    page: { readonly limit: number; readonly cursor: string | null },
  ): Promise<{ readonly items: readonly UsageRecord[]; readonly nextCursor: string | null }>;
  abstract sum(filter: UsageFilter): Promise<UsageSum>;
  /** Newest day first. */
  abstract byDayAndModel(filter: UsageFilter): Promise<readonly DailyUsage[]>;
}
