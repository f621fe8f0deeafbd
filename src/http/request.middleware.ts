import { Injectable } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LiveConfig } from '../config/live-config.js';
import { InvalidRequestError, OverloadedError, type GatewayError } from '../domain/errors.js';
import { newRequestId } from '../domain/ids.js';
import { RequestContext } from '../domain/request-context.js';
import { noteAnswer } from './answer-under-way.js';
import { headerFault, wishesOf } from './client-wishes.js';
import { attachContext } from './context.js';
import { crossOrigin } from './cross-origin.js';
import { RequestLog } from './request-log.js';

/** More requests under way than this are refused at once: each of them may hold a body and a connection upstream. */
const MAX_UNDER_WAY = 5_000;

/** The outermost layer: every request gets its context here, and every answer its headers. */
@Injectable()
export class RequestMiddleware {
  #underWay = 0;

  constructor(
    private readonly config: LiveConfig,
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
    this.#underWay += 1;
    response.once('close', () => this.#close(request, response, context));
    next(this.#refusalOf(request));
  }

  #refusalOf({ headers, httpVersion }: IncomingMessage): GatewayError | undefined {
    if (this.#underWay > MAX_UNDER_WAY)
      return new OverloadedError('The gateway has too many requests under way.', 1_000);
    if (headers.host === undefined && httpVersion === '1.1')
      return new InvalidRequestError('The request has no Host header.');
    return headerFault(headers);
  }

  #close({ method = '', url = '' }: IncomingMessage, response: ServerResponse, context: RequestContext): void {
    this.#underWay -= 1;
    const [path = ''] = url.split('?', 1);
    this.log.finished({ context, method, path, status: response.statusCode, aborted: !response.writableFinished });
  }
}
