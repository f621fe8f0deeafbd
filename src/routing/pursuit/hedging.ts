import { Injectable } from '@nestjs/common';
import type { ChatRequest } from '../../domain/chat.js';
import type { Hedge, Route } from '../../domain/deployment.js';
import { RequestEstimates } from '../estimate.js';
import type { Step } from '../plan/plan.js';

/** Fewer first tokens than this say nothing of the slowest twentieth. */
const FEWEST_SAMPLES = 20;
const HOUR_MS = 3_600_000;
/** How many hedges may be saved up by streams that needed none. */
const MOST_SAVED = 10;

/** What a route has left for hedges. */
interface Account {
  /** Each stream adds the route's share, each hedge takes one. */
  saved: number;
  spent: { readonly at: number; readonly usd: number }[];
}

/** A route whose streams may be hedged. */
export interface Hedged {
  readonly route: Route;
  readonly hedge: Hedge;
}

/** Says when a stream is late enough for a second deployment to be started beside it, and whether that may be paid for. */
@Injectable()
export class Hedging {
  readonly #accounts = new Map<string, Account>();
  #started = 0;

  constructor(private readonly estimates: RequestEstimates) {}

  /** Hedges since the start. */
  get started(): number {
    return this.#started;
  }

  /** A stream begins at this step: for how many milliseconds its first token is waited for; undefined: however many. */
  waitFor({ route, upstream }: Step): number | undefined {
    if (route.hedge === undefined) return undefined;
    const account = this.#account(route.name);
    account.saved = Math.min(MOST_SAVED, account.saved + route.hedge.maxShare);
    if (upstream.firstToken.size < FEWEST_SAMPLES) return undefined;
    return upstream.firstToken.percentile(0.95) ?? undefined;
  }

  /** Takes the cost of a hedge with `second` from what the route has left; false: it has not that much. */
  mayStart({ route, hedge }: Hedged, second: Step, request: ChatRequest): boolean {
    const account = this.#account(route.name);
    if (account.saved < 1) return false;
    const now = performance.now();
    if (hedge.maxUsdPerHour !== undefined) {
      account.spent = account.spent.filter(({ at }) => now - at < HOUR_MS);
      const usd = this.estimates.of(request, second.deployment).cost_usd;
      const sum = account.spent.reduce((total, each) => total + each.usd, 0);
      if (usd === null || sum + usd > hedge.maxUsdPerHour) return false;
      account.spent.push({ at: now, usd });
    }
    account.saved -= 1;
    this.#started += 1;
    return true;
  }

  #account(route: string): Account {
    let account = this.#accounts.get(route);
    if (account === undefined) {
      account = { saved: 0, spent: [] };
      this.#accounts.set(route, account);
    }
    return account;
  }
}
