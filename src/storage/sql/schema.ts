import type { GeneratedAlways } from 'kysely';

/**
 * The tables, as both databases hand them out. Times are epoch milliseconds in BIGINT, flags are 0 or 1, lists are
 * JSON text: with these three conventions SQLite and PostgreSQL share every query and every migration.
 */
export interface Schema {
  readonly virtual_keys: VirtualKeyRow;
  readonly usage_records: UsageRecordRow & { readonly id: GeneratedAlways<number> };
  readonly usage_attempts: UsageAttemptRow & { readonly record_id: number };
  readonly usage_sums: UsageSumRow;
  readonly teams: TeamRow;
  readonly turn_states: TurnStateRow;
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
  /** The hash that a rotation replaced, and until when it is still good. */
  readonly previous_hash: string | null;
  readonly previous_until: number | null;
  readonly updated_at: number;
  /** Deleted keys stay for a while: by this the other replicas hear of it. */
  readonly deleted_at: number | null;
}

export interface TeamRow {
  readonly name: string;
  readonly rpm: number | null;
  readonly tpm: number | null;
  readonly concurrency: number | null;
  readonly budget_usd: number | null;
  readonly budget_per: string | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly deleted_at: number | null;
}

/** In the order in which they are written. */
export const TOKEN_COLUMNS = [
  'prompt_tokens',
  'completion_tokens',
  'cached_tokens',
  'cache_write_tokens',
  'reasoning_tokens',
  'audio_tokens',
] as const;

/** Null in all of them: nobody told the counts. */
export type TokenColumns = Readonly<Record<(typeof TOKEN_COLUMNS)[number], number | null>>;

/** A request, but for the number that the database gives it. */
export interface UsageRecordRow extends TokenColumns {
  readonly request_id: string;
  readonly created_at: number;
  /** The UTC day of `created_at`, kept so that both databases group by it alike. */
  readonly day: string;
  readonly key_id: string | null;
  readonly owner: string | null;
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

/** An attempt, but for the number of its request. */
export interface UsageAttemptRow extends TokenColumns {
  /** 0 for the first attempt of the request. */
  readonly position: number;
  readonly provider: string;
  readonly model: string;
  readonly outcome: string;
  readonly status: number | null;
  readonly error_code: string | null;
  readonly usage_source: string;
  readonly cache_write_1h_tokens: number | null;
  readonly audio_output_tokens: number | null;
  readonly image_input_tokens: number | null;
  readonly image_output_tokens: number | null;
  readonly service_tier: string | null;
  readonly cost_nano_usd: number | null;
  /** Null in rows of older versions. */
  readonly priced_as: string | null;
  readonly price_version: string | null;
  readonly started_at: number;
  readonly latency_ms: number;
}

/** How long a row of `usage_sums` covers: a day of UTC, by which budgets begin and reports are asked for. */
export const SUM_MS = 86_400_000;

/** The sums of one day of one combination; what a record has not stands here as `''`. */
export interface UsageSumRow extends Readonly<Record<(typeof TOKEN_COLUMNS)[number], number>> {
  /** Epoch milliseconds of its beginning. */
  readonly day_start: number;
  readonly key_id: string;
  readonly owner: string;
  readonly model: string;
  readonly provider: string;
  readonly tags: string;
  readonly requests: number;
  readonly cost_nano_usd: number;
  /** Requests with counts and without a cost. */
  readonly unpriced: number;
  readonly estimated: number;
}

/** Sealed: without the gateway's secret it says nothing but how long it is and when it ends. */
export interface TurnStateRow {
  readonly id: string;
  readonly format: string;
  readonly payload: string;
  readonly expires_at: number;
}

export const RECORD_COLUMNS = [
  'request_id',
  'created_at',
  'day',
  'key_id',
  'owner',
  'model',
  'provider',
  'upstream_model',
  'stream',
  'outcome',
  'status',
  'error_code',
  ...TOKEN_COLUMNS,
  'usage_source',
  'cost_nano_usd',
  'price_version',
  'latency_ms',
  'time_to_first_token_ms',
  'tags',
] as const satisfies readonly (keyof UsageRecordRow)[];

export const ATTEMPT_COLUMNS = [
  'position',
  'provider',
  'model',
  'outcome',
  'status',
  'error_code',
  ...TOKEN_COLUMNS,
  'usage_source',
  'cache_write_1h_tokens',
  'audio_output_tokens',
  'image_input_tokens',
  'image_output_tokens',
  'service_tier',
  'cost_nano_usd',
  'priced_as',
  'price_version',
  'started_at',
  'latency_ms',
] as const satisfies readonly (keyof UsageAttemptRow)[];
