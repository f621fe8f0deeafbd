import type { Budget, LimitTerms } from '../../domain/limit.js';
import type { TeamRow } from './schema.js';

/** Limits as keys and teams alike have them in their rows. */
type LimitColumns = Pick<TeamRow, 'rpm' | 'tpm' | 'concurrency' | 'budget_usd' | 'budget_per'>;

/** The columns of those limits that are named. */
export function limitColumns(terms: LimitTerms): LimitColumns;
export function limitColumns(terms: Partial<LimitTerms>): Partial<LimitColumns>;
export function limitColumns({ rpm, tpm, concurrency, budget }: Partial<LimitTerms>): Partial<LimitColumns> {
  return {
    ...(rpm !== undefined && { rpm }),
    ...(tpm !== undefined && { tpm }),
    ...(concurrency !== undefined && { concurrency }),
    ...(budget !== undefined && { budget_usd: budget?.usd ?? null, budget_per: budget?.per ?? null }),
  };
}

export function budgetOf({ budget_usd: usd, budget_per: per }: LimitColumns): Budget | null {
  return usd === null || per === null ? null : { usd, per: per as Budget['per'] };
}
