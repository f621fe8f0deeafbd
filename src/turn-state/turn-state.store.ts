/** A turn state as it lies in the store: nobody without the gateway's secret can read it, or tell whose it is. */
export interface SealedTurnState {
  /** Stands for virtual key and tool call. */
  readonly id: string;
  readonly format: string;
  readonly payload: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** Where turn states outlast the process, and are found by all replicas. */
export abstract class TurnStateStore {
  /** Writes all of them or none; one that is there already is replaced. No id is given twice. */
  abstract write(states: readonly SealedTurnState[]): Promise<void>;
  /** Those of the ids that are there and have not expired at that time. */
  abstract find(ids: readonly string[], at: number): Promise<readonly SealedTurnState[]>;
  /** Deletes some of what has expired, `limit` at most; tells how many. */
  abstract deleteExpired(at: number, limit: number): Promise<number>;
}
