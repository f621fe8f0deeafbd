import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Observable } from 'rxjs';
import { Agent } from 'undici';
import { UpstreamError } from '../domain/errors.js';
import type { Flow } from '../domain/flow.js';
import { Exchange, type ExchangeListener } from './exchange.js';

/** One HTTP call to a provider, ready to send. */
export interface WireCall {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** How long the connection may take to open, in milliseconds. */
  readonly connectTimeout: number;
}

const MAX_TARGETS = 1_000;

interface Target {
  readonly origin: string;
  readonly path: string;
}

/** Idle connections are kept about as long as the big providers keep them. */
const KEEP_ALIVE_MS = 30_000;

/** An answer larger than this is a fault of the provider: it is held in memory as a whole. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/** The only code that opens connections to providers. */
@Injectable()
export class HttpTransport implements OnApplicationShutdown {
  readonly #agents = new Map<number, Agent>();
  readonly #targets = new Map<string, Target>();

  /**
   * The whole body of a successful answer. Throws WireFailureError for any other status, and
   * UpstreamUnreachableError or UpstreamTimeoutError where there was no answer.
   */
  send(call: WireCall, onCancel: (stop: () => void) => void): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const pieces: Buffer[] = [];
      let size = 0;
      const exchange = this.#start(call, {
        data: (bytes) => {
          size += bytes.length;
          pieces.push(bytes);
          if (size <= MAX_ANSWER_BYTES) return;
          exchange.abort();
          reject(new UpstreamError('The answer of the provider is too large.', { code: 'invalid_upstream_answer' }));
        },
        end: () => resolve(pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces)),
        error: reject,
      });
      onCancel(() => exchange.abort());
    });
  }

  /** The body of a successful answer as it arrives. Unsubscribing closes the connection; `flow` holds it up. */
  stream(call: WireCall, flow: Flow): Observable<Buffer> {
    return new Observable((bytes) => {
      const exchange = this.#start(call, {
        data: (piece) => bytes.next(piece),
        end: () => bytes.complete(),
        error: (error) => bytes.error(error),
      });
      flow.attach(exchange);
      return () => exchange.abort();
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.destroy()));
  }

  #start(call: WireCall, listener: ExchangeListener): Exchange {
    const exchange = new Exchange(listener, call.connectTimeout);
    const { origin, path } = this.#target(call.url);
    this.#agent(call.connectTimeout).dispatch(
      // The gateway has clocks of its own; undici's would cut long answers.
      { origin, path, method: 'POST', headers: call.headers, body: call.body, headersTimeout: 0, bodyTimeout: 0 },
      exchange,
    );
    return exchange;
  }

  /** One agent for each connect time-out: undici sets it for the agent, not for the call. */
  #agent(connectTimeout: number): Agent {
    const known = this.#agents.get(connectTimeout);
    if (known !== undefined) return known;
    const agent = new Agent({ connect: { timeout: connectTimeout }, keepAliveTimeout: KEEP_ALIVE_MS, pipelining: 1 });
    this.#agents.set(connectTimeout, agent);
    return agent;
  }

  /** Each URL is taken apart once. There are few, but for those that hold a model's name, which clients choose. */
  #target(url: string): Target {
    const known = this.#targets.get(url);
    if (known !== undefined) return known;
    const { origin, pathname, search } = new URL(url);
    const target = { origin, path: pathname + search };
    if (this.#targets.size >= MAX_TARGETS) this.#targets.clear();
    this.#targets.set(url, target);
    return target;
  }
}
