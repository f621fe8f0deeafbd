import type { UsageRecord } from '../../domain/usage.js';

/**
 * Writes usage records as cheaply as its database can: this is done for every request, so it goes past the query
 * builder, which costs more than the database itself.
 */
export interface UsageWriter {
  /** Writes all of them or none, with what they add to the sums; one that is there already is left alone. */
  write(records: readonly UsageRecord[]): Promise<void>;
  close?(): void;
}

/** Takes rows that were made before, each as JSON. */
export interface RowWriter {
  /** Writes all of them or none, as a `UsageWriter` does. */
  writeRows(rows: readonly string[]): Promise<void>;
}
