import { connect, type Socket } from 'node:net';

/** What came back over a connection that HTTP clients would not open: as it was written, headers in lower case. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface RawExchange {
  readonly answers: readonly RawAnswer[];
  /** The gateway closed the connection. */
  readonly closed: boolean;
}

export interface RawOptions {
  /** Answers to wait for; until then, or until the connection is closed. */
  readonly answers?: number;
  /** The first request was made by `HEAD`: its answer has no body, whatever its headers say. */
  readonly head?: boolean;
}

/** Longer than any answer here should take: a test that waits for it says what it got, and fails by that. */
const PATIENCE_MS = 5_000;

/** Writes the bytes as they are, and reads what comes back until the answers are there or the connection is closed. */
export function exchangeRaw(url: string, bytes: string | Buffer, options: RawOptions = {}): Promise<RawExchange> {
  const { answers: wanted = 1, head = false } = options;
  const socket = connectTo(url);
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const over = (closed: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ answers: parseAnswers(received, { head, closed }), closed });
    };
    const timer = setTimeout(() => over(false), PATIENCE_MS);
    socket.on('data', (piece: Buffer) => {
      received = Buffer.concat([received, piece]);
      if (parseAnswers(received, { head, closed: false }).length >= wanted) over(false);
    });
    socket.once('close', () => over(true));
    // A gateway that closes while it is still written to resets the connection; what it said before that counts.
    socket.once('error', (error) => (received.length === 0 ? reject(error) : undefined));
    socket.write(bytes);
  });
}

/** A bare connection to the gateway at `url`. */
export function connectTo(url: string): Socket {
  const { hostname, port } = new URL(url);
  return connect(Number(port), hostname);
}

interface Reading {
  readonly head: boolean;
  readonly closed: boolean;
}

/** The answers that are there in full; interim ones (100) are passed over. */
function parseAnswers(bytes: Buffer, { head, closed }: Reading): readonly RawAnswer[] {
  const answers: RawAnswer[] = [];
  let rest = bytes.toString('latin1');
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    if (end === -1) return answers;
    const [line = '', ...lines] = rest.slice(0, end).split('\r\n');
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(line)?.[1]);
    const headers = Object.fromEntries(
      lines.map((each) => [each.slice(0, each.indexOf(':')).toLowerCase(), each.slice(each.indexOf(':') + 1).trim()]),
    );
    rest = rest.slice(end + 4);
    if (status < 200) continue;
    const hasBody = status !== 204 && !(head && answers.length === 0);
    const body = hasBody ? takeBody(headers, rest, closed) : { text: '', rest };
    if (body === undefined) return answers;
    answers.push({ status, headers, body: Buffer.from(body.text, 'latin1').toString('utf8') });
    rest = body.rest;
  }
}

function takeBody(
  headers: Readonly<Record<string, string>>,
  rest: string,
  closed: boolean,
): { readonly text: string; readonly rest: string } | undefined {
  if (headers['transfer-encoding'] === 'chunked') return takeChunks(rest);
  const length = headers['content-length'];
  if (length === undefined) return closed ? { text: rest, rest: '' } : undefined;
  return rest.length < Number(length)
    ? undefined
    : { text: rest.slice(0, Number(length)), rest: rest.slice(Number(length)) };
}

function takeChunks(from: string): { readonly text: string; readonly rest: string } | undefined {
  let text = '';
  for (let rest = from; ;) {
    const line = rest.indexOf('\r\n');
    if (line === -1) return undefined;
    const size = parseInt(rest.slice(0, line), 16);
    if (rest.length < line + 2 + size + 2) return undefined;
    text += rest.slice(line + 2, line + 2 + size);
    rest = rest.slice(line + 2 + size + 2);
    if (size === 0) return { text, rest };
  }
}
