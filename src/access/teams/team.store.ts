import type { LimitTerms, Team } from '../../domain/limit.js';

/** A team as it is kept. */
export interface StoredTeam extends Team {
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Grows with each change of this team. */
  readonly version: number;
}

/** How a team is now, or that it was deleted. */
export interface TeamNews {
  readonly team: StoredTeam;
  readonly isDeleted: boolean;
}

/** Where teams are kept that the config does not name. A deleted one is gone for all but `changed`. */
export abstract class TeamStore {
  /** Undefined where there is one of this name. */
  abstract insert(team: Team): Promise<StoredTeam | undefined>;
  abstract find(name: string): Promise<StoredTeam | undefined>;
  abstract all(): Promise<readonly StoredTeam[]>;
  /** The team as it is then; undefined where there is none. */
  abstract change(name: string, terms: Partial<LimitTerms>): Promise<StoredTeam | undefined>;
  /** The team as it was, in its last version; undefined where there was none. */
  abstract delete(name: string): Promise<StoredTeam | undefined>;
  /** The teams that were made, changed or deleted within so many milliseconds, whoever did it. Infinity: all. */
  abstract changed(withinMs: number): Promise<readonly TeamNews[]>;
  /** Removes for good what was deleted longer ago than that. */
  abstract purge(deletedForMs: number): Promise<void>;
}
