import type { CredentialReport } from '../availability/credential-pool.js';
import type { UpstreamState } from '../availability/upstream-state.js';
import type { ProviderEndpoint } from '../domain/deployment.js';

/** A provider of the config as it stands now. */
export interface ProviderView {
  readonly name: string;
  readonly endpoint: ProviderEndpoint;
  /** What the provider calls the models that clients can find in the list. */
  readonly models: ReadonlySet<string>;
  readonly credentials: readonly CredentialReport[];
  /** First those the config routes to, then the others that were called, the latest first. */
  readonly upstreams: readonly UpstreamState[];
}

export type ProviderStatus = 'up' | 'degraded' | 'down' | 'unknown';

/** The share of failures among an upstream's latest calls (at most 100, of five minutes) above which it is unwell. */
const MOST_ERRORS = 0.1;

/**
 * `down`: all credentials are shelved for all models, or the breaker of every upstream that was heard of is open.
 * `unknown`: none was heard of, as no call has ended in an answer or a failure and no other replica told of one.
 * `degraded`: a credential is shelved, a breaker is not closed, or more than a tenth of an upstream's latest calls failed.
 */
export function statusOf({ credentials, upstreams }: ProviderView): ProviderStatus {
  const shelved = credentials.filter(({ status }) => status === 'shelved');
  if (shelved.length > 0 && shelved.length === credentials.length && shelved.every(({ models }) => models === null))
    return 'down';
  const heardOf = upstreams.filter(wasHeardOf);
  if (heardOf.length === 0) return 'unknown';
  if (heardOf.every(({ breaker }) => breaker === 'open')) return 'down';
  return shelved.length > 0 || heardOf.some(isUnwell) ? 'degraded' : 'up';
}

const wasHeardOf = ({ counts, breaker }: UpstreamState): boolean =>
  counts.completed > 0 || counts.failed > 0 || breaker !== 'closed';

const isUnwell = ({ breaker, errorRate }: UpstreamState): boolean =>
  breaker !== 'closed' || (errorRate ?? 0) > MOST_ERRORS;
