const NANO = 1_000_000_000n;

/** Nano-dollars as dollars: the double nearest to the exact decimal, so that JSON shows it with all its digits. */
export function usd(nano: bigint): number {
  const sign = nano < 0n ? '-' : '';
  const amount = nano < 0n ? -nano : nano;
  return Number(`${sign}${amount / NANO}.${(amount % NANO).toString().padStart(9, '0')}`);
}
