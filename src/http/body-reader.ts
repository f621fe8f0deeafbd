import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { LiveConfig } from '../config/live-config.js';
import { InvalidRequestError } from '../domain/errors.js';
import { parseJsonObject } from './json-body.js';

interface BodyRequest extends IncomingMessage {
  body?: unknown;
}

/**
 * Takes the body in once the caller is known: a stranger's megabytes are never held. It is a guard because guards
 * are the only enhancers that run after the one for keys and before all that look at the body.
 */
@Injectable()
export class BodyReader implements CanActivate {
  constructor(private readonly config: LiveConfig) {}

  canActivate(execution: ExecutionContext): boolean | Promise<boolean> {
    const request = execution.switchToHttp().getRequest<BodyRequest>();
    const { method } = request;
    if (method !== 'POST' && method !== 'PATCH' && method !== 'PUT') return true;
    if (request.headers['content-length'] === '0' || !hasBody(request)) return true;
    checkType(request);
    return this.#read(request);
  }

  async #read(request: BodyRequest): Promise<true> {
    const bytes = await readBody(request, this.config.current.server.bodyLimit);
    if (!isUtf8(bytes)) throw new InvalidRequestError('The body of your request is not valid UTF-8.');
    request.body = parseJsonObject(bytes.toString('utf8'));
    return true;
  }
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;

/** Clients that say nothing of the type are taken at their word that it is JSON. */
function checkType({ headers }: IncomingMessage): void {
  const type = headers['content-type'];
  const encoding = headers['content-encoding'];
  if (type !== undefined && !/^application\/(json|[\w.+-]+\+json)\s*(;|$)/i.test(type))
    throw unsupported(`Unsupported content type: the body must be application/json.`, 'unsupported_content_type');
  if (encoding !== undefined && encoding !== 'identity')
    throw unsupported('Unsupported content encoding: the body must not be compressed.', 'unsupported_content_encoding');
}

const unsupported = (message: string, code: string) => new InvalidRequestError(message, { status: 415, code });

function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limit) return Promise.reject(tooLarge(limit));
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let size = 0;
    request.on('data', (piece: Buffer) => {
      size += piece.length;
      if (size > limit) {
        request.removeAllListeners('data').resume(); // the rest is read and thrown away, so that the answer gets through
        reject(tooLarge(limit));
      } else pieces.push(piece);
    });
    request.once('end', () =>
      resolve(pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces)),
    );
    request.once('error', () => reject(new InvalidRequestError('The body of your request did not arrive whole.')));
  });
}

const tooLarge = (limit: number) =>
  new InvalidRequestError(`The body of your request is larger than ${limit} bytes.`, {
    status: 413,
    code: 'request_too_large',
  });
