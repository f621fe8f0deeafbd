import type { UsageRecord } from '../../domain/usage.js';

/**
 * Writes usage records as cheaply as its database can: this is done for every request, so it goes past the query
 * builder, which costs more than the database itself.
 */
export interface UsageWriter {
  /** Writes all of them or none; a record that is there already is left alone, with its attempts. */
  write(records: readonly UsageRecord[]): Promise<void>;
  close?(): void;
}
