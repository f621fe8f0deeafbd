import { Injectable } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LiveConfig } from '../config/live-config.js';
import { InvalidRequestError, OverloadedError, type GatewayError } from '../domain/errors.js';
import { newRequestId } from '../domain/ids.js';
import { RequestContext, type ClientWishes } from '../domain/request-context.js';
import { noteAnswer } from './answer-under-way.js';
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
    const context = new RequestContext(newRequestId(), performance.now(), Date.now(), wishesOf(request));
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
    if (!isClientId(headers[CLIENT_ID]))
      return new InvalidRequestError(`\`${CLIENT_ID}\` must be printable ASCII of at most 512 characters.`);
    return undefined;
  }

  #close({ method = '', url = '' }: IncomingMessage, response: ServerResponse, context: RequestContext): void {
    this.#underWay -= 1;
    const [path = ''] = url.split('?', 1);
    this.log.finished({ context, method, path, status: response.statusCode, aborted: !response.writableFinished });
  }
}

const CLIENT_ID = 'x-client-request-id';

/** It is sent back and logged, so it must be fit for both. */
function isClientId(header: string | readonly string[] | undefined): header is string | undefined {
  return header === undefined || (typeof header === 'string' && /^[\x20-\x7e]{0,512}$/.test(header));
}

const MAX_TAGS = 20;
const MAX_TAG_LENGTH = 100;

function wishesOf({ headers }: IncomingMessage): ClientWishes {
  const tags = headers['x-parley-tags'];
  const clientId = headers[CLIENT_ID];
  return {
    strict: headers['x-parley-strict'] === 'true',
    explain: headers['x-parley-explain'] === 'true',
    tags: typeof tags === 'string' ? readTags(tags) : NO_TAGS,
    ...(clientId !== undefined && clientId !== '' && isClientId(clientId) && { clientRequestId: clientId }),
  };
}

const NO_TAGS: readonly string[] = [];

function readTags(header: string): readonly string[] {
  const tags = header.split(',', MAX_TAGS).map((tag) => tag.trim().slice(0, MAX_TAG_LENGTH));
  return tags.filter((tag) => tag !== '');
}
