import type { ChatCompletion, ChatRequest, JsonSchema } from '../domain/chat.js';
import type { ChatFrame } from '../domain/chat-frame.js';
import type { UpstreamError } from '../domain/errors.js';
import type { ModelFacts } from '../domain/model-facts.js';
import type { ParamChange } from '../domain/param-change.js';
import type { TurnState, TurnStates } from '../domain/turn-state.js';

/** How to talk to a family of APIs. Pure: no clock, no network, no framework. */
export interface ChatProtocol {
  /** Throws InvalidRequestError for what cannot be said in this dialect and whose loss would change the answer's meaning. */
  request(request: ChatRequest, target: TargetModel): WireRequest;
  /** Throws UpstreamError where a 200 carries an error. */
  response(body: Buffer, answer: AnswerFacts): ChatCompletion;
  /** One decoder a stream. `includeUsage`: the client asked for the usage chunk. */
  stream(answer: AnswerFacts, includeUsage: boolean): ChatDecoder;
  failure(failure: WireFailure): UpstreamError;
  /** What of an answer must be kept for the next turn. Absent: this dialect's answers need nothing kept. */
  readonly kept?: (completion: ChatCompletion) => readonly TurnState[];
}

/** What a request is translated for. */
export interface TargetModel {
  /** The id that goes on the wire. */
  readonly model: string;
  /** The model whose rules hold. */
  readonly baseModel: string;
  readonly facts: ModelFacts;
  /** What was kept of earlier turns, by tool-call id; some of it may be of other families. */
  readonly turns: TurnStates;
  /** The provider has refused the state of earlier turns: it is to be left out, also where the client sent it. */
  readonly withoutState: boolean;
}

/** What a pure translator cannot know by itself: used where the provider says nothing. */
export interface AnswerHead {
  readonly id: string;
  /** Unix seconds. */
  readonly created: number;
  /** The model name the client asked for. */
  readonly model: string;
}

/** The same, and what the answer is an answer to. */
export interface AnswerFacts extends AnswerHead {
  /** How it was asked, as the request's translator said. */
  readonly asked: Asked;
}

/** What the reader of an answer must know of how it was asked. */
export interface Asked {
  /** Of how many choices the answer is to be; absent: one. */
  readonly choices?: number;
  /** JSON was asked for through this tool: its input is the answer's text. */
  readonly jsonTool?: string;
  /** The provider does not see to it that the text is JSON of this schema, so the gateway does. */
  readonly json?: JsonDemand;
  /** Tool names as they were sent, where they differ from the client's own. */
  readonly toolNames?: ReadonlyMap<string, string>;
  /** The client sent `functions`, so it waits for a `function_call`. */
  readonly legacyFunctions?: boolean;
  /** Whose the reasoning in the answer is, where one dialect is spoken by models of several families. */
  readonly stateFormat?: string;
}

/** The JSON an answer is to be. */
export interface JsonDemand {
  /** Absent: any JSON object. */
  readonly schema?: JsonSchema;
}

/** Nothing that a reader would have to know. */
export const PLAINLY_ASKED: Asked = {};

/** A request in the provider's own words. */
export interface WireRequest {
  /** Below the endpoint's base URL. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** What is not sent, or is sent in another form. */
  readonly changes: readonly ParamChange[];
  readonly asked: Asked;
  /** State of earlier turns is among what is sent. */
  readonly carriesState?: boolean;
}

/** An answer that says by its status that the call has failed. */
export interface WireFailure {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Where frames go as they come. */
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
  /** The answer has begun, though nothing of it may be sent before all of it has been checked. */
  readonly holds?: boolean;
  /** Characters of answer that were read and that no frame has told of; none are left then. */
  takeSaid(): number;
  /** What of the answer must be kept for the next turn; it is all there when the answer is complete. */
  readonly kept?: readonly TurnState[];
}
