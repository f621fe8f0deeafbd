import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  errorBody,
  GatewayError,
  InternalError,
  InvalidRequestError,
  MethodNotAllowedError,
  NotFoundError,
} from '../domain/errors.js';
import { contextIfAny, contextOf } from './context.js';
import { RefusalAccount } from './refusal-account.js';

/** Waits longer than this are not worth keeping a client for: SDKs ignore them too. */
const LONGEST_WAIT_MS = 60_000;

/** Answers every failure in the shape OpenAI clients know. */
@Catch()
export class OpenAiErrorFilter implements ExceptionFilter {
  readonly #log = new Logger(OpenAiErrorFilter.name);

  constructor(private readonly accounts: RefusalAccount) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<IncomingMessage>();
    const response = http.getResponse<ServerResponse>();
    const error = asGatewayError(thrown, request);
    if (error instanceof InternalError)
      this.#log.error({ msg: 'A fault of the gateway', request: contextOf(request).id, err: error.cause ?? error });
    const context = contextIfAny(request);
    // Operations account for themselves; what a guard kept from them is accounted for here.
    if (context?.isOperation === true && !context.isRecorded && context.principal !== undefined)
      this.accounts.refused({ request, context, error }, () => answer(response, error));
    else answer(response, error);
  }
}

function answer(response: ServerResponse, error: GatewayError): void {
  if (response.headersSent || response.destroyed) return;
  const body = Buffer.from(JSON.stringify(errorBody(error)));
  response.writeHead(error.status, {
    'content-type': 'application/json',
    'content-length': body.length,
    ...retryHeaders(error),
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/** The error a client may read; whatever we do not know is a fault of our own, and bland. */
function asGatewayError(thrown: unknown, request: IncomingMessage): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  if (thrown instanceof HttpException && thrown.getStatus() === 404) return unknownUrl(request);
  const status = thrown instanceof HttpException ? thrown.getStatus() : statusOf(thrown);
  if (status !== undefined && status >= 400 && status < 500)
    return new InvalidRequestError('The request could not be understood.', { status });
  return new InternalError(thrown);
}

function unknownUrl({ method = 'GET', url = '/' }: IncomingMessage): NotFoundError {
  const [path = '/'] = url.split('?', 1);
  return new NotFoundError(`Invalid URL (${method} ${path.slice(0, 200)})`, 'unknown_url');
}

/** Express marks faults of the client (a path that is not valid percent code) with a status. */
function statusOf(thrown: unknown): number | undefined {
  const status: unknown =
    typeof thrown === 'object' && thrown !== null && 'status' in thrown ? thrown.status : undefined;
  return typeof status === 'number' ? status : undefined;
}

/**
 * SDKs retry 408, 409, 429 and 5xx on their own. The gateway has done what could be done, so a client should try
 * again only where it is known when that will help.
 */
function retryHeaders(error: GatewayError): Readonly<Record<string, string>> {
  const { status, type, retryAfterMs: wait } = error;
  const allow = error instanceof MethodNotAllowedError ? { allow: error.allowed.join(', ') } : {};
  if (wait === undefined) return { ...allow, 'x-should-retry': 'false' };
  const worthIt = (status === 429 || status === 503) && wait <= LONGEST_WAIT_MS && type !== 'insufficient_quota';
  return {
    ...allow,
    'x-should-retry': String(worthIt),
    'retry-after': String(Math.max(1, Math.ceil(wait / 1000))),
    'retry-after-ms': String(Math.ceil(wait)),
  };
}
