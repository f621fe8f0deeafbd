import { isNativeError } from 'node:util/types';
import { GatewayError } from '../../../domain/errors.js';
import { absence, isUnreachable } from '../postgres-failure.js';

/** A report that would take longer than is good for those who are served. Asking for the same again helps nobody. */
export class ReadingTimeoutError extends GatewayError {
  constructor(ms: number) {
    super(`The ledger took longer than ${ms / 1_000} s to answer. Ask for a shorter period, or with another filter.`, {
      status: 503,
      type: 'service_unavailable_error',
      code: 'query_timeout',
    });
  }
}

/** PostgreSQL's word for a statement that ran into `statement_timeout`. */
const CANCELED = '57014';
/** What PostgreSQL broke off, or had no connection free for, as a client is told of it. */
export function tellingOf(error: unknown, longest: number): unknown {
  if (!isNativeError(error)) return error;
  if ('code' in error && error.code === CANCELED) return new ReadingTimeoutError(longest);
  return isUnreachable(error) ? absence() : error;
}
