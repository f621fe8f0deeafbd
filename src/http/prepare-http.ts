import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Duplex } from 'node:stream';
import { errorBody, InvalidRequestError } from '../domain/errors.js';
import { newRequestId } from '../domain/ids.js';
import { RequestMiddleware } from './request.middleware.js';

/** Longer than load balancers keep idle connections, so that it is never us who closes one they are about to use. */
const KEEP_ALIVE_MS = 75_000;

/** What the application needs around its modules before it listens; the same in production and in tests. */
export function prepareHttp(app: NestExpressApplication): void {
  const express = app.getHttpAdapter().getInstance();
  express.disable('x-powered-by');
  express.disable('etag');
  const middleware = app.get(RequestMiddleware);
  app.use(middleware.use.bind(middleware));
  const server = app.getHttpServer();
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.headersTimeout = KEEP_ALIVE_MS + 1_000;
  server.on('clientError', answerBrokenRequest);
}

/** What Node could not read as HTTP never reaches a controller; it is answered in the same envelope all the same. */
function answerBrokenRequest(error: Error & { readonly code?: string }, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const failure = new InvalidRequestError(
    tooLarge ? 'The headers of your request are too large.' : 'The request is not valid HTTP.',
  );
  const body = JSON.stringify(errorBody(failure));
  const head = [
    `HTTP/1.1 ${tooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request'}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${newRequestId()}`,
    'x-should-retry: false',
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
