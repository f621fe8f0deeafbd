import { setImmediate as turn } from 'node:timers/promises';
import { piecesOf } from './pieces.js';
import type { Recording } from './recordings.js';
import type { Script } from './upstream.js';

export interface Replay {
  readonly body: Buffer | string;
  /** 200 where it is not given. */
  readonly status?: number;
  /** A stream's where it is not given. */
  readonly contentType?: string;
  /** In how many bytes at a time; all at once where it is not given. */
  readonly pieceSize?: number;
  /** What becomes of the connection after the last byte. */
  readonly then?: 'end' | 'hold' | 'cut';
}

/** A provider that answers every request with the same bytes, piece by piece. */
export function replaying({
  body,
  status = 200,
  contentType = EVENTS,
  pieceSize = Infinity,
  then = 'end',
}: Replay): Script {
  return async ({ response }) => {
    response.socket?.setNoDelay(true);
    response.writeHead(status, { 'content-type': contentType });
    for (const piece of piecesOf(Buffer.from(body), pieceSize)) {
      if (response.destroyed) return;
      if (!response.write(piece)) await drained(response);
      await turn(); // each piece is read on its own
    }
    if (then === 'end') response.end();
    if (then === 'cut') response.destroy();
  };
}

/** The answer of a recorded exchange. */
export const replayOf = ({ response, status, isStream }: Recording): Replay => ({
  body: response,
  status,
  contentType: isStream && status === 200 ? EVENTS : 'application/json',
});

const EVENTS = 'text/event-stream; charset=utf-8';

const drained = (response: Parameters<Script>[0]['response']): Promise<void> =>
  new Promise((resolve) => {
    response.once('drain', resolve);
    response.once('close', resolve);
  });
