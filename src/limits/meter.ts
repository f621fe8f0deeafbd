import { budgetEnd, budgetStart } from '../domain/budget-period.js';
import type { Budget } from '../domain/limit.js';
import type { Claim, Reading, Wanted } from './limit-store.js';
import { SlidingWindow } from './sliding-window.js';

/** What was spent of one budget in one period. */
export class Account {
  spent = 0;
  held = 0;
  /** Settles once it is known what was spent before, or nobody should wait for that any longer. */
  opening: Promise<void> | undefined;
  /** Others spend from it too, which is known only as far as they told. */
  isMirror = false;
  readonly start: number;
  readonly end: number;

  constructor(
    readonly per: Budget['per'],
    /** Epoch milliseconds: what was asked for since then is counted here, what was before stands in the ledger. */
    readonly since: number,
  ) {
    this.start = budgetStart(per, since);
    this.end = budgetEnd(per, since) ?? Infinity;
  }
}

/** Longer than a record is on its way to the ledger, in which what was spent is looked up again. */
const BUDGET_KEPT_MS = 600_000;

/** Counts what one key, team or model uses. */
export class Meter {
  readonly window = new SlidingWindow();
  inFlight = 0;
  account: Account | undefined;
  /** The latest that was reserved for. */
  holder: { readonly claim: Claim; readonly wanted: Wanted } | undefined;
  #usedAt = 0;

  /** The account of the period that the request belongs to; `opened` is told of one that was not there. */
  accountFor({ terms: { budget } }: Claim, { at }: Wanted, opened: (account: Account) => void): Account | undefined {
    if (budget === null) {
      this.account = undefined; // what is spent from now on is not counted
      return undefined;
    }
    const { account } = this;
    if (account?.per === budget.per && at < account.end) return account;
    const next = new Account(budget.per, at);
    this.account = next;
    // In a period that began while all was counted here, nothing was spent before.
    if (account?.per !== budget.per || account.isMirror) opened(next);
    return next;
  }

  read({ terms }: Claim, { tokens }: Wanted, now: number): Reading {
    const { window, account } = this;
    this.#usedAt = now;
    return {
      requests: window.used('requests', now),
      tokens: window.used('tokens', now),
      inFlight: this.inFlight,
      spentNanoUsd: account?.spent ?? 0,
      heldNanoUsd: account?.held ?? 0,
      requestsWaitMs: terms.rpm === null ? 0 : window.waitFor('requests', { amount: 1, limit: terms.rpm, now }),
      tokensWaitMs: terms.tpm === null ? 0 : window.waitFor('tokens', { amount: tokens, limit: terms.tpm, now }),
      resetMs: window.resetMs(now),
    };
  }

  /** Nothing is lost if it is forgotten. */
  isIdle(now: number): boolean {
    if (this.inFlight > 0 || this.window.used('requests', now) > 0) return false;
    // While the ledger is asked, requests wait that will be counted here.
    return this.account === undefined || (this.account.opening === undefined && now - this.#usedAt > BUDGET_KEPT_MS);
  }
}
