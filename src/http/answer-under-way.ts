import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

const LATEST = Symbol('latest answer');

interface WithLatest extends Duplex {
  [LATEST]?: ServerResponse;
}

/** Notes on a connection which answer it is for the next bytes of. */
export function noteAnswer({ socket }: IncomingMessage, response: ServerResponse): void {
  (socket as WithLatest)[LATEST] = response;
}

/** The answer that is still to come, whole or in part, on a connection whose request has been read. */
export function answerUnderWay(socket: WithLatest): ServerResponse | undefined {
  const response = socket[LATEST];
  return response?.req.complete === true && !response.closed ? response : undefined;
}
