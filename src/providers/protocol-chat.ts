import { Observable, type Subscriber } from 'rxjs';
import type { ChatCompletion, ChatRequest } from '../domain/chat.js';
import type { ChatFrame } from '../domain/chat-frame.js';
import {
  InvalidRequestError,
  TruncatedStreamError,
  UpstreamError,
  type UpstreamTimeoutError,
} from '../domain/errors.js';
import type { UpstreamAttempt } from '../domain/deployment.js';
import { newCompletionId } from '../domain/ids.js';
import type { AnswerFacts, ChatDecoder, ChatProtocol } from '../protocols/protocol.js';
import type { HttpTransport, WireCall } from '../transport/http-transport.js';
import { WireFailureError } from '../transport/wire-failure-error.js';
import type { ChatOperation, UpstreamCall } from './provider.js';
import { StreamClock } from './stream-clock.js';

/** Where a call goes and as whom: the URL of the operation and the headers that open it. */
export type Address = (
  call: UpstreamCall,
  path: string,
) => { readonly url: string; readonly headers: Readonly<Record<string, string>> };

/** A protocol spoken at an address: all that most providers are. */
export class ProtocolChat implements ChatOperation {
  constructor(
    private readonly protocol: ChatProtocol,
    private readonly address: Address,
    private readonly transport: HttpTransport,
  ) {}

  async complete(request: ChatRequest, call: UpstreamCall): Promise<ChatCompletion> {
    const wire = this.#wireCall(request, call);
    try {
      const body = await this.transport.send(wire, (stop) => call.onCancel(stop));
      call.attempt.answeredAt = performance.now();
      return this.protocol.response(body, new AnswerDefaults(request));
    } catch (error) {
      throw masked(this.#translate(error), call);
    }
  }

  stream(request: ChatRequest, call: UpstreamCall): Observable<ChatFrame> {
    return new Observable((frames) => {
      const wire = this.#wireCall(request, call);
      const includeUsage = request.stream_options?.include_usage === true;
      const reader = new StreamReader(this.protocol.stream(new AnswerDefaults(request), includeUsage), call, frames);
      const bytes = this.transport.stream(wire, call.flow).subscribe({
        next: (piece) => reader.take(piece),
        error: (error: unknown) => reader.fail(this.#translate(error)),
        complete: () => reader.finish(),
      });
      return () => {
        reader.stop();
        // After the provider's last word its connection is about to be free: cutting it now would waste it.
        if (reader.done) setTimeout(() => bytes.unsubscribe(), LINGER_MS).unref();
        else bytes.unsubscribe();
      };
    });
  }

  #wireCall(request: ChatRequest, call: UpstreamCall): WireCall {
    const { deployment, attempt } = call;
    const wire = this.protocol.request(request, { model: deployment.model, baseModel: deployment.baseModel });
    attempt.dropped = ofClient(wire.dropped, call);
    attempt.adapted = ofClient(wire.adapted, call);
    if (call.strict) refuseChanges(attempt);
    const { url, headers } = this.address(call, wire.path);
    return {
      url,
      headers: { ...BASE_HEADERS, ...headers, ...wire.headers },
      body: wire.body,
      connectTimeout: deployment.timeouts.connect,
    };
  }

  #translate(error: unknown): unknown {
    return error instanceof WireFailureError ? this.protocol.failure(error.failure) : error;
  }
}

/** How long a provider may take to close a stream it has said to be over. */
const LINGER_MS = 1_000;

const BASE_HEADERS = {
  'content-type': 'application/json',
  accept: '*/*',
  'accept-encoding': 'identity',
  'user-agent': 'parley',
};

/** What an answer has where the provider says nothing; the id is made when it is needed, which is seldom. */
class AnswerDefaults implements AnswerFacts {
  readonly created = Math.floor(Date.now() / 1000);
  readonly model: string;
  #id: string | undefined;

  constructor({ model }: ChatRequest) {
    this.model = model;
  }

  get id(): string {
    return (this.#id ??= newCompletionId());
  }
}

/** Of these paths, those of what the client itself wrote: it need not know what the operator's defaults became. */
function ofClient(paths: readonly string[], { defaulted }: UpstreamCall): readonly string[] {
  if (defaulted === undefined || defaulted.size === 0) return paths;
  return paths.filter((path) => !defaulted.has(/^[^.[]*/.exec(path)?.[0] ?? path));
}

function refuseChanges({ dropped, adapted }: UpstreamAttempt): void {
  const [param] = [...dropped, ...adapted];
  if (param === undefined) return;
  throw new InvalidRequestError(`The model that serves this request does not support \`${param}\` as given.`, {
    code: 'unsupported_parameter',
    param,
  });
}

/** Some providers quote the credential they refuse, and no two have keys of one form; others say where they are. */
function masked(error: unknown, { credential, deployment }: UpstreamCall): unknown {
  return error instanceof UpstreamError ? error.masking(credential, deployment.endpoint.baseUrl) : error;
}

/** Turns the bytes of one stream into frames, and every way it can go wrong into one error. */
class StreamReader {
  readonly #clock: StreamClock;

  constructor(
    private readonly decoder: ChatDecoder,
    private readonly call: UpstreamCall,
    private readonly frames: Subscriber<ChatFrame>,
  ) {
    this.#clock = new StreamClock(call.deployment.timeouts, call.flow, (error) => this.#expire(error));
  }

  get done(): boolean {
    return this.decoder.done;
  }

  take(bytes: Buffer): void {
    this.#guard(() => {
      this.decoder.next(bytes, this.#emit);
      this.#clock.tick();
      if (this.decoder.done) this.finish();
    });
  }

  finish(): void {
    this.#guard(() => {
      this.decoder.end(this.#emit);
      this.stop();
      this.frames.complete();
    });
  }

  fail(error: unknown): void {
    // A provider that has said everything and then drops the connection has still said everything.
    if (error instanceof TruncatedStreamError && this.decoder.complete) this.finish();
    else this.frames.error(masked(error, this.call));
  }

  stop(): void {
    this.#clock.stop();
  }

  readonly #emit = (frame: ChatFrame): void => {
    if (this.call.attempt.answeredAt === undefined) {
      this.call.attempt.answeredAt = performance.now();
      this.#clock.started();
    }
    this.frames.next(frame);
  };

  #expire(error: UpstreamTimeoutError): void {
    this.fail(this.decoder.complete ? new TruncatedStreamError(error) : error);
  }

  #guard(work: () => void): void {
    if (this.frames.closed) return;
    try {
      work();
    } catch (error) {
      this.frames.error(masked(error, this.call));
    }
  }
}
