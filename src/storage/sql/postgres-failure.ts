import { isNativeError } from 'node:util/types';
import { OverloadedError } from '../../domain/errors.js';

/** What PostgreSQL's error codes say of a row and of nothing else: data, constraints, or more than an index entry holds. */
const OWN_FAULTS = /^(21|22|23|54)/;
/** Two transactions stood in each other's way: the same again may succeed at once. */
const IN_THE_WAY = new Set(['40001', '40P01']);

/** Whether it failed for the sake of a row, and would take others. */
export const isRowsFault = (error: unknown): boolean => OWN_FAULTS.test(codeOf(error));

export const isInTheWay = (error: unknown): boolean => IN_THE_WAY.has(codeOf(error));

/** PostgreSQL's code or the system's; empty where there is none. */
export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : '';
}

const NETWORK_FAILURES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EPIPE',
  // PostgreSQL's own words for "not now": starting up or shutting down, too many connections.
  '57P01',
  '57P03',
  '53300',
]);

/** Whether there was no server, or none that answered. */
export function isUnreachable(error: unknown): boolean {
  if (!isNativeError(error)) return false;
  // Node tries all addresses of a host name and gives the failures of all.
  if ('errors' in error && Array.isArray(error.errors)) return error.errors.some(isUnreachable);
  // pg's own timeouts and cut connections have no code.
  return (
    NETWORK_FAILURES.has(codeOf(error)) || /^(timeout|Query read timeout|Connection terminated)/.test(error.message)
  );
}

const RETRY_MS = 5_000;

/** What a client is told who waits for a database that is away: that is no fault of the gateway. */
export function absence(): OverloadedError {
  return new OverloadedError('The database is away, or busy with others.', RETRY_MS);
}

/** The answer to a question that a client waits for. */
export async function answered<T>(question: Promise<T>): Promise<T> {
  try {
    return await question;
  } catch (error) {
    throw isUnreachable(error) ? absence() : error;
  }
}
