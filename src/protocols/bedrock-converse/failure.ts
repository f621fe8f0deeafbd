import { StaleTurnStateError, UpstreamError } from '../../domain/errors.js';
import { classify, redact, UNTOLD } from '../failure/failure-kinds.js';
import { first, plainText, retryAfterMs } from '../failure/failure-reading.js';
import type { AwsEvent } from '../framing/aws-event-stream.js';
import { parsedJson, type Json } from '../json.js';
import type { WireFailure } from '../protocol.js';
import { objectOf, textOf } from './answer-reading.js';

/** The temporary credential of this gateway has run out: with a fresh one the same request may succeed. */
export class ExpiredCredentialError extends UpstreamError {}

/** A failure with a status of its own (Bedrock reference §5). */
export function converseFailure({ status, headers, body }: WireFailure): UpstreamError {
  const wire = objectOf(parsedJson(body));
  const type = nameOf(first(headers['x-amzn-errortype']) ?? textOf(wire['__type'] ?? wire['code']));
  const message = messageIn(wire) || plainText(body);
  const failure = { type, message, status, wire };
  return known(failure, { retryAfterMs: retryAfterMs(headers), requestId: first(headers['x-amzn-requestid']) });
}

/** A failure in the middle of a stream (§4). */
export function streamFailure(event: Exclude<AwsEvent, { readonly kind: 'event' }>): UpstreamError {
  const wire = event.kind === 'exception' ? event.data : {};
  const type = nameOf(event.kind === 'exception' ? event.type : event.code);
  const message = event.kind === 'exception' ? messageIn(wire) : event.message;
  return known({ type, message: message || UNTOLD.message, status: STATUS_OF.get(type) ?? 502, wire });
}

interface Failure {
  /** The exception's name with a capital, without what AWS puts around it. */
  readonly type: string;
  readonly message: string;
  readonly status: number;
  readonly wire: Json;
}

interface Beside {
  readonly retryAfterMs?: number | undefined;
  readonly requestId?: string | undefined;
}

/** `ThrottlingException:http://internal…`, `com.amazon.coral#ThrottlingException` and `throttlingException` are one. */
function nameOf(type: string): string {
  const name = type.replace(/:.*$/s, '').replace(/^.*#/s, '');
  return name.charAt(0).toUpperCase() + name.slice(1);
}

const messageIn = (wire: Json): string =>
  textOf(wire['originalMessage']) || textOf(wire['message']) || textOf(wire['Message']);

/** The HTTP status that Bedrock gives to each, for streams, where it cannot. */
const STATUS_OF: ReadonlyMap<string, number> = new Map(
  Object.entries({
    ValidationException: 400,
    ThrottlingException: 429,
    ModelStreamErrorException: 424,
    ModelTimeoutException: 408,
    InternalServerException: 500,
    ServiceUnavailableException: 503,
  }),
);

/** Beside the words that others use too. */
const TOO_LONG = /too many total text bytes/i;
const NO_MODEL =
  /on-demand throughput isn.t supported|model identifier is invalid|could not resolve the foundation model/i;
const NO_ACCESS = /access to .{0,60}models?\b|model access|marked by provider as legacy/i;
/** Faults of the credential, with whichever status they come. */
const CREDENTIAL_FAULTS = [
  'ExpiredToken',
  'ExpiredTokenException',
  'IncompleteSignature',
  'IncompleteSignatureException',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
];
/** The words for signed thinking that does not belong where it stands: there is no other sign of it. */
const STALE = /invalid.{0,20}signature.{0,20}thinking|thinking. blocks?.{0,60}cannot be modified/i;

function known(failure: Failure, { retryAfterMs: wait, requestId }: Beside = {}): UpstreamError {
  const { message, status, detail: said } = judged(failure, wait);
  const reason = said.reason && withoutAccount(said.reason);
  const beside = requestId === undefined ? {} : { extra: { ...said.extra, upstream_request_id: requestId } };
  const detail = { ...said, upstreamStatus: failure.status, reason, ...beside };
  const told = withoutAccount(message);
  if (status === 400 && STALE.test(failure.message.slice(0, 4_000))) return new StaleTurnStateError(told, detail);
  return isExpired(failure) ? new ExpiredCredentialError(told, detail) : new UpstreamError(told, detail);
}

const isExpired = ({ type, status, message }: Failure): boolean =>
  /^ExpiredToken(Exception)?$/.test(type) ||
  (status === 403 && /token included in the request is expired/i.test(message));

function judged(failure: Failure, wait: number | undefined): UpstreamError {
  const said = BY_TYPE.get(failure.type)?.(failure);
  if (said instanceof UpstreamError) return said;
  return classify({ ...UNTOLD, message: failure.message }, said ?? failure.status, wait);
}

/** What goes beyond its status: another status, or the whole error. */
const BY_TYPE: ReadonlyMap<string, (failure: Failure) => number | UpstreamError | undefined> = new Map(
  Object.entries({
    ...Object.fromEntries(CREDENTIAL_FAULTS.map((name) => [name, () => 403])),
    ValidationException: ({ message }: Failure) => {
      const beginning = message.slice(0, 4_000);
      if (NO_MODEL.test(beginning)) return noModel(message);
      return TOO_LONG.test(beginning) ? tooLong(message) : undefined;
    },
    // Access to a model is granted to the account; all else that is denied is a matter of our credential.
    AccessDeniedException: ({ message }: Failure) =>
      NO_ACCESS.test(message)
        ? new UpstreamError(redact(message), { status: 403, type: 'permission_error', code: null })
        : 403,
    ResourceNotFoundException: ({ message }: Failure) => noModel(message),
    ModelNotReadyException: () => 503,
    ServiceQuotaExceededException: () => 402,
    ConflictException: () => 409,
    ModelErrorException: original,
    ModelStreamErrorException: original,
  }),
);

/** The model's own status, where that says more than that it failed. */
function original({ wire }: Failure): number {
  const status = wire['originalStatusCode'];
  return typeof status === 'number' && (status === 429 || (status >= 500 && status < 600)) ? status : 424;
}

const noModel = (message: string): UpstreamError =>
  new UpstreamError(redact(message), { status: 404, type: 'invalid_request_error', code: 'model_not_found' });

const tooLong = (message: string): UpstreamError =>
  classify({ ...UNTOLD, message: `Input is too long: ${message}` }, 400);

/** Names of resources tell whose account it is that is called. */
const withoutAccount = (message: string): string =>
  message.replace(/\barn:aws[\w-]*:[^\s"'<>]+/g, '[arn]').replace(/\b\d{12}\b/g, '[account]');
