import { SUM_MS, TOKEN_COLUMNS, type UsageRecordRow, type UsageSumRow } from './schema.js';

/** Of these the row of a sum is found. */
export const SUM_KEY = ['day_start', 'key_id', 'owner', 'model', 'provider', 'tags'] as const;
/** These are added up. */
export const SUMMED = [...TOKEN_COLUMNS, 'requests', 'cost_nano_usd', 'unpriced', 'estimated'] as const;

const BIG_COLUMNS = [...TOKEN_COLUMNS, 'cost_nano_usd'] as const;

type Adding = { -readonly [Column in keyof UsageSumRow]: UsageSumRow[Column] };

/** What a batch of records adds to the sums: one row for each day and combination, so that each is written once. */
export class BatchSums {
  #rows = new Map<string, Adding>();
  readonly #full: Adding[] = [];

  get rows(): readonly UsageSumRow[] {
    return [...this.#full, ...this.#rows.values()];
  }

  add(record: UsageRecordRow): void {
    const start = record.created_at - (record.created_at % SUM_MS);
    const { key_id: key, owner, model, provider, tags } = record;
    const place = `${start}\0${key ?? ''}\0${owner ?? ''}\0${model}\0${provider ?? ''}\0${tags}`;
    const sum = this.#rows.get(place);
    if (sum === undefined) this.#rows.set(place, sumOf(record, start));
    else if (isExact(sum, record)) addTo(sum, record);
    else {
      // Beyond 2^53 only the database adds exactly.
      this.#full.push(sum);
      this.#rows.set(place, sumOf(record, start));
    }
  }
}

function sumOf(record: UsageRecordRow, start: number): Adding {
  return {
    day_start: start,
    key_id: record.key_id ?? '',
    owner: record.owner ?? '',
    model: record.model,
    provider: record.provider ?? '',
    tags: record.tags,
    prompt_tokens: record.prompt_tokens ?? 0,
    completion_tokens: record.completion_tokens ?? 0,
    cached_tokens: record.cached_tokens ?? 0,
    cache_write_tokens: record.cache_write_tokens ?? 0,
    reasoning_tokens: record.reasoning_tokens ?? 0,
    audio_tokens: record.audio_tokens ?? 0,
    requests: 1,
    cost_nano_usd: record.cost_nano_usd ?? 0,
    unpriced: isUnpriced(record) ? 1 : 0,
    estimated: isEstimated(record) ? 1 : 0,
  };
}

const isExact = (sum: Adding, record: UsageRecordRow): boolean =>
  BIG_COLUMNS.every((column) => Number.isSafeInteger(sum[column] + (record[column] ?? 0)));

function addTo(sum: Adding, record: UsageRecordRow): void {
  for (const column of BIG_COLUMNS) sum[column] += record[column] ?? 0;
  sum.requests += 1;
  if (isUnpriced(record)) sum.unpriced += 1;
  if (isEstimated(record)) sum.estimated += 1;
}

/** Without counts there was nothing to price. */
const isUnpriced = (record: UsageRecordRow): boolean => record.prompt_tokens !== null && record.cost_nano_usd === null;

const isEstimated = (record: UsageRecordRow): boolean => record.usage_source === 'estimated';
