import type { Usage } from './chat.js';
import { maskStrings } from './masking.js';
import type { Secret } from './secret.js';

/** What a failure says beyond its message. */
export interface ErrorDetail {
  readonly status?: number;
  readonly type?: string;
  readonly code?: string | null;
  /** Path of the offending field, as `messages[1].content`. */
  readonly param?: string | null;
  /** How long a client should wait before it asks again, where that is known. */
  readonly retryAfterMs?: number | undefined;
  /** What the operator must know and no client: it goes into the log. */
  readonly reason?: string | undefined;
  /** Extra members of the error object, as Azure's `innererror`. */
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** Everything the gateway can refuse or fail with: what the client reads, and the HTTP status that goes with it. */
export abstract class GatewayError extends Error {
  readonly status: number;
  readonly type: string;
  readonly code: string | null;
  readonly param: string | null;
  readonly retryAfterMs: number | undefined;
  readonly reason: string | undefined;
  readonly extra: Readonly<Record<string, unknown>> | undefined;

  protected constructor(message: string, detail: ErrorDetail & { readonly status: number; readonly type: string }) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.status = detail.status;
    this.type = detail.type;
    this.code = detail.code ?? null;
    this.param = detail.param ?? null;
    this.retryAfterMs = detail.retryAfterMs;
    this.reason = detail.reason;
    this.extra = detail.extra;
  }

  override get name(): string {
    return this.constructor.name;
  }
}

const INVALID_REQUEST = 'invalid_request_error';
const SERVER_ERROR = 'server_error';

/** The request itself is wrong: 400, or another 4xx where HTTP has a word for it. */
export class InvalidRequestError extends GatewayError {
  constructor(message: string, detail: ErrorDetail = {}) {
    super(message, { status: 400, type: INVALID_REQUEST, ...detail });
  }
}

/** No credential, or one that we do not know. */
export class UnauthorizedError extends GatewayError {
  constructor(message: string, code: 'invalid_api_key' | null) {
    super(message, { status: 401, type: INVALID_REQUEST, code });
  }
}

/** A credential that we know, used for what it may not do. */
export class ForbiddenError extends GatewayError {
  constructor(message: string, detail: ErrorDetail = {}) {
    super(message, { status: 403, type: INVALID_REQUEST, ...detail });
  }
}

/** Names come from clients: an error is no place to send ten thousand characters back. */
export const clipped = (name: string): string => (name.length > 200 ? `${name.slice(0, 200)}…` : name);

export class ModelNotFoundError extends GatewayError {
  /** `nearest`: known names close to the one asked for. `param` is `model` only on `GET /v1/models/{id}`. */
  constructor(model: string, nearest: readonly string[] = [], param: string | null = null) {
    const name = clipped(model);
    const hint = nearest.length === 0 ? '' : ` Did you mean ${nearest.map((name) => `\`${name}\``).join(', ')}?`;
    super(`The model \`${name}\` does not exist or you do not have access to it.${hint}`, {
      status: 404,
      type: INVALID_REQUEST,
      code: 'model_not_found',
      param,
    });
  }
}

export class NotFoundError extends GatewayError {
  constructor(message: string, code: string | null = null) {
    super(message, { status: 404, type: INVALID_REQUEST, code });
  }
}

export class MethodNotAllowedError extends GatewayError {
  constructor(
    method: string,
    readonly allowed: readonly string[],
  ) {
    super(`Not allowed to ${method} on this URL; allowed: ${allowed.join(', ')}.`, {
      status: 405,
      type: INVALID_REQUEST,
      code: 'method_not_supported',
    });
  }
}

/** More than a limit allows. Without `retryAfterMs` no wait helps. */
export class RateLimitError extends GatewayError {
  constructor(message: string, type: 'requests' | 'tokens', retryAfterMs?: number) {
    super(message, { status: 429, type, code: 'rate_limit_exceeded', retryAfterMs });
  }
}

/** A budget is used up. */
export class QuotaError extends GatewayError {
  constructor(message: string) {
    super(message, { status: 429, type: 'insufficient_quota', code: 'insufficient_quota' });
  }
}

/** The gateway has more work than it can do in time. */
export class OverloadedError extends GatewayError {
  constructor(message: string, retryAfterMs: number) {
    super(message, { status: 503, type: 'service_unavailable_error', code: 'server_is_overloaded', retryAfterMs });
  }
}

/** The gateway is told to stop: another replica, or the next process, can serve the request. */
export class ShuttingDownError extends GatewayError {
  constructor() {
    super('The gateway is shutting down.', {
      status: 503,
      type: 'service_unavailable_error',
      code: 'shutting_down',
      retryAfterMs: 1_000,
    });
  }
}

/** A fault of our own. The message must not tell more than the client may know. */
export class InternalError extends GatewayError {
  constructor(cause?: unknown) {
    super('The gateway failed to serve this request.', { status: 500, type: SERVER_ERROR, cause });
  }
}

/** The provider answered with an error, at once or in the middle of a stream. */
export class UpstreamError extends GatewayError {
  /** The status the provider itself gave, where it gave one. */
  readonly upstreamStatus: number | undefined;

  constructor(message: string, detail: ErrorDetail & { readonly upstreamStatus?: number | undefined } = {}) {
    super(message, { status: 502, type: SERVER_ERROR, code: 'upstream_error', ...detail });
    this.upstreamStatus = detail.upstreamStatus;
  }

  /** The same without the credential it was called with and where it was called, wherever the provider quoted those. */
  masking(credential: Secret | undefined, baseUrl: string): UpstreamError {
    const text = JSON.stringify({ message: this.message, reason: this.reason, extra: this.extra });
    const masked = maskStrings(text, { credential, baseUrl });
    if (masked === text) return this;
    const { message, reason, extra } = JSON.parse(masked) as Pick<UpstreamError, 'message' | 'reason' | 'extra'>;
    return new UpstreamError(message, { ...this.detail, reason, ...(extra && { extra }) });
  }

  /** All that it says beyond its message: for the same failure in other words. */
  get detail(): ErrorDetail & { readonly upstreamStatus: number | undefined } {
    const { status, type, code, param, retryAfterMs, reason, upstreamStatus, extra } = this;
    return { status, type, code, param, retryAfterMs, reason, upstreamStatus, ...(extra && { extra }) };
  }
}

/** The provider does not accept the state of an earlier turn that was given back to it; without it, it may answer. */
export class StaleTurnStateError extends UpstreamError {
  /** The same as what it is where there was no state to leave out: a refusal like any other. */
  plain(): UpstreamError {
    return new UpstreamError(this.message, this.detail);
  }
}

/** The provider answered in full, and not with what was asked for: its tokens were used all the same. */
export class UnfitAnswerError extends UpstreamError {
  constructor(
    message: string,
    readonly usage: Usage | undefined,
  ) {
    super(message, { code: 'invalid_structured_output' });
  }
}

/** The provider could not be reached, or the connection broke before it answered. */
export class UpstreamUnreachableError extends GatewayError {
  constructor(
    message: string,
    cause?: unknown,
    /** There was a connection, so it may have got the request, and may charge for it. */
    readonly wasSent = false,
  ) {
    super(message, { status: 502, type: SERVER_ERROR, code: 'upstream_unreachable', cause });
  }
}

export type Clock = 'connect' | 'firstToken' | 'idle' | 'total';

/** The provider did not answer, or stopped answering, within the time it is given. */
export class UpstreamTimeoutError extends GatewayError {
  constructor(
    readonly clock: Clock,
    ms: number,
  ) {
    super(`The provider did not answer in time (${clock}: ${ms} ms).`, {
      status: 504,
      type: SERVER_ERROR,
      code: 'timeout',
    });
  }
}

/** A stream that ended before it was complete. It is never passed off as a finished answer. */
export class TruncatedStreamError extends GatewayError {
  constructor(cause?: unknown) {
    super('The provider ended the stream before the answer was complete.', {
      status: 502,
      type: SERVER_ERROR,
      code: 'stream_truncated',
      cause,
    });
  }
}

/** The error object of OpenAI's API: all four members are always there. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
    readonly [extra: string]: unknown;
  };
}

export function errorBody({ message, type, param, code, extra }: GatewayError): ErrorBody {
  return { error: { ...extra, message, type, param, code } };
}
