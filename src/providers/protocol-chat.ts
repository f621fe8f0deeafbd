import { Observable, type Subscriber } from 'rxjs';
import type { ChatCompletion, ChatRequest } from '../domain/chat.js';
import type { ChatFrame } from '../domain/chat-frame.js';
import { InvalidRequestError, StaleTurnStateError, UpstreamError } from '../domain/errors.js';
import type { Deployment, UpstreamAttempt } from '../domain/deployment.js';
import { newCompletionId } from '../domain/ids.js';
import { pathsOf, type ParamChange } from '../domain/param-change.js';
import { NO_TURN_STATES, type TurnStateKeeper } from '../domain/turn-state.js';
import { refuseUncheckable } from '../protocols/json-answer/check-json.js';
import { legacyCompletion } from '../protocols/legacy-functions.js';
import type { AnswerFacts, Asked, ChatProtocol, TargetModel, WireRequest } from '../protocols/protocol.js';
import type { HttpTransport, WireCall } from '../transport/http-transport.js';
import type { MediaFetcher } from '../transport/media-fetcher.js';
import { WireFailureError } from '../transport/wire-failure-error.js';
import { inlineMedia, urlsToFetch } from './inline-media.js';
import type { ChatOperation, UpstreamCall, UpstreamRequest } from './provider.js';
import { refusedParameters } from './refused-parameters.js';
import { StreamReader } from './stream-reader.js';

/**
 * Where a call goes and as whom: the URL of the operation and the headers that open it. `asked` are the headers of the
 * dialect; those of the address stand above them.
 */
export type Address = (
  call: UpstreamCall,
  path: string,
  asked: Readonly<Record<string, string>>,
) => { readonly url: string; readonly headers: Readonly<Record<string, string>> };

/** How a provider is spoken to: the dialect, the place, and what goes beyond a key in a header. */
export interface Speech {
  readonly protocol: ChatProtocol;
  readonly address: Address;
  /** Headers that prove who calls, where it takes time or the whole request to make them. */
  readonly authorize?: (call: UpstreamCall, outgoing: WireCall) => Promise<Readonly<Record<string, string>>>;
  /** Which URLs of images and files the provider cannot fetch, so that the gateway must. */
  readonly mustFetch?: (url: string) => boolean;
}

/** What chat needs beside the dialect: how bytes move, and what is fetched and kept for it. */
export interface ChatSurroundings {
  readonly transport: HttpTransport;
  readonly media: MediaFetcher;
  readonly turnStates: TurnStateKeeper;
}

interface StreamCall {
  readonly request: ChatRequest;
  readonly call: UpstreamCall;
  readonly frames: Subscriber<ChatFrame>;
}

interface Prepared {
  readonly wire: WireRequest;
  readonly outgoing: WireCall;
}

/** A protocol spoken at an address: all that most providers are. */
export class ProtocolChat implements ChatOperation {
  constructor(
    private readonly speech: Speech,
    private readonly around: ChatSurroundings,
  ) {}

  async complete(request: ChatRequest, call: UpstreamCall): Promise<ChatCompletion> {
    try {
      return await this.#complete(request, call, false);
    } catch (error) {
      if (!(error instanceof StaleTurnStateError)) throw masked(error, call);
    }
    try {
      return await this.#complete(request, call, true);
    } catch (error) {
      throw masked(error, call);
    }
  }

  async #complete(request: ChatRequest, call: UpstreamCall, withoutState: boolean): Promise<ChatCompletion> {
    const { protocol } = this.speech;
    const preparing = this.#prepare(request, call, withoutState);
    const { wire, outgoing } = preparing instanceof Promise ? await preparing : preparing;
    try {
      const body = await this.around.transport.send(outgoing, (stop) => call.onCancel(stop));
      call.attempt.answeredAt = performance.now();
      const completion = protocol.response(body, new AnswerDefaults(request, wire.asked));
      if (protocol.kept !== undefined) this.around.turnStates.keep(call.keyId, protocol.kept(completion));
      return wire.asked.legacyFunctions === true ? legacyCompletion(completion) : completion;
    } catch (error) {
      throw this.#failure(error, wire);
    }
  }

  stream(request: ChatRequest, call: UpstreamCall): Observable<ChatFrame> {
    return new Observable((frames) => this.#start({ request, call, frames }, false));
  }

  async explain(request: ChatRequest, call: UpstreamCall): Promise<UpstreamRequest> {
    const { outgoing } = await this.#translated(request, call, false);
    // No token is fetched only to be shown.
    const proof = this.speech.authorize === undefined ? {} : { authorization: '[secret]' };
    const { url, headers, body } = outgoing;
    return { method: 'POST', url, headers: { ...headers, ...proof }, body: JSON.parse(body) as unknown };
  }

  refuses(deployment: Deployment): readonly string[] {
    return refusedParameters(this.speech.protocol, deployment);
  }

  #start(stream: StreamCall, withoutState: boolean): void {
    const { request, call, frames } = stream;
    const fail = (error: unknown) => frames.error(masked(error, call));
    try {
      const preparing = this.#prepare(request, call, withoutState);
      if (!(preparing instanceof Promise)) return this.#read(stream, preparing);
      preparing
        .then((prepared) => {
          if (!frames.closed) this.#read(stream, prepared);
        })
        .catch(fail);
    } catch (error) {
      fail(error); // a second start happens where nobody else would catch it
    }
  }

  #read(stream: StreamCall, { wire, outgoing }: Prepared): void {
    const { request, call, frames } = stream;
    const { protocol } = this.speech;
    const includeUsage = request.stream_options?.include_usage === true;
    const decoder = protocol.stream(new AnswerDefaults(request, wire.asked), includeUsage);
    const reader = new StreamReader(decoder, call, {
      get closed() {
        return frames.closed;
      },
      next: (frame) => frames.next(frame),
      error: (error) => frames.error(masked(error, call)),
      complete: () => {
        if (decoder.kept !== undefined) this.around.turnStates.keep(call.keyId, decoder.kept);
        frames.complete();
      },
    });
    const bytes = this.around.transport.stream(outgoing, call.flow).subscribe({
      next: (piece) => reader.take(piece),
      error: (error: unknown) => {
        const known = this.#failure(error, wire);
        if (!(known instanceof StaleTurnStateError)) return reader.fail(known);
        reader.stop();
        this.#start(stream, true);
      },
      complete: () => reader.finish(),
    });
    frames.add(() => {
      reader.stop();
      // After the provider's last word its connection is about to be free: cutting it now would waste it.
      if (reader.done) setTimeout(() => bytes.unsubscribe(), LINGER_MS).unref();
      else bytes.unsubscribe();
    });
  }

  /** At once where nothing has to be waited for, which is nearly always. */
  #prepare(request: ChatRequest, call: UpstreamCall, withoutState: boolean): Prepared | Promise<Prepared> {
    const translated = this.#translated(request, call, withoutState);
    const { authorize } = this.speech;
    if (authorize === undefined) return translated;
    return (async () => {
      const { wire, outgoing } = await translated;
      const proof = await authorize(call, outgoing);
      return { wire, outgoing: { ...outgoing, headers: { ...outgoing.headers, ...proof } } };
    })();
  }

  #translated(request: ChatRequest, call: UpstreamCall, withoutState: boolean): Prepared | Promise<Prepared> {
    const { protocol, mustFetch } = this.speech;
    const { media, turnStates } = this.around;
    const urls = mustFetch === undefined ? [] : urlsToFetch(request, mustFetch);
    const calls = protocol.kept === undefined || withoutState ? [] : toolCallIdsIn(request);
    const turns = calls.length === 0 ? NO_TURN_STATES : turnStates.find(call.keyId, calls);
    if (urls.length === 0 && !(turns instanceof Promise)) return this.#wire(request, call, { turns, withoutState });
    return (async () => {
      const inlined = urls.length === 0 ? request : await inlineMedia(request, urls, { media, signal: call.signal });
      return this.#wire(inlined, call, { turns: await turns, withoutState });
    })();
  }

  #wire(request: ChatRequest, call: UpstreamCall, state: Pick<TargetModel, 'turns' | 'withoutState'>): Prepared {
    const { deployment, attempt } = call;
    const { model, baseModel, facts } = deployment;
    const wire = this.speech.protocol.request(request, { model, baseModel, facts, ...state });
    attempt.changes = ofClient(wire.changes, call);
    refuseUncheckable(wire.asked);
    if (call.strict) refuseChanges(attempt);
    const { url, headers } = this.speech.address(call, wire.path, wire.headers);
    const outgoing = {
      url,
      headers: { ...BASE_HEADERS, ...wire.headers, ...headers },
      body: wire.body,
      connectTimeout: deployment.timeouts.connect,
    };
    return { wire, outgoing };
  }

  /** Stale state is worth another try only where there was some. */
  #failure(error: unknown, { carriesState = false }: WireRequest): unknown {
    const known = error instanceof WireFailureError ? this.speech.protocol.failure(error.failure) : error;
    return known instanceof StaleTurnStateError && !carriesState ? known.plain() : known;
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

  constructor(
    { model }: ChatRequest,
    readonly asked: Asked,
  ) {
    this.model = model;
  }

  get id(): string {
    return (this.#id ??= newCompletionId());
  }
}

/** Of these changes, those of what the client itself wrote: it need not know what the operator's defaults became. */
function ofClient(changes: readonly ParamChange[], { defaulted }: UpstreamCall): readonly ParamChange[] {
  if (defaulted === undefined || defaulted.size === 0) return changes;
  return changes.filter(({ path }) => !defaulted.has(/^[^.[]*/.exec(path)?.[0] ?? path));
}

function refuseChanges({ changes }: UpstreamAttempt): void {
  const param = pathsOf(changes, 'dropped')[0] ?? pathsOf(changes, 'adapted')[0];
  if (param === undefined) return;
  throw new InvalidRequestError(`The model that serves this request does not support \`${param}\` as given.`, {
    code: 'unsupported_parameter',
    param,
  });
}

/** The calls of earlier turns: what was kept of those may have to be given back. */
function toolCallIdsIn({ messages }: ChatRequest): readonly string[] {
  const ids: string[] = [];
  for (const { role, tool_calls: calls } of messages)
    if (role === 'assistant' && calls != null) for (const { id } of calls) ids.push(id);
  return ids;
}

/** Some providers quote the credential they refuse, and no two have keys of one form; others say where they are. */
function masked(error: unknown, { credential, deployment }: UpstreamCall): unknown {
  return error instanceof UpstreamError ? error.masking(credential, deployment.endpoint.baseUrl) : error;
}
