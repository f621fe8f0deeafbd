import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as the provider received it, and the answer it is about to give. */
export interface UpstreamRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** As it was written. */
  readonly body: string;
  readonly response: ServerResponse;
  /** Whether the whole answer was taken when the connection closed, or the gateway was gone before. */
  readonly over: Promise<'answered' | 'cancelled'>;
}

export type Script = (request: UpstreamRequest) => void | Promise<void>;

/** A provider that does as it is told. */
export interface FakeUpstream {
  /** Without a path. */
  readonly url: string;
  /** In the order in which they came. */
  readonly requests: readonly UpstreamRequest[];
  /** How it answers from now on; what came before is forgotten. */
  play(script: Script): void;
  /** The request that comes next, or has come already since `play`. */
  next(): Promise<UpstreamRequest>;
  close(): Promise<void>;
}

export async function startUpstream(): Promise<FakeUpstream> {
  let script: Script = ({ response }) => void response.writeHead(500).end();
  let requests: UpstreamRequest[] = [];
  let waiting: ((request: UpstreamRequest) => void)[] = [];
  const server = createServer((incoming, response) => {
    void readRequest(incoming, response).then(
      (request) => {
        requests.push(request);
        for (const tell of waiting.splice(0)) tell(request);
        return script(request);
      },
      () => response.destroy(), // the gateway left before it had sent all of its request
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get requests() {
      return requests;
    },
    play: (next) => {
      script = next;
      requests = [];
      waiting = [];
    },
    next: () =>
      new Promise((resolve) => {
        const [first] = requests;
        if (first === undefined) waiting.push(resolve);
        else resolve(first);
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readRequest(incoming: IncomingMessage, response: ServerResponse): Promise<UpstreamRequest> {
  const over = new Promise<'answered' | 'cancelled'>((resolve) =>
    response.once('close', () => resolve(response.writableFinished ? 'answered' : 'cancelled')),
  );
  const pieces: Buffer[] = [];
  for await (const piece of incoming) pieces.push(piece as Buffer);
  const { method = '', url = '', headers } = incoming;
  return { method, url, headers, body: Buffer.concat(pieces).toString('utf8'), response, over };
}

/** Answers with JSON, or with text that is sent as it is. */
export function answerWith(
  body: unknown,
  { status = 200, headers = {} }: { status?: number; headers?: Readonly<Record<string, string>> } = {},
): Script {
  return ({ response }) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
  };
}

/** Answers with a stream of just these bytes; `end: false` leaves the connection open, `'cut'` breaks it off. */
export function streamOf(text: string | Buffer, end: boolean | 'cut' = true): Script {
  return ({ response }) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(text, () => {
      if (end === 'cut') response.destroy();
      else if (end) response.end();
    });
  };
}

/** Objects as events, words such as `[DONE]` as they are. */
export const events = (...data: readonly unknown[]): string =>
  data.map((each) => `data: ${typeof each === 'string' ? each : JSON.stringify(each)}\n\n`).join('');

const HEAD = { id: 'chatcmpl-1', created: 1_750_000_000, model: 'upstream-model' };

/** A chunk with one choice. */
export const chunk = (delta: object, finish: string | null = null, more: object = {}): object => ({
  ...HEAD,
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta, finish_reason: finish }],
  ...more,
});

export const USAGE = { prompt_tokens: 11, completion_tokens: 2, total_tokens: 13 };

/** The chunk that carries only the usage. */
export const usageChunk = (usage: object = USAGE): object => ({
  ...HEAD,
  object: 'chat.completion.chunk',
  choices: [],
  usage,
});

export const completion = (text: string, more: object = {}): object => ({
  ...HEAD,
  object: 'chat.completion',
  choices: [
    { index: 0, message: { role: 'assistant', content: text, refusal: null }, finish_reason: 'stop', logprobs: null },
  ],
  usage: USAGE,
  ...more,
});
