import type { ModelFacts } from './model-facts.js';
import type { ParamChange } from './param-change.js';
import type { Secret } from './secret.js';
import type { LimitTerms } from './limit.js';
import type { Usage } from './chat.js';
import type { Outcome } from './usage.js';

/** The clocks of one call, in milliseconds. `firstToken` runs for streams only. */
export interface Timeouts {
  readonly connect: number;
  readonly firstToken: number;
  readonly idle: number;
  readonly total: number;
}

/** One place a model can be called. The config file calls it a target. */
export interface Deployment {
  /** The provider's name in the config. */
  readonly provider: string;
  /** What the provider calls the model. */
  readonly model: string;
  /** The model whose rules hold, where `model` does not say (an Azure deployment's own name). */
  readonly baseModel: string;
  readonly facts: ModelFacts;
  readonly endpoint: ProviderEndpoint;
  readonly timeouts: Timeouts;
  /** Share of the requests, for the strategy `weighted`. */
  readonly weight: number;
}

/** The name of what is called, whichever route leads there: `openai/gpt-4.1`. */
export const upstreamName = ({ provider, model }: Pick<Deployment, 'provider' | 'model'>): string =>
  `${provider}/${model}`;

/** Where a configured provider is and as whom it is called. */
export interface ProviderEndpoint {
  readonly type: string;
  readonly baseUrl: string;
  readonly credentials: readonly Secret[];
  readonly headers: Readonly<Record<string, string>>;
  /** Calls at a time: to the provider as a whole; `auto`: to each of its models, as many as it answers in good time. */
  readonly concurrency?: number | 'auto';
  /** What else the provider's adapter understands: `apiVersion`, `region`, `deployments` … */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** How the first deployment of a request is chosen; the others follow in the same order. */
export type Strategy = 'priority' | 'weighted' | 'least-busy' | 'latency' | 'cost';

/** Model names to turn to, each list in its order. */
export interface Fallbacks {
  /** When all deployments of the route fail. */
  readonly failure: readonly string[];
  /** When the conversation is too long for the model. */
  readonly contextWindow: readonly string[];
  /** When a content policy refuses the request. */
  readonly contentPolicy: readonly string[];
}

/** A second deployment may be started where the first is slow to its first token; the faster one is the answer. */
export interface Hedge {
  /** Of the route's streams, the share that may be hedged; 0.05 is one in twenty. */
  readonly maxShare: number;
  /** What hedges may come to in an hour, by estimate. A model without a price is then not hedged with. */
  readonly maxUsdPerHour?: number;
}

/** A model name resolved: where it can be called, and what the route adds to a request. */
export interface Route {
  readonly name: string;
  readonly deployments: readonly Deployment[];
  readonly strategy: Strategy;
  /** Further attempts at one deployment. */
  readonly retries: number;
  readonly fallbacks: Fallbacks;
  /** Milliseconds for the whole request, all attempts together. */
  readonly total: number;
  readonly hedge?: Hedge;
  /** What all who ask for this name may use together. */
  readonly limits?: LimitTerms;
  /** Request fields used where the client says nothing. */
  readonly defaults: Readonly<Record<string, unknown>>;
}

/** One call to one deployment, as it goes on. Times are `performance.now()` milliseconds. */
export interface UpstreamAttempt {
  readonly deployment: Deployment;
  readonly startedAt: number;
  /** When the provider's first event or its whole answer had arrived. */
  answeredAt: number | undefined;
  endedAt: number | undefined;
  outcome: Outcome | undefined;
  status: number | undefined;
  errorCode: string | null;
  /** Why it failed, for the operator's eyes alone. */
  reason?: string | undefined;
  /** As the provider told it; of a stream under way, as far as it has. */
  usage: Usage | undefined;
  /** As which the provider billed it, where it said so. */
  serviceTier?: string | undefined;
  /** Characters of answer that came: text, reasoning and arguments. */
  said: number;
  /** It failed before the provider had got anything of it. */
  neverSent?: boolean;
  /** What was not sent, or was sent in another form. */
  changes: readonly ParamChange[];
}
