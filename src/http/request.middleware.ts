import { Injectable } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LiveConfig } from '../config/live-config.js';
import { InvalidRequestError, ShuttingDownError, type GatewayError } from '../domain/errors.js';
import { newRequestId } from '../domain/ids.js';
import { RequestContext } from '../domain/request-context.js';
import { noteAnswer } from './connection.js';
import { headerFault, wishesOf } from './client-wishes.js';
import { attachContext } from './context.js';
import { crossOrigin } from './cross-origin.js';
import { Intake } from './intake.js';
import { RequestLog } from './request-log.js';

/** The outermost layer: every request gets its context here, and every answer its headers. */
@Injectable()
export class RequestMiddleware {
  constructor(
    private readonly config: LiveConfig,
    private readonly intake: Intake,
    private readonly log: RequestLog,
  ) {}

  use(request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): void {
    const context = new RequestContext(newRequestId(), performance.now(), Date.now(), wishesOf(request.headers));
    attachContext(request, context);
    noteAnswer(request, response);
    crossOrigin(request, response, this.config.current.server.cors.origins);
    if (request.method === 'OPTIONS') {
      response.writeHead(204).end();
      return;
    }
    this.intake.enter();
    response.once('close', () => this.#close(request, response, context));
    const refusal = this.intake.refusalOf(request) ?? faultOf(request);
    // The last answer of its connection: a client that still writes as that is closed may never read it.
    if (refusal instanceof ShuttingDownError) request.resume().once('close', () => next(refusal));
    else next(refusal);
  }

  #close({ method = '', url = '' }: IncomingMessage, response: ServerResponse, context: RequestContext): void {
    this.intake.leave();
    const [path = ''] = url.split('?', 1);
    this.log.finished({ context, method, path, status: response.statusCode, aborted: !response.writableFinished });
  }
}

function faultOf({ headers, httpVersion }: IncomingMessage): GatewayError | undefined {
  if (headers.host === undefined && httpVersion === '1.1')
    return new InvalidRequestError('The request has no Host header.');
  return headerFault(headers);
}
