import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Duplex } from 'node:stream';
import { errorBody, InvalidRequestError } from '../domain/errors.js';
import { newRequestId } from '../domain/ids.js';
import { answerUnderWay, owesAnswer } from './connection.js';
import { UNREAD_MS } from './answer-writer.js';
import { OPENAI_VERSION } from './response-headers.js';
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
  // Node calls this of idle connections, too. Bytes that go out slowly keep it from calling.
  server.setTimeout(UNREAD_MS, (socket) => {
    if (socket.writableLength > 0 || !owesAnswer(socket)) socket.destroy();
  });
  // Node would answer this itself, and not in the envelope: an expectation that nobody knows is none of ours.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  const ending = new WeakSet<Duplex>();
  server.on('clientError', (error, socket) => {
    // What follows a whole request may be broken while that one is answered: its answer must not be written into.
    const answer = answerUnderWay(socket);
    if (answer === undefined) answerBrokenRequest(error, socket);
    else if (!ending.has(socket)) {
      ending.add(socket);
      answer.once('close', () => socket.end());
    }
  });
}

/** What Node could not read as HTTP never reaches a controller; it is answered in the same envelope all the same. */
function answerBrokenRequest(error: Error & { readonly code?: string }, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const { status, reason, message } = BROKEN[error.code ?? ''] ?? NOT_HTTP;
  const body = JSON.stringify(errorBody(new InvalidRequestError(message, { status })));
  const head = [
    `HTTP/1.1 ${status} ${reason}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${newRequestId()}`,
    `openai-version: ${OPENAI_VERSION}`,
    'openai-processing-ms: 0',
    'x-should-retry: false',
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

const NOT_HTTP = { status: 400, reason: 'Bad Request', message: 'The request is not valid HTTP.' };

/** By Node's code for what was wrong. */
const BROKEN: Readonly<Record<string, typeof NOT_HTTP>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    reason: 'Request Header Fields Too Large',
    message: 'The headers of your request are too large.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    reason: 'Request Timeout',
    message: 'The request did not arrive in time.',
  },
};
