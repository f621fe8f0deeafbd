import type { LimitTerms, Reservation } from '../domain/limit.js';

/** Whom limits are for. */
export type Scope = 'key' | 'team' | 'model';
export type LimitKind = 'rpm' | 'tpm' | 'concurrency' | 'budget';

/** One of those whose limits a request counts against. */
export interface Claim {
  readonly scope: Scope;
  /** Of the key; of a team or a model it is the name. */
  readonly id: string;
  /** For people to read. */
  readonly name: string;
  readonly terms: LimitTerms;
}

/** What a request may come to. */
export interface Wanted {
  readonly tokens: number;
  /** Integer nano-dollars. */
  readonly costNanoUsd: number;
  /** Epoch milliseconds: the budget period it belongs to. */
  readonly at: number;
}

/** What a claim has in use at a moment, without the request in question. */
export interface Reading {
  /** In the last 60 seconds. */
  readonly requests: number;
  readonly tokens: number;
  readonly inFlight: number;
  /** Of the budget period, in nano-dollars. */
  readonly spentNanoUsd: number;
  /** Set aside for requests under way. */
  readonly heldNanoUsd: number;
  /** Milliseconds until one more request, and the tokens wanted, have room; 0: they have; Infinity: they never will. */
  readonly requestsWaitMs: number;
  readonly tokensWaitMs: number;
  /** Milliseconds until the window is as if nothing had been used. */
  readonly resetMs: number;
}

/** A reservation that can grow while the request goes on. */
export interface GrowingReservation extends Reservation {
  /** Sets aside so much more; false: a budget has not that much. */
  extend(costNanoUsd: number): boolean | Promise<boolean>;
}

/** What came of asking for a reservation: it was made for all claims, or for none. Readings stand in the order of the claims. */
export interface Verdict {
  readonly reservation: GrowingReservation | undefined;
  readonly readings: readonly Reading[];
}

/** Where it is counted what keys, teams and models use. */
export abstract class LimitStore {
  /** Reserves for all claims or for none. A promise only where something has to be asked for first. */
  abstract reserve(claims: readonly Claim[], wanted: Wanted): Verdict | Promise<Verdict>;
  /** Reserves nothing. */
  abstract read(claims: readonly Claim[], wanted: Wanted): readonly Reading[] | Promise<readonly Reading[]>;
}

/** Whose it is, as stores call it. */
export const claimName = ({ scope, id }: Claim): string => `${scope}:${id}`;

/** Integer nano-dollars; Infinity: no budget. */
export function budgetNanoUsd({ budget }: LimitTerms): number {
  return budget === null ? Infinity : Math.min(Math.round(budget.usd * 1e9), Number.MAX_SAFE_INTEGER);
}

/** Those of its limits that the request would exceed. */
export function exceeded({ terms }: Claim, reading: Reading, wanted: Wanted): readonly LimitKind[] {
  const kinds: LimitKind[] = [];
  if (terms.rpm !== null && reading.requestsWaitMs > 0) kinds.push('rpm');
  if (terms.tpm !== null && reading.tokensWaitMs > 0) kinds.push('tpm');
  if (terms.concurrency !== null && reading.inFlight >= terms.concurrency) kinds.push('concurrency');
  if (terms.budget !== null && !isAffordable(budgetNanoUsd(terms), reading, wanted)) kinds.push('budget');
  return kinds;
}

/** What costs nothing, as far as is known, is affordable until all is spent. */
function isAffordable(budget: number, { spentNanoUsd, heldNanoUsd }: Reading, { costNanoUsd }: Wanted): boolean {
  return spentNanoUsd < budget && spentNanoUsd + heldNanoUsd + costNanoUsd <= budget;
}

const MOST_NANO_USD = 1e15;

/** A number that counters take: nothing else stands between them and what a provider reports. */
export const countable = (amount: number): number => (amount > 0 ? Math.min(Math.ceil(amount), MOST_NANO_USD) : 0);
