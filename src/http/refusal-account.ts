import type { IncomingMessage } from 'node:http';
import type { GatewayError } from '../domain/errors.js';
import type { RequestContext } from '../domain/request-context.js';

/** A request to an operation that was refused before the operation heard of it. */
export interface RefusedRequest {
  readonly request: IncomingMessage;
  readonly context: RequestContext;
  readonly error: GatewayError;
}

/** Accounts for requests of known keys that guards refuse; `then` is called once the answer may go. */
export abstract class RefusalAccount {
  abstract refused(refusal: RefusedRequest, then: () => void): void;
}
