/**
 * The tables, as both databases hand them out. Times are epoch milliseconds in BIGINT, flags are 0 or 1, lists are
 * JSON text: with these three conventions SQLite and PostgreSQL share every query and every migration.
 */
export interface Schema {
  readonly virtual_keys: VirtualKeyRow;
  readonly usage_records: UsageRecordRow;
  readonly usage_attempts: UsageAttemptRow;
}

export interface VirtualKeyRow {
  readonly id: string;
  readonly hash: string;
  readonly prefix: string;
  readonly name: string;
  readonly owner: string | null;
  readonly tags: string;
  readonly models: string | null;
  readonly allowed_ips: string | null;
  readonly rpm: number | null;
  readonly tpm: number | null;
  readonly concurrency: number | null;
  readonly budget_usd: number | null;
  readonly budget_per: string | null;
  readonly expires_at: number | null;
  readonly disabled: number;
  readonly created_at: number;
}

/** Null in all of them: nobody told the counts. */
export interface TokenColumns {
  readonly prompt_tokens: number | null;
  readonly completion_tokens: number | null;
  readonly cached_tokens: number | null;
  readonly cache_write_tokens: number | null;
  readonly reasoning_tokens: number | null;
  readonly audio_tokens: number | null;
}

export interface UsageRecordRow extends TokenColumns {
  readonly request_id: string;
  readonly created_at: number;
  /** The UTC day of `created_at`, kept so that both databases group by it alike. */
  readonly day: string;
  readonly key_id: string | null;
  readonly model: string;
  readonly provider: string | null;
  readonly upstream_model: string | null;
  readonly stream: number;
  readonly outcome: string;
  readonly status: number;
  readonly error_code: string | null;
  readonly usage_source: string;
  readonly cost_nano_usd: number | null;
  readonly price_version: string | null;
  readonly latency_ms: number;
  readonly time_to_first_token_ms: number | null;
  readonly tags: string;
}

export interface UsageAttemptRow extends TokenColumns {
  readonly request_id: string;
  /** 0 for the first attempt of the request. */
  readonly position: number;
  readonly provider: string;
  readonly model: string;
  readonly outcome: string;
  readonly status: number | null;
  readonly error_code: string | null;
  readonly usage_source: string;
  readonly cost_nano_usd: number | null;
  readonly started_at: number;
  readonly latency_ms: number;
}
