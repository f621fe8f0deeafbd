import { IsObject, IsOptional } from 'class-validator';
import { InvalidRequestError } from '../domain/errors.js';
import type { Budget, LimitTerms } from '../domain/limit.js';
import { Limit } from './body-rules.js';

/** What bounds a key or a team, as the admin API takes it. `null` is: without bounds. */
export class LimitTermsDto {
  @IsOptional()
  @Limit()
  readonly rpm?: number | null;

  @IsOptional()
  @Limit()
  readonly tpm?: number | null;

  @IsOptional()
  @Limit()
  readonly concurrency?: number | null;

  @IsOptional()
  @IsObject({ message: 'expected an object with usd and per' })
  readonly budget?: object | null;
}

export const UNLIMITED: LimitTerms = { rpm: null, tpm: null, concurrency: null, budget: null };

/** Those limits that the checked body names. Throws InvalidRequestError for a bad budget. */
export function limitTerms({ rpm, tpm, concurrency, budget }: LimitTermsDto): Partial<LimitTerms> {
  return given({ rpm, tpm, concurrency, budget: budget && budgetOf(budget) });
}

/** The fields that have a value; `null` is one. */
export function given<T extends object>(fields: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Name in keyof T]?: Exclude<T[Name], undefined> };
}

const PERIODS: readonly Budget['per'][] = ['day', 'week', 'month', 'total'];
/** As much as can be counted in billionths of a dollar without rounding. */
const MOST_USD = 9_000_000;

function budgetOf(value: object): Budget {
  const { usd, per, ...others } = value as Readonly<Record<string, unknown>>;
  const [stranger] = Object.keys(others);
  if (stranger !== undefined) {
    const param = `budget.${stranger.slice(0, 100)}`;
    throw new InvalidRequestError(`Unknown parameter: '${param}'.`, { code: 'unknown_parameter', param });
  }
  if (typeof usd !== 'number' || !(usd > 0)) throw invalid('budget.usd', 'must be more than 0');
  if (usd > MOST_USD) throw invalid('budget.usd', `must be at most ${MOST_USD}`);
  const known = PERIODS.find((period) => period === per);
  if (known === undefined) throw invalid('budget.per', `must be one of ${PERIODS.join(', ')}`);
  return { usd, per: known };
}

/** The refusal of a field whose type is right and whose value is not. */
export const invalid = (param: string, problem: string): InvalidRequestError =>
  new InvalidRequestError(`Invalid '${param}': ${problem}.`, { code: 'invalid_value', param });
