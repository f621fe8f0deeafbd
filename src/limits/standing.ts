import type { LimitStanding, WindowStanding } from '../domain/limit.js';
import type { Claim, Reading, Wanted } from './limit-store.js';
import { WINDOW_MS } from './sliding-window.js';

/** What is left for clients to read, once the request has been counted, or (`counted` false) has not. */
export function standingOf(
  claims: readonly Claim[],
  readings: readonly Reading[],
  counted: Wanted | undefined,
): LimitStanding {
  let requests: WindowStanding | undefined;
  let tokens: WindowStanding | undefined;
  claims.forEach(({ terms: { rpm, tpm } }, at) => {
    const reading = readings[at];
    if (reading === undefined) return;
    const resetMs = counted === undefined ? reading.resetMs : WINDOW_MS;
    if (rpm !== null)
      requests = tighter(requests, windowStanding(rpm, reading.requests + (counted === undefined ? 0 : 1), resetMs));
    if (tpm !== null) tokens = tighter(tokens, windowStanding(tpm, reading.tokens + (counted?.tokens ?? 0), resetMs));
  });
  return { ...(requests && { requests }), ...(tokens && { tokens }) };
}

export const windowStanding = (limit: number, used: number, resetMs: number): WindowStanding => ({
  limit,
  remaining: Math.max(0, limit - used),
  resetMs,
});

/** The one with the least share left. */
function tighter(one: WindowStanding | undefined, other: WindowStanding): WindowStanding {
  return one !== undefined && one.remaining / one.limit <= other.remaining / other.limit ? one : other;
}
