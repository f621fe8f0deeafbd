import type { RequestContext } from '../domain/request-context.js';

export interface FinishedRequest {
  readonly context: RequestContext;
  readonly method: string;
  /** Without the query, which may hold what nobody should read in a log. */
  readonly path: string;
  readonly status: number;
  /** The client left before it had the whole answer. */
  readonly aborted: boolean;
}

/** Told of every request once it is over, refused ones too. */
export abstract class RequestLog {
  abstract finished(request: FinishedRequest): void;
}
