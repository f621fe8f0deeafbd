import type { UsageFilter } from '../../../usage/usage.store.js';
import { rowsOf, type Ledger, type RecordPlace, type RecordQuery } from './record-rows.js';
import { findByDays } from './records-by-day.js';

/**
 * The newest that fulfil the filter. Requests, keys and what did not go well have an index in which they stand in this
 * order; of all else the sums know on which days and of which keys there is any. An index more would be written with
 * every request, for what is asked now and then.
 */
export function findRecords(ledger: Ledger, query: RecordQuery): Promise<readonly RecordPlace[]> {
  return hasIndex(query.filter) ? rowsOf(ledger, query).execute() : findByDays(ledger, query);
}

function hasIndex({ requestId, keyId, owner, model, provider, tag, outcome = 'completed' }: UsageFilter): boolean {
  if (requestId !== undefined || (outcome !== 'completed' && keyId === undefined)) return true;
  return owner === undefined && model === undefined && provider === undefined && tag === undefined;
}
