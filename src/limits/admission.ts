import { Injectable } from '@nestjs/common';
import { PriceBook } from '../catalog/price-book.js';
import type { ChatRequest } from '../domain/chat.js';
import type { Deployment, Route } from '../domain/deployment.js';
import type { ExplainedLimit } from '../domain/explanation.js';
import type { WindowStanding } from '../domain/limit.js';
import { textCostNanoUsd, type ModelPrice } from '../domain/price.js';
import type { Principal } from '../domain/principal.js';
import type { RequestContext } from '../domain/request-context.js';
import { promptSize } from '../estimates/prompt-size.js';
import { TokenEstimates } from '../estimates/token-estimates.js';
import { claimsOf, keyClaim } from './claims.js';
import {
  countable,
  exceeded,
  LimitStore,
  type Claim,
  type GrowingReservation,
  type LimitKind,
  type Scope,
  type Verdict,
  type Wanted,
} from './limit-store.js';
import { refusal, telling, type Exceeded } from './refusal.js';
import { standingOf, windowStanding } from './standing.js';

/** Where a request would go first. */
export interface Destination {
  /** The route of the name that was asked for. */
  readonly route: Route;
  readonly deployment: Deployment;
  /** Fields used where the client says nothing. */
  readonly defaults: Readonly<Record<string, unknown>>;
}

/** A request within its limits. */
export interface Admitted {
  readonly reservation: GrowingReservation;
  readonly wanted: Wanted;
  /** What it costs is set aside from a budget. */
  readonly isBudgeted: boolean;
}

/** What a key has used and has left. */
export interface KeyStanding {
  readonly rpm: WindowStanding | null;
  readonly tpm: WindowStanding | null;
  readonly concurrency: { readonly limit: number; readonly inUse: number } | null;
  readonly budget: { readonly spentNanoUsd: number } | null;
}

/** Lets requests pass that are within the limits of their key, its team, and the model they ask for; and reserves what they may come to. */
@Injectable()
export class Admission {
  readonly #refusals = new Map<string, number>();

  constructor(
    private readonly store: LimitStore,
    private readonly estimates: TokenEstimates,
    private readonly prices: PriceBook,
  ) {}

  /**
   * Reserves, and leaves reservation and standing in the context; undefined: nothing bounds this request. Throws, or
   * rejects with, RateLimitError and QuotaError. A promise only where the store has to ask somebody.
   */
  admit(
    request: ChatRequest,
    context: RequestContext,
    destination: Destination,
  ): Admitted | undefined | Promise<Admitted> {
    const claims = claimsOf(context.principal, destination.route);
    if (claims === undefined) return undefined;
    const wanted = this.#wanted(request, context, { claims, ...destination });
    const verdict = this.store.reserve(claims, wanted);
    const judged = (given: Verdict) => this.#judge(given, { claims, wanted, context, model: request.model });
    return verdict instanceof Promise ? verdict.then(judged) : judged(verdict);
  }

  /** Every limit that there is, and whether it would refuse the request. Reserves nothing. */
  async explain(
    request: ChatRequest,
    context: RequestContext,
    destination: Destination,
  ): Promise<readonly ExplainedLimit[]> {
    const claims = claimsOf(context.principal, destination.route);
    if (claims === undefined) return [];
    const wanted = this.#wanted(request, context, { claims, ...destination });
    const readings = await this.store.read(claims, wanted);
    return claims.flatMap((claim, at) => {
      const reading = readings[at];
      const over = reading === undefined ? [] : exceeded(claim, reading, wanted);
      return KINDS.filter((kind) => claim.terms[kind] !== null).map((kind) => ({
        scope: claim.scope,
        kind,
        would_bind: over.includes(kind),
      }));
    });
  }

  /** What the key itself has left; null: it has no such limit. `now`: epoch milliseconds. */
  async standing(principal: Principal, now: number = Date.now()): Promise<KeyStanding> {
    const claim = keyClaim(principal);
    if (claim === undefined) return { rpm: null, tpm: null, concurrency: null, budget: null };
    const [reading] = await this.store.read([claim], { tokens: 0, costNanoUsd: 0, at: now });
    const { rpm, tpm, concurrency, budget } = claim.terms;
    const { requests = 0, tokens = 0, resetMs = 0, inFlight = 0, spentNanoUsd = 0 } = reading ?? {};
    return {
      rpm: rpm === null ? null : windowStanding(rpm, requests, resetMs),
      tpm: tpm === null ? null : windowStanding(tpm, tokens, resetMs),
      concurrency: concurrency === null ? null : { limit: concurrency, inUse: inFlight },
      budget: budget === null ? null : { spentNanoUsd },
    };
  }

  /** Refused requests since the start, by whose limit it was and of which kind. */
  *refusals(): Iterable<{ readonly scope: Scope; readonly kind: LimitKind; readonly count: number }> {
    for (const [name, count] of this.#refusals) {
      const [scope, kind] = name.split(' ') as [Scope, LimitKind];
      yield { scope, kind, count };
    }
  }

  #judge({ reservation, readings }: Verdict, { claims, wanted, context, model }: Asked): Admitted {
    if (reservation !== undefined) {
      context.standing = standingOf(claims, readings, wanted);
      context.reservation = reservation;
      return { reservation, wanted, isBudgeted: claims.some(isBudgeted) };
    }
    context.standing = standingOf(claims, readings, undefined);
    const all = claims.flatMap((claim, at): Exceeded[] => {
      const reading = readings[at];
      return reading === undefined ? [] : exceeded(claim, reading, wanted).map((kind) => ({ claim, reading, kind }));
    });
    const told = telling(all);
    if (told === undefined) throw new Error('A request was refused that exceeds no limit.');
    const name = `${told.claim.scope} ${told.kind}`;
    this.#refusals.set(name, (this.#refusals.get(name) ?? 0) + 1);
    throw refusal(told, model, wanted);
  }

  /** Guessed only as far as a limit asks for it. */
  #wanted(
    request: ChatRequest,
    { receivedAt }: RequestContext,
    { claims, deployment, defaults }: Destination & { readonly claims: readonly Claim[] },
  ): Wanted {
    const budgeted = claims.some(isBudgeted);
    if (!budgeted && claims.every(({ terms }) => terms.tpm === null))
      return { tokens: 0, costNanoUsd: 0, at: receivedAt };
    const prompt = this.estimates.promptTokens(deployment, promptSize(request));
    const answer = this.estimates.longestAnswer(deployment, bounds(request, defaults));
    const price = budgeted ? this.#price(request, deployment, receivedAt) : undefined;
    const cost = price === undefined ? 0 : textCostNanoUsd(prompt, answer, price);
    return { tokens: prompt + answer, costNanoUsd: countable(cost), at: receivedAt };
  }

  /** The usual one where the tier has none: otherwise a word of the client's would make its requests free until they are billed. */
  #price({ service_tier: tier }: ChatRequest, deployment: Deployment, at: number): ModelPrice | undefined {
    const serviceTier = typeof tier === 'string' ? tier : undefined;
    const listed = this.prices.find(deployment, { at, serviceTier }) ?? this.prices.find(deployment, { at });
    return listed?.price;
  }
}

interface Asked {
  readonly claims: readonly Claim[];
  readonly wanted: Wanted;
  readonly context: RequestContext;
  readonly model: string;
}

const KINDS: readonly LimitKind[] = ['rpm', 'tpm', 'concurrency', 'budget'];

const isBudgeted = ({ terms }: Claim): boolean => terms.budget !== null;

/** Where the client gave one limit, it has spoken of both. */
function bounds(request: ChatRequest, defaults: Destination['defaults']) {
  const own = request.max_completion_tokens ?? request.max_tokens;
  const max = own ?? defaults['max_completion_tokens'] ?? defaults['max_tokens'];
  const n = request.n ?? defaults['n'];
  return { max_tokens: max as number | null, n: n as number | null };
}
