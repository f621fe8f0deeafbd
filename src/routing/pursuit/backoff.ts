const FIRST_MS = 250;
const LONGEST_MS = 8_000;

/**
 * How long to wait before the next attempt at a deployment that has failed so many times in a row. Half of it is
 * chance, so that requests which failed together do not come back together.
 */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const whole = Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1));
  return whole * (0.5 + random() / 2);
}
