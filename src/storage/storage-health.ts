/** Something the gateway depends on, and serves on without. */
export interface Dependency {
  readonly name: string;
  /** Notices by itself when it goes and comes back, and has a word in the log for both. */
  readonly tellsOfItself?: boolean;
  /** Rejects when it does not answer within a second. */
  check(): Promise<void>;
}

/** What everything kept or shared depends on. */
export class StorageHealth {
  constructor(readonly dependencies: readonly Dependency[]) {}
}
