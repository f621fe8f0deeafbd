import { Injectable } from '@nestjs/common';
import { InvalidRequestError, NotFoundError } from '../../domain/errors.js';
import type { LimitTerms, Team } from '../../domain/limit.js';
import { TeamDirectory } from './team-directory.js';
import { TeamStore, type StoredTeam } from './team.store.js';

/** Makes teams, changes and dissolves them; in this process all of it holds at once. Those of the config are not its to change. */
@Injectable()
export class TeamRegister {
  constructor(
    private readonly store: TeamStore,
    private readonly directory: TeamDirectory,
  ) {}

  async create(team: Team): Promise<StoredTeam> {
    this.#refuseConfigured(team.name);
    const made = await this.store.insert(team);
    if (made === undefined)
      throw new InvalidRequestError('There is a team of this name already.', {
        status: 409,
        code: 'team_exists',
        param: 'name',
      });
    this.directory.apply([{ team: made, isDeleted: false }]);
    return made;
  }

  /** By name, those of the config among those of the store. */
  async all(): Promise<readonly (Team | StoredTeam)[]> {
    const stored = (await this.store.all()).filter(({ name }) => !this.directory.isConfigured(name));
    return [...this.directory.configured, ...stored].sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  async find(name: string): Promise<Team | StoredTeam> {
    const team = this.directory.isConfigured(name) ? this.directory.of(name) : await this.store.find(name);
    return known(team);
  }

  async change(name: string, terms: Partial<LimitTerms>): Promise<Team | StoredTeam> {
    this.#refuseConfigured(name);
    if (Object.keys(terms).length === 0) return this.find(name);
    const team = known(await this.store.change(name, terms));
    this.directory.apply([{ team, isDeleted: false }]);
    return team;
  }

  async delete(name: string): Promise<void> {
    this.#refuseConfigured(name);
    this.directory.apply([{ team: known(await this.store.delete(name)), isDeleted: true }]);
  }

  #refuseConfigured(name: string): void {
    if (!this.directory.isConfigured(name)) return;
    throw new InvalidRequestError('This team stands in the configuration file and is changed there.', {
      status: 409,
      code: 'configured_in_file',
    });
  }
}

function known<T>(team: T | undefined): T {
  if (team === undefined) throw new NotFoundError('There is no team of this name.');
  return team;
}
