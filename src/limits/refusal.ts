import { budgetEnd } from '../domain/budget-period.js';
import { durationText } from '../domain/duration.js';
import { clipped, QuotaError, RateLimitError, type GatewayError } from '../domain/errors.js';
import type { Budget } from '../domain/limit.js';
import type { Claim, LimitKind, Reading, Wanted } from './limit-store.js';

/** A limit that a request would exceed. */
export interface Exceeded {
  readonly claim: Claim;
  readonly reading: Reading;
  readonly kind: LimitKind;
}

/** What is in use changes with every answer that ends, so that nobody can say when there is room. */
const CONCURRENCY_WAIT_MS = 1_000;

/** Of several, the one that has to be told: what no wait helps against, else the longest wait, as all of them must be over. */
export function telling([first, ...others]: readonly Exceeded[]): Exceeded | undefined {
  return others.reduce((told, each) => (told === undefined || waitOf(each) > waitOf(told) ? each : told), first);
}

function waitOf({ kind, reading }: Exceeded): number {
  switch (kind) {
    case 'rpm':
      return reading.requestsWaitMs;
    case 'tpm':
      return reading.tokensWaitMs;
    case 'concurrency':
      return CONCURRENCY_WAIT_MS;
    case 'budget':
      return Infinity;
  }
}

/** In OpenAI's words, by which clients know what to do: `model` is the name that was asked for. */
export function refusal(exceeded: Exceeded, model: string, wanted: Wanted): GatewayError {
  const { claim, reading, kind } = exceeded;
  const where = `for ${clipped(model)} in ${claim.scope} ${clipped(claim.name)}`;
  const wait = waitOf(exceeded);
  switch (kind) {
    case 'rpm':
      return limited(`${where} on requests per min (RPM)`, 'requests', {
        ...numbers(claim.terms.rpm, reading.requests, 1),
        wait,
      });
    case 'tpm':
      return limited(`${where} on tokens per min (TPM)`, 'tokens', {
        ...numbers(claim.terms.tpm, reading.tokens, wanted.tokens),
        wait,
      });
    case 'concurrency':
      return limited(`${where} on requests at a time`, 'requests', {
        ...numbers(claim.terms.concurrency, reading.inFlight, 1),
        wait,
      });
    case 'budget':
      return new QuotaError(budgetMessage(claim, reading, wanted));
  }
}

interface Numbers {
  readonly limit: number;
  readonly used: number;
  readonly requested: number;
}

const numbers = (limit: number | null, used: number, requested: number): Numbers => ({
  limit: limit ?? 0,
  used,
  requested,
});

/** Several clients read the numbers and the wait from the text. */
function limited(
  what: string,
  type: 'requests' | 'tokens',
  { limit, used, requested, wait }: Numbers & { readonly wait: number },
): RateLimitError {
  if (wait === Infinity)
    return new RateLimitError(
      `Request too large ${what}: Limit ${limit}, Requested ${requested}. Please shorten the prompt, or lower \`max_completion_tokens\`.`,
      type,
    );
  return new RateLimitError(
    `Rate limit reached ${what}: Limit ${limit}, Used ${used}, Requested ${requested}. Please try again in ${durationText(wait)}.`,
    type,
    wait,
  );
}

function budgetMessage({ scope, name, terms }: Claim, reading: Reading, { costNanoUsd, at }: Wanted): string {
  const { budget } = terms;
  const numbers = `spent ${usd(reading.spentNanoUsd)}, set aside for requests under way ${usd(reading.heldNanoUsd)}, this request may cost ${usd(costNanoUsd)}`;
  return (
    `You exceeded your current quota: the budget of ${scope} ${clipped(name)}` +
    (budget === null
      ? ` does not allow it (${numbers}).`
      : `, ${period(budget)}, does not allow it (${numbers}).${renewal(budget, at)}`)
  );
}

const period = ({ usd: dollars, per }: Budget): string =>
  per === 'total' ? `$${dollars} in all` : `$${dollars} per ${per}`;

function renewal({ per }: Budget, at: number): string {
  const end = budgetEnd(per, at);
  return end === null ? '' : ` It is renewed at ${new Date(end).toISOString().replace('.000Z', 'Z')}.`;
}

const usd = (nano: number): string => `$${Number((nano / 1e9).toFixed(6))}`;
