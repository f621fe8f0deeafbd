import type { Dispatcher } from 'undici';
import type { FlowSource } from '../domain/flow.js';
import { TruncatedStreamError, UpstreamTimeoutError, UpstreamUnreachableError } from '../domain/errors.js';
import type { WireFailure } from '../protocols/protocol.js';
import { WireFailureError } from './wire-failure-error.js';

export interface ExchangeListener {
  data(bytes: Buffer): void;
  end(): void;
  error(error: Error): void;
}

/** More than this of an error page nobody reads. */
const MAX_FAILURE_BYTES = 256 * 1024;
/** One request and its response. Tells its listener of the body of a success, or of one error, and then of nothing more. */
export class Exchange implements Dispatcher.DispatchHandler, FlowSource {
  #controller: Dispatcher.DispatchController | undefined;
  #failure:
    | { readonly status: number; readonly headers: WireFailure['headers']; readonly body: Buffer[]; size: number }
    | undefined;
  #answered = false;
  #over = false;
  #paused = false;
  /** What one read from the network brought: a provider's many small chunks are told of as one. */
  #gathered: Buffer[] = [];

  constructor(
    private readonly listener: ExchangeListener,
    private readonly connectTimeout: number,
  ) {}

  /** Closes the connection; the listener hears nothing of it. */
  abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#controller?.abort(new Error('The call was cancelled.'));
  }

  pause(): void {
    this.#paused = true;
    this.#controller?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#over) controller.abort(new Error('The call was cancelled.'));
    else if (this.#paused) controller.pause();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: WireFailure['headers']): void {
    this.#answered = true;
    if (status < 200 || status > 299) this.#failure = { status, headers, body: [], size: 0 };
  }

  onResponseData(_controller: Dispatcher.DispatchController, bytes: Buffer): void {
    if (this.#over) return;
    if (this.#failure === undefined) {
      if (this.#gathered.push(bytes) === 1) queueMicrotask(() => this.#deliver());
      return;
    }
    this.#failure.size += bytes.length;
    if (this.#failure.size <= MAX_FAILURE_BYTES) this.#failure.body.push(bytes);
  }

  onResponseEnd(): void {
    this.#deliver();
    if (this.#over) return;
    this.#over = true;
    if (this.#failure === undefined) this.listener.end();
    else this.listener.error(this.#wireFailure(this.#failure));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#deliver();
    if (this.#over) return;
    this.#over = true;
    this.listener.error(this.#translate(error));
  }

  #deliver(): void {
    const [first, ...others] = this.#gathered;
    if (first === undefined || this.#over) return;
    this.#gathered = [];
    this.listener.data(others.length === 0 ? first : Buffer.concat([first, ...others]));
  }

  #wireFailure({
    status,
    headers,
    body,
  }: {
    status: number;
    headers: WireFailure['headers'];
    body: Buffer[];
  }): WireFailureError {
    return new WireFailureError({ status, headers, body: Buffer.concat(body).toString('utf8') });
  }

  #translate(error: Error & { readonly code?: string }): Error {
    if (this.#failure !== undefined) return this.#wireFailure(this.#failure); // the status says enough
    if (this.#answered) return new TruncatedStreamError(error);
    if (error.code === 'UND_ERR_CONNECT_TIMEOUT') return new UpstreamTimeoutError('connect', this.connectTimeout);
    return new UpstreamUnreachableError(
      `The provider could not be reached (${error.code ?? 'connection failed'}).`,
      error,
      this.#controller !== undefined,
    );
  }
}
