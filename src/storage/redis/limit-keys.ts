import { budgetEnd, budgetStart } from '../../domain/budget-period.js';
import type { Budget } from '../../domain/limit.js';
import { budgetNanoUsd, claimName, type Claim, type Reading, type Wanted } from '../../limits/limit-store.js';

const PREFIX = 'parley:limit:';
/** The replicas, and until when what they hold counts if nothing more is heard of them. */
export const LEASES = `${PREFIX}leases`;
export const LEASE_MS = 30_000;

const DAY_MS = 86_400_000;
/** A budget without an end is looked up in the ledger again after so long. */
const TOTAL_KEPT_MS = 35 * DAY_MS;
const NUMBERS_A_CLAIM = 8;

/** Window, held, spent. */
export const keysOf = (claim: Claim, wanted: Wanted): readonly [string, string, string] => {
  const name = PREFIX + claimName(claim);
  return [`${name}:window`, `${name}:held`, spentKey(claim, wanted)];
};

export function spentKey(claim: Claim, wanted: Wanted): string {
  const { budget } = claim.terms;
  const period = budget === null ? 'none' : `${budget.per}:${budgetStart(budget.per, wanted.at)}`;
  return `${PREFIX}${claimName(claim)}:spent:${period}`;
}

/** The period that the request belongs to, and how long what was spent in it is kept. */
export function periodOf({ per }: Budget, { at }: Wanted): { readonly start: number; readonly keptMs: number } {
  const end = budgetEnd(per, at);
  return { start: budgetStart(per, at), keptMs: end === null ? TOTAL_KEPT_MS : Math.max(DAY_MS, end - at + DAY_MS) };
}

/** -1: no such limit. */
export const termArguments = (claim: Claim): readonly number[] => {
  const { rpm, tpm, concurrency } = claim.terms;
  return [rpm ?? -1, tpm ?? -1, concurrency ?? -1, budgetArgument(claim)];
};

export const budgetArgument = ({ terms }: Claim): number => (terms.budget === null ? -1 : budgetNanoUsd(terms));

/** As the script returns them. */
export function readingsOf(numbers: readonly number[]): readonly Reading[] {
  return Array.from({ length: numbers.length / NUMBERS_A_CLAIM }, (_, claim): Reading => {
    const number = (at: number): number => numbers[claim * NUMBERS_A_CLAIM + at] ?? 0;
    return {
      requests: number(0),
      tokens: number(1),
      inFlight: number(2),
      spentNanoUsd: number(3),
      heldNanoUsd: number(4),
      requestsWaitMs: waitOf(number(5)),
      tokensWaitMs: waitOf(number(6)),
      resetMs: number(7),
    };
  });
}

const waitOf = (ms: number): number => (ms < 0 ? Infinity : ms);
