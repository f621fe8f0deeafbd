import { InvalidRequestError } from '../../domain/errors.js';
import type { Team } from '../../domain/limit.js';
import type { PageWish } from '../virtual-key.store.js';
import type { StoredTeam } from './team.store.js';

/** A team as the admin API shows it. Nobody knows since when the config has named one. */
export function teamView(team: Team | StoredTeam): Readonly<Record<string, unknown>> {
  const { name, rpm, tpm, concurrency, budget } = team;
  const createdAt = 'createdAt' in team ? new Date(team.createdAt).toISOString() : null;
  return { object: 'team', name, rpm, tpm, concurrency, budget, created_at: createdAt };
}

/** The page of a list that is in the order of its names. A cursor is the last name of the page before. */
export function teamPage(teams: readonly (Team | StoredTeam)[], { limit, cursor }: PageWish) {
  const after = cursor === null ? '' : lastName(cursor);
  const rest = teams.filter(({ name }) => name > after);
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  const hasMore = rest.length > page.length && last !== undefined;
  return {
    object: 'list',
    data: page.map(teamView),
    has_more: hasMore,
    next_cursor: hasMore ? Buffer.from(last.name).toString('base64url') : null,
  };
}

function lastName(cursor: string): string {
  const name = Buffer.from(cursor, 'base64url').toString();
  // What is not written as we write it was not written by us.
  if (name !== '' && Buffer.from(name).toString('base64url') === cursor) return name;
  throw new InvalidRequestError('`cursor` must be the `next_cursor` of an earlier answer.', { param: 'cursor' });
}
