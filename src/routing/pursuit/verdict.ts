import {
  type GatewayError,
  InvalidRequestError,
  OverloadedError,
  TruncatedStreamError,
  UpstreamError,
  UpstreamTimeoutError,
  UpstreamUnreachableError,
} from '../../domain/errors.js';

/** What a failure means for the request: where it may still be served (spec §6). */
export type Verdict =
  /** The same deployment may do better in a moment. */
  | 'again'
  /** The deployment is slow, or asks for a pause: another one first. */
  | 'elsewhere'
  /** The credential is refused or used up; another one may be taken. */
  | 'credential'
  /** Nothing was sent: this deployment cannot serve such a request, or has too much to do. */
  | 'skip'
  | 'contextWindow'
  | 'contentPolicy'
  /** It would fail everywhere. */
  | 'final';

/** Judges a failure that came before anything had reached the client. */
export function verdictOn(error: unknown): Verdict {
  if (error instanceof UpstreamError) return ofProvider(error);
  if (error instanceof UpstreamTimeoutError) return 'elsewhere';
  if (error instanceof UpstreamUnreachableError || error instanceof TruncatedStreamError) return 'again';
  if (error instanceof InvalidRequestError || error instanceof OverloadedError) return 'skip';
  return 'final';
}

const CONTENT_POLICY: ReadonlySet<string | null> = new Set(['content_policy_violation', 'content_filter']);

function ofProvider({ status, type, code, retryAfterMs }: UpstreamError): Verdict {
  if (code === 'context_length_exceeded') return 'contextWindow';
  if (CONTENT_POLICY.has(code)) return 'contentPolicy';
  if (code === 'upstream_authentication' || type === 'insufficient_quota') return 'credential';
  if (status !== 408 && status !== 409 && status !== 429 && status < 500) return 'final';
  return retryAfterMs === undefined ? 'again' : 'elsewhere';
}

/** The provider has had enough calls by this credential. */
export const isLimit = (error: unknown): error is UpstreamError =>
  error instanceof UpstreamError && error.status === 429;

/** The status by which a provider refuses a credential; a quota that is used up counts as unpaid. */
export function refusedWith(error: GatewayError): number {
  const told = error instanceof UpstreamError ? error.upstreamStatus : undefined;
  if (error.type === 'insufficient_quota') return 402;
  return told === 403 ? 403 : 401;
}
