import { StaleTurnStateError, UpstreamError } from '../../domain/errors.js';
import { classify, UNTOLD, type Reported } from '../failure/failure-kinds.js';
import { plainText, retryAfterMs } from '../failure/failure-reading.js';
import { isObject, parsedJson, type Json } from '../json.js';
import type { WireFailure } from '../protocol.js';
import { numberOf, objectsOf, textOf } from './wire.js';

/** A failure with a status of its own (Gemini reference §5). */
export function geminiFailure({ status, headers, body }: WireFailure): UpstreamError {
  const parsed = parsedJson(body);
  // A stream that fails at once is reported as a list of one.
  const report: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
  const error = isObject(report) ? report['error'] : undefined;
  const wait = retryAfterMs(headers);
  if (isObject(error)) return failureOf(error, status, wait);
  return classify({ ...UNTOLD, message: textOf(error) ?? plainText(body) }, status, wait);
}

/** A failure inside a 200: its code may be missing, and then its status tells (Gemini reference §4.7). */
export function failureInside(error: unknown): UpstreamError {
  const report = isObject(error) ? error : { message: error };
  const code = numberOf(report['code']);
  const told = Number.isInteger(code) && code >= 400 && code < 600 ? code : undefined;
  return failureOf(report, told ?? STATUSES.get(textOf(report['status']) ?? '') ?? 502);
}

const CANCELLED = 499;

const STATUSES: ReadonlyMap<string, number> = new Map(
  Object.entries({
    INVALID_ARGUMENT: 400,
    FAILED_PRECONDITION: 400,
    OUT_OF_RANGE: 400,
    UNAUTHENTICATED: 401,
    PERMISSION_DENIED: 403,
    NOT_FOUND: 404,
    ALREADY_EXISTS: 409,
    ABORTED: 409,
    RESOURCE_EXHAUSTED: 429,
    CANCELLED,
    INTERNAL: 500,
    UNKNOWN: 500,
    DATA_LOSS: 500,
    UNIMPLEMENTED: 501,
    UNAVAILABLE: 503,
    DEADLINE_EXCEEDED: 504,
  }),
);

/** "models/x is not found for API version v1beta", "Publisher Model `projects/…` was not found". */
const MODEL = /\bmodels?\b/i;
/** The account or the place it calls from may not use the API: nothing in the request is wrong. */
const NOT_HERE = /location|billing/i;
/** "the input token count is 2000015 but the model supports up to …". */
const TOO_LONG = /input token count/i;
const REFUSED_STATE = /thought[ _]?signature/i;

function failureOf(error: Json, status: number, wait?: number): UpstreamError {
  const details = objectsOf(error['details']);
  const reported = reportedIn(error, status, details);
  // The call was broken off between us and the model: the client's request is not to blame.
  const failure = classify(reported, status === CANCELLED ? 502 : status, wait ?? retryDelay(details));
  if (error['status'] === 'FAILED_PRECONDITION' && NOT_HERE.test(reported.message)) return notHere(failure);
  if (status === 400 && REFUSED_STATE.test(reported.message)) return stale(failure);
  return failure.status === 429 ? ofQuota(failure, details) : failure;
}

function reportedIn(error: Json, status: number, details: readonly Json[]): Reported {
  const message = wordsOf(textOf(error['message']) ?? UNTOLD.message, details);
  const reason = details.map((detail) => textOf(detail['reason'])).find((word) => word !== undefined);
  return {
    ...UNTOLD,
    message,
    // Only this reason says more than the status and the message do.
    type: reason === 'API_KEY_INVALID' ? reason : undefined,
    code: codeOf(status, message),
  };
}

/** "Request contains an invalid argument." helps nobody where the details say which. */
function wordsOf(message: string, details: readonly Json[]): string {
  const said = details
    .flatMap(({ fieldViolations }) => objectsOf(fieldViolations))
    .map(({ field, description }) => [field, description].filter((word) => textOf(word) !== undefined).join(': '))
    .filter((words) => words !== '' && !message.includes(words));
  return said.length === 0 ? message : `${message} ${said.slice(0, 5).join('; ')}`;
}

function codeOf(status: number, message: string): string | undefined {
  if (status === 404 && MODEL.test(message)) return 'model_not_found';
  return status === 400 && TOO_LONG.test(message) ? 'context_length_exceeded' : undefined;
}

/** `"17s"`, of `google.rpc.RetryInfo`. */
function retryDelay(details: readonly Json[]): number | undefined {
  for (const { retryDelay: delay } of details) {
    const seconds = typeof delay === 'string' ? /^(\d{1,9}(?:\.\d+)?)s$/.exec(delay)?.[1] : undefined;
    if (seconds !== undefined) return Math.ceil(Number(seconds) * 1000);
  }
  return undefined;
}

/**
 * Google says "exceeded your current quota" of a quota per minute too, so its violations decide: only one per day is
 * used up for good.
 */
function ofQuota(failure: UpstreamError, details: readonly Json[]): UpstreamError {
  const quotas = details.flatMap(({ violations }) => objectsOf(violations)).map(({ quotaId }) => textOf(quotaId) ?? '');
  const { message, retryAfterMs: wait, upstreamStatus } = failure;
  if (quotas.some((id) => /PerDay/i.test(id)))
    return new UpstreamError(message, { status: 429, ...EXHAUSTED, upstreamStatus });
  if (quotas.length === 0 && wait === undefined) return failure;
  const type = quotas.some((id) => /token/i.test(id)) ? 'tokens' : 'requests';
  return new UpstreamError(message, {
    status: 429,
    type,
    code: 'rate_limit_exceeded',
    retryAfterMs: wait,
    upstreamStatus,
  });
}

const EXHAUSTED = { type: 'insufficient_quota', code: 'insufficient_quota' };

const notHere = ({ message, upstreamStatus }: UpstreamError): UpstreamError =>
  new UpstreamError(message, { status: 403, type: 'permission_error', code: null, upstreamStatus });

const stale = (error: UpstreamError): StaleTurnStateError => new StaleTurnStateError(error.message, error.detail);
