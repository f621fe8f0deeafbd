import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Subscription } from 'rxjs';
import { LiveConfig } from '../../config/live-config.js';
import type { Team } from '../../domain/limit.js';
import type { StoredTeam, TeamNews } from './team.store.js';

/** All teams, in memory: those of the config, which go first, and those of the store as it was lately. */
@Injectable()
export class TeamDirectory implements OnModuleDestroy {
  readonly #subscription: Subscription;
  readonly #stored = new Map<string, StoredTeam>();
  #configured: ReadonlyMap<string, Team> = new Map();
  #version = 0;

  constructor(config: LiveConfig) {
    this.#subscription = config.changes.subscribe(({ teams }) => {
      this.#configured = new Map(teams.map((team) => [team.name, team]));
      this.#version += 1;
    });
  }

  /** Grows whenever `of` may answer differently than before. */
  get version(): number {
    return this.#version;
  }

  /** The team of the keys with this owner. */
  of(owner: string | null | undefined): Team | undefined {
    if (owner === null || owner === undefined) return undefined;
    return this.#configured.get(owner) ?? this.#stored.get(owner);
  }

  get configured(): readonly Team[] {
    return [...this.#configured.values()];
  }

  isConfigured(name: string): boolean {
    return this.#configured.has(name);
  }

  /** What is not newer than what is known is passed over: the same news comes again and again. */
  apply(news: readonly TeamNews[]): void {
    for (const { team, isDeleted } of news) {
      const known = this.#stored.get(team.name);
      if (known === undefined ? isDeleted : known.version >= team.version) continue;
      if (isDeleted) this.#stored.delete(team.name);
      else this.#stored.set(team.name, team);
      this.#version += 1;
    }
  }

  /** The same where the news is of all teams that there are. */
  replace(news: readonly TeamNews[]): void {
    const named = new Set(news.map(({ team }) => team.name));
    for (const name of this.#stored.keys()) if (!named.has(name)) this.#stored.delete(name);
    this.#version += 1;
    this.apply(news);
  }

  onModuleDestroy(): void {
    this.#subscription.unsubscribe();
  }
}
