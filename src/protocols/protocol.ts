import type { ChatCompletion, ChatRequest } from '../domain/chat.js';
import type { ChatFrame } from '../domain/chat-frame.js';
import type { UpstreamError } from '../domain/errors.js';

/** How to talk to a family of APIs. Pure: no clock, no network, no framework. */
export interface ChatProtocol {
  request(request: ChatRequest, target: TargetModel): WireRequest;
  /** Throws UpstreamError where a 200 carries an error. */
  response(body: Buffer, answer: AnswerFacts): ChatCompletion;
  /** One decoder a stream. `includeUsage`: the client asked for the usage chunk. */
  stream(answer: AnswerFacts, includeUsage: boolean): ChatDecoder;
  failure(failure: WireFailure): UpstreamError;
}

/** What a request is translated for. */
export interface TargetModel {
  /** The id that goes on the wire. */
  readonly model: string;
  /** The model whose rules hold. */
  readonly baseModel: string;
}

/** What a pure translator cannot know by itself: used where the provider says nothing. */
export interface AnswerFacts {
  readonly id: string;
  /** Unix seconds. */
  readonly created: number;
  /** The model name the client asked for. */
  readonly model: string;
}

export interface WireRequest {
  /** Below the endpoint's base URL. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Paths of parameters that are not sent because the provider refuses them. */
  readonly dropped: readonly string[];
  /** Paths of parameters that are sent in another form. */
  readonly adapted: readonly string[];
}

export interface WireFailure {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export type EmitFrame = (frame: ChatFrame) => void;

/** Reads one stream in the pieces the network delivers. */
export interface ChatDecoder {
  /**
   * Frames come only from the first meaningful event on, so that an error before it can still be a real status.
   * Throws UpstreamError for an error in the stream, after the frames that came before it.
   */
  next(bytes: Buffer, emit: EmitFrame): void;
  /** What is left to send once the provider has closed. Throws TruncatedStreamError if the answer was not complete. */
  end(emit: EmitFrame): void;
  /** The provider has said that this was all. */
  readonly done: boolean;
  /** Every choice has ended, said or not. */
  readonly complete: boolean;
}
