import type { LoggerService } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import type { Observer, Subscriber } from 'rxjs';
import type { ChatCompletion } from '../domain/chat.js';
import type { ChatAnswer } from '../domain/chat-answer.js';
import { isFrame } from '../domain/chat-frame.js';
import { errorBody, GatewayError, InternalError } from '../domain/errors.js';
import type { Explanation } from '../domain/explanation.js';
import type { Flow } from '../domain/flow.js';
import { bytesOf } from '../domain/wire-bytes.js';

export interface AnswerTask {
  readonly response: ServerResponse;
  readonly flow: Flow;
  /** The stream may be opened by a keep-alive, before its first frame. */
  readonly early: boolean;
  /** Told once the answer is out, or of the failure that came before any of it. */
  readonly outcome: Subscriber<undefined>;
  readonly log: LoggerService;
}

/** Proxies cut connections that are silent for a minute; the shortest known limit is four times this. */
const KEEP_ALIVE_MS = 15_000;
/** What may wait for a client that does not keep up before the provider is made to wait. */
const MAX_UNREAD_BYTES = 128 * 1024;
/** How long a client may take none of what waits for it, whatever that is: after that it has left without saying so. */
export const UNREAD_MS = 60_000;
const KEEP_ALIVE = ': keep-alive\n\n';
const DONE = 'data: [DONE]\n\n';

const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  'x-accel-buffering': 'no', // nginx would hold the stream back
};

/** Writes one answer. A stream is opened by its first frame; until then a failure is still a status. */
export class AnswerWriter implements Observer<ChatAnswer> {
  #opened = false;
  #silence: NodeJS.Timeout | undefined;
  #unread: NodeJS.Timeout | undefined;

  constructor(private readonly task: AnswerTask) {
    if (task.early) this.#watchSilence();
  }

  next(answer: ChatAnswer): void {
    if (!isFrame(answer)) this.#writeJson(answer);
    else if (answer.bytes.length > 0) this.#write(answer.bytes);
  }

  error(error: unknown): void {
    this.stop();
    if (!this.#opened) {
      this.task.outcome.error(error);
      return;
    }
    const known = error instanceof GatewayError ? error : new InternalError(error);
    if (known instanceof InternalError)
      this.task.log.error({ msg: 'A fault of the gateway in the middle of a stream', err: known.cause ?? known });
    // The body ends cleanly and without [DONE]: clients would take a cut connection for a fault of the network.
    this.task.response.end(`data: ${JSON.stringify(errorBody(known))}\n\n`);
    this.#over();
  }

  complete(): void {
    this.stop();
    if (this.#opened) this.task.response.end(DONE);
    this.#over();
  }

  /** Nothing more will be written. */
  stop(): void {
    clearTimeout(this.#silence);
    clearTimeout(this.#unread);
  }

  /** Drops a client that reads nothing at all; one that is slow gets the time it takes. */
  #watchReader(): void {
    const { response } = this.task;
    const waiting = response.writableLength;
    clearTimeout(this.#unread);
    this.#unread = setTimeout(() => {
      const hasItsTurn = response.socket !== null; // else an earlier answer is still on the connection
      if (!hasItsTurn || response.writableLength < waiting) this.#watchReader();
      else response.destroy();
    }, UNREAD_MS).unref();
  }

  /** All is written; what the client has not taken yet is watched from here on, as nobody else does then. */
  #over(): void {
    const { response, outcome } = this.task;
    outcome.next(undefined);
    outcome.complete();
    if (response.writableLength === 0) return;
    this.#watchReader();
    response.once('close', () => clearTimeout(this.#unread));
  }

  #writeJson(answer: ChatCompletion | Explanation): void {
    const body = bytesOf(answer);
    this.task.response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    this.task.response.end(body);
  }

  #write(bytes: Uint8Array | string): void {
    const { response, flow } = this.task;
    if (!this.#opened) this.#open();
    const flushed = response.write(bytes);
    this.#silence?.refresh();
    if (flushed || flow.paused || response.writableLength < MAX_UNREAD_BYTES) return;
    flow.pause();
    this.#watchReader();
    response.once('drain', () => {
      clearTimeout(this.#unread);
      flow.resume();
    });
  }

  #open(): void {
    this.#opened = true;
    this.task.response.writeHead(200, STREAM_HEADERS);
    if (this.#silence === undefined) this.#watchSilence();
  }

  #watchSilence(): void {
    this.#silence = setTimeout(() => {
      if (!this.task.flow.paused) this.#write(KEEP_ALIVE);
      this.#silence?.refresh();
    }, KEEP_ALIVE_MS);
  }
}
