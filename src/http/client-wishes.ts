import type { IncomingHttpHeaders } from 'node:http';
import { InvalidRequestError } from '../domain/errors.js';
import type { ClientWishes } from '../domain/request-context.js';

const CLIENT_ID = 'x-client-request-id';
const IDEMPOTENCY_KEY = 'idempotency-key';
const TIMEOUT = 'x-parley-timeout-ms';
const RETRY_COUNT = 'x-stainless-retry-count';
/** How SDKs say, in seconds, how long they wait: for all of an answer, and for the next piece of it. */
const SDK_TIMEOUTS = ['x-stainless-timeout', 'x-stainless-read-timeout'] as const;

const MAX_TAGS = 20;
const MAX_TAG_LENGTH = 100;
const MAX_IDEMPOTENCY_KEY = 255;
/** The longest a timer can run. */
const LONGEST_MS = 2 ** 31 - 1;

/** What the headers ask for; those at fault are left out, as a refusal too is an answer to a request. */
export function wishesOf(headers: IncomingHttpHeaders): ClientWishes {
  const tags = headers['x-parley-tags'];
  const clientRequestId = nonEmpty(headers[CLIENT_ID]);
  const idempotencyKey = nonEmpty(headers[IDEMPOTENCY_KEY]);
  const timeoutMs = positiveNumber(headers[TIMEOUT], 1);
  const patienceMs = shorter(positiveNumber(headers[SDK_TIMEOUTS[0]]), positiveNumber(headers[SDK_TIMEOUTS[1]]));
  const retryCount = smallInteger(headers[RETRY_COUNT]);
  return {
    strict: headers['x-parley-strict'] === 'true',
    explain: headers['x-parley-explain'] === 'true',
    tags: typeof tags === 'string' ? readTags(tags) : NO_TAGS,
    ...(clientRequestId !== undefined && isClientId(clientRequestId) && { clientRequestId }),
    ...(idempotencyKey !== undefined && isIdempotencyKey(idempotencyKey) && { idempotencyKey }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(patienceMs !== undefined && { patienceMs }),
    ...(retryCount !== undefined && { retryCount }),
    ...(headers['x-parley-replay'] === 'false' && { replay: false }),
  };
}

/** What is wrong with the headers of a request, where it is worth a refusal. */
export function headerFault(headers: IncomingHttpHeaders): InvalidRequestError | undefined {
  if (!isClientId(headers[CLIENT_ID] ?? ''))
    return new InvalidRequestError(`\`${CLIENT_ID}\` must be printable ASCII of at most 512 characters.`);
  if (!isIdempotencyKey(headers[IDEMPOTENCY_KEY] ?? ''))
    return new InvalidRequestError(
      `\`${IDEMPOTENCY_KEY}\` must be printable ASCII of at most ${MAX_IDEMPOTENCY_KEY} characters.`,
    );
  if (headers[TIMEOUT] !== undefined && positiveNumber(headers[TIMEOUT]) === undefined)
    return new InvalidRequestError(`\`${TIMEOUT}\` must be a positive number of milliseconds.`);
  return undefined;
}

type Value = string | readonly string[] | undefined;

const nonEmpty = (header: Value): string | undefined =>
  typeof header === 'string' && header !== '' ? header : undefined;

/** It is sent back and logged, so it must be fit for both. */
const isClientId = (header: Value): boolean => typeof header === 'string' && /^[\x20-\x7e]{0,512}$/.test(header);

const isIdempotencyKey = (header: Value): boolean =>
  typeof header === 'string' && header.length <= MAX_IDEMPOTENCY_KEY && /^[\x20-\x7e]*$/.test(header);

/** In milliseconds, of a header whose unit is so many of them. */
function positiveNumber(header: Value, unitMs = 1_000): number | undefined {
  if (typeof header !== 'string' || !/^\d{1,15}(\.\d{1,15})?$/.test(header)) return undefined;
  const ms = Number(header) * unitMs;
  return ms > 0 ? Math.min(ms, LONGEST_MS) : undefined;
}

const shorter = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined ? other : Math.min(one, other ?? one);

const smallInteger = (header: Value): number | undefined =>
  typeof header === 'string' && /^\d{1,4}$/.test(header) ? Number(header) : undefined;

const NO_TAGS: readonly string[] = [];

function readTags(header: string): readonly string[] {
  const tags = header.split(',', MAX_TAGS).map((tag) => tag.trim().slice(0, MAX_TAG_LENGTH));
  return [...new Set(tags)].filter((tag) => tag !== '');
}
