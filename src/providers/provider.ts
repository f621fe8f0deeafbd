import { DiscoveryService } from '@nestjs/core';
import type { Observable } from 'rxjs';
import type { ChatCompletion, ChatRequest } from '../domain/chat.js';
import type { ChatFrame } from '../domain/chat-frame.js';
import type { Deployment, UpstreamAttempt } from '../domain/deployment.js';
import type { Flow } from '../domain/flow.js';
import type { Secret } from '../domain/secret.js';

/** Someone who serves models. It offers the operations it has; an operation it lacks is absent. */
export interface Provider {
  /** Where it is when the config does not say; null: the config must say; '': it opens no connection. */
  readonly baseUrl: string | null;
  readonly chat?: ChatOperation;
  /** The models it has; absent: those the catalogue gives to its type. */
  readonly models?: readonly string[];
  /** Its models have names that the operator gave them: those of the setting `deployments` are offered, and no others. */
  readonly ownNames?: boolean;
  /** Whose the models are, where that is not the type's own name. */
  readonly ownedBy?: string;
}

/** Chat completions, as one provider serves them. */
export interface ChatOperation {
  /** One answer. The returned object goes to the client as it is. */
  complete(request: ChatRequest, call: UpstreamCall): Promise<ChatCompletion>;
  /** The frames of a stream in order; it ends the upstream call when unsubscribed from. `[DONE]` is not a frame. */
  stream(request: ChatRequest, call: UpstreamCall): Observable<ChatFrame>;
  /** The request as it would be sent. Nothing is sent; the changes are noted on the attempt. Absent: it sends none. */
  explain?(request: ChatRequest, call: UpstreamCall): Promise<UpstreamRequest>;
  /** Parameters of OpenAI's that are refused or dropped for the model there. Absent: none. */
  refuses?(deployment: Deployment): readonly string[];
}

/** What would be sent, for `x-parley-explain`. Its headers hold credentials: whoever shows it masks them. */
export interface UpstreamRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** What a provider may know about the call it serves, and no more. */
export interface UpstreamCall {
  /** The virtual key that asks: what is kept between its turns is no other's. */
  readonly keyId: string | undefined;
  readonly deployment: Deployment;
  readonly credential: Secret | undefined;
  /** Refuse what cannot be honoured instead of dropping or adapting it. */
  readonly strict: boolean;
  /** Top-level fields of the request that are the operator's defaults and not the client's words. */
  readonly defaulted?: ReadonlySet<string>;
  /** Called once if the call is to end before its answer has. */
  onCancel(stop: () => void): void;
  /** The same as a signal, for what wants one; it is made when first asked for. */
  readonly signal: AbortSignal;
  /** Where the adapter notes what it dropped and adapted, and when the answer came. */
  readonly attempt: UpstreamAttempt;
  readonly flow: Flow;
}

/** Marks an injectable as the adapter of one provider type; the registry finds it by this mark. */
export const ProviderAdapter = DiscoveryService.createDecorator<string>();
