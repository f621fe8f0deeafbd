import type { ModelFacts } from './model-facts.js';
import type { ParamChange } from './param-change.js';
import type { Secret } from './secret.js';
import type { TokenCounts, Outcome } from './usage.js';

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
}

/** Where a configured provider is and as whom it is called. */
export interface ProviderEndpoint {
  readonly type: string;
  readonly baseUrl: string;
  readonly credentials: readonly Secret[];
  readonly headers: Readonly<Record<string, string>>;
  /** What else the provider's adapter understands: `apiVersion`, `region`, `deployments` … */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** A model name resolved: where it can be called, and what the route adds to a request. */
export interface Route {
  readonly name: string;
  readonly deployments: readonly Deployment[];
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
  usage: TokenCounts | undefined;
  /** What was not sent, or was sent in another form. */
  changes: readonly ParamChange[];
}
