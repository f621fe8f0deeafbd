import type { Budget } from './limit.js';

/** When the budget period that `now` is in began: epoch milliseconds by the UTC calendar, weeks from Monday. */
export function budgetStart(per: Budget['per'], now: number): number {
  return boundary(per, now, 0) ?? 0;
}

/** When the next one begins; null: never. */
export function budgetEnd(per: Budget['per'], now: number): number | null {
  return boundary(per, now, 1);
}

function boundary(per: Budget['per'], now: number, periods: 0 | 1): number | null {
  const at = new Date(now);
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  switch (per) {
    case 'day':
      return Date.UTC(year, month, day + periods);
    case 'week':
      return Date.UTC(year, month, day - ((at.getUTCDay() + 6) % 7) + 7 * periods);
    case 'month':
      return Date.UTC(year, month + periods, 1);
    case 'total':
      return null;
  }
}
