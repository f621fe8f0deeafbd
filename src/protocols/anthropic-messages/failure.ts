import { StaleTurnStateError, UpstreamError } from '../../domain/errors.js';
import { classify, UNTOLD, type Reported } from '../failure/failure-kinds.js';
import { first, plainText, retryAfterMs } from '../failure/failure-reading.js';
import { isObject, parsedJson, type Json } from '../json.js';
import type { WireFailure } from '../protocol.js';

/** A failure with a status of its own (Anthropic reference §5). The provider's id of the request goes with it. */
export function messagesFailure({ status, headers, body }: WireFailure): UpstreamError {
  const parsed = parsedJson(body);
  // Google wraps what fails before a stream of its begins into a list.
  const known = (Array.isArray(parsed) ? parsed : [parsed]).find(isObject);
  const reported = known === undefined ? { ...UNTOLD, message: plainText(body) } : reportOf(known);
  const error = classify(reported, tellingStatus(reported) ?? status, retryAfterMs(headers));
  return told(error, reported, first(headers['request-id']) ?? known?.['request_id']);
}

/** A failure inside a 200: an `error` event of a stream, or a body of that type. */
export function reportedFailure(wire: Json): UpstreamError {
  const reported = reportOf(wire);
  const status = tellingStatus(reported) ?? STATUS_OF_TYPE.get(reported.type) ?? 502;
  return told(classify(reported, status), reported, wire['request_id']);
}

/** The status that an error's type has where it has a status. */
const STATUS_OF_TYPE: ReadonlyMap<string | undefined, number> = new Map([
  ['invalid_request_error', 400],
  ['authentication_error', 401],
  ['billing_error', 402],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['conflict_error', 409],
  ['request_too_large', 413],
  ['rate_limit_error', 429],
  ['api_error', 500],
  ['timeout_error', 504],
  ['overloaded_error', 529],
]);

/** Codes that say more than the status they come with: money that is used up, an account on hold, no capacity. */
const TELLING_CODES: ReadonlyMap<string | undefined, number> = new Map([
  ['contract_spend_limit_reached', 402],
  ['enforced_spend_limit_reached', 402],
  ['organization_on_hold', 403],
  ['compaction_unavailable', 529],
]);

/** A workspace that has used up what its owner allows is told so by a 400, and by words alone. */
const ALLOWANCE_USED = /reached your (specified )?(\w+ )?usage limits/i;

const tellingStatus = ({ code, message }: Reported): number | undefined =>
  TELLING_CODES.get(code) ?? (ALLOWANCE_USED.test(message.slice(0, 4_000)) ? 402 : undefined);

function reportOf(body: Json): Reported {
  const error = isObject(body['error']) ? body['error'] : body;
  const details = isObject(error['details']) ? error['details'] : {};
  const message = text(error['message']) ?? text(body['error']) ?? text(body['message']) ?? UNTOLD.message;
  const type = text(error['type']);
  const code = text(details['error_code']) ?? text(error['code']) ?? impliedCode(type, message);
  return { ...UNTOLD, message, type, code };
}

/** What clients know by a code and Anthropic by a type, or by the form of the message (`model: claude-x`). */
function impliedCode(type: string | undefined, message: string): string | undefined {
  if (type === 'request_too_large') return type;
  return type === 'not_found_error' && /^model:/i.test(message) ? 'model_not_found' : undefined;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** The words for signed thinking that does not belong where it stands; the wording is the only sign there is. */
const STALE =
  /invalid.{0,20}(signature|data).{0,20}thinking|thinking. blocks?.{0,60}cannot be modified|expected .{0,3}thinking.{0,40}but found/i;

function told(error: UpstreamError, { message }: Reported, requestId: unknown): UpstreamError {
  const extra = text(requestId) === undefined ? error.extra : { ...error.extra, upstream_request_id: requestId };
  const isStale = error.status === 400 && STALE.test(message.slice(0, 4_000));
  return new (isStale ? StaleTurnStateError : UpstreamError)(error.message, {
    ...error.detail,
    ...(extra && { extra }),
  });
}
