import { Injectable, Logger } from '@nestjs/common';
import { LiveConfig } from '../config/live-config.js';
import type { UpstreamAttempt } from '../domain/deployment.js';
import { WATCHED } from '../http/intake.js';
import { RequestLog, type FinishedRequest } from '../http/request-log.js';

/** One line a request. Prompts and answers are never in it. */
@Injectable()
export class AccessLog extends RequestLog {
  readonly #log = new Logger('Request');
  /** Whether anybody would see the lines; they are not made otherwise. */
  readonly #isRead: boolean;

  constructor(config: LiveConfig) {
    super();
    this.#isRead = ['info', 'debug', 'trace'].includes(config.current.logLevel);
  }

  finished({ context, method, path, status, aborted }: FinishedRequest): void {
    if (!this.#isRead || WATCHED.has(path)) return; // probes and scrapes would drown everything else
    const attempt = context.lastAttempt;
    this.#log.log({
      msg: `${method} ${path} ${status}`,
      request: context.id,
      clientRequest: context.wishes.clientRequestId,
      key: context.principal?.keyId,
      provider: attempt?.deployment.provider,
      model: attempt?.deployment.model,
      ms: Math.round(performance.now() - context.startedAt),
      ...(aborted && { aborted }),
      ...(context.replayOf && { replayOf: context.replayOf.id }),
      ...(attempt?.errorCode != null && { error: attempt.errorCode }),
      ...(attempt?.reason !== undefined && { reason: attempt.reason }),
      ...(context.attempts.length > 1 && { attempts: context.attempts.map(attemptLine) }),
    });
  }
}

/** What the client never saw, the operator should: who failed before somebody answered. */
function attemptLine({ deployment, outcome, status, errorCode, reason }: UpstreamAttempt) {
  const { provider, model } = deployment;
  return {
    provider,
    model,
    outcome,
    status,
    ...(errorCode !== null && { error: errorCode }),
    ...(reason && { reason }),
  };
}
