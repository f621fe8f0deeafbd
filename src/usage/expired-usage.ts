/** What of the ledger has been kept for long enough. */
export abstract class ExpiredUsage {
  /** How many are deleted at once, so that neither the database nor what waits for it stands still meanwhile. */
  abstract readonly most: number;
  /** Deletes some of the records before this moment, with their attempts; returns how many. Sums stay. */
  abstract deleteRequests(before: number): Promise<number>;
  /** Deletes some of the sums of days that were over by this moment; returns how many. */
  abstract deleteSums(before: number): Promise<number>;
}
