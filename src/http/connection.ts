import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

const LATEST = Symbol('latest answer');
const QUEUED = Symbol('answers behind another one');
/** No client asks for so many things at once over one connection, but one that means to fill the gateway. */
const MOST_QUEUED = 100;

interface Connection extends Duplex {
  [LATEST]?: ServerResponse;
  [QUEUED]?: Set<ServerResponse>;
}

/** Notes on a connection which answer it is for the next bytes of, and tells each that it closed. */
export function noteAnswer({ socket }: IncomingMessage, response: ServerResponse): void {
  const connection: Connection = socket;
  connection[LATEST] = response;
  if (response.socket !== null) return;
  const queued = (connection[QUEUED] ??= newQueue(connection));
  queued.add(response);
  if (queued.size > MOST_QUEUED) connection.destroy();
  response.once('close', () => queued.delete(response));
}

/** Node tells only the answer whose turn it is that its connection closed, and none of those behind it. */
function newQueue(connection: Connection): Set<ServerResponse> {
  const queued = new Set<ServerResponse>();
  connection.once('close', () => {
    for (const response of queued) if (response.socket === null) response.destroy().emit('close');
  });
  return queued;
}

/** Whether a request has come over a connection whose answer is not out yet. */
export function owesAnswer(socket: Connection): boolean {
  return socket[LATEST]?.closed === false;
}

/** The answer that is still to come, whole or in part, on a connection whose request has been read. */
export function answerUnderWay(socket: Connection): ServerResponse | undefined {
  const response = socket[LATEST];
  return response?.req.complete === true && !response.closed ? response : undefined;
}
