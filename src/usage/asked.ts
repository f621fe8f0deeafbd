import type { IncomingMessage } from 'node:http';
import type { Ending } from './usage-record.js';

/** A request as Express hands it on; before its route is found it has no `params`, before it was read no `body`. */
export interface AskedRequest extends IncomingMessage {
  readonly body?: unknown;
  readonly params?: Readonly<Record<string, string | readonly string[]>>;
}

/** What the client wrote, wherever it wrote it: a body that was refused may hold anything. */
export function asked({ body, params }: AskedRequest): Pick<Ending, 'model' | 'stream'> {
  const { model, stream } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const inPath = params?.['model'] ?? '';
  const path = typeof inPath === 'string' ? inPath : inPath.join('/');
  // Where the path names the model, that one is asked for: Azure's SDKs write another into the body.
  const named = path === '' && typeof model === 'string' ? model : path;
  return { model: named, stream: stream === true };
}
