import type { UpstreamState } from '../../availability/upstream-state.js';
import type { Deployment, Route } from '../../domain/deployment.js';
import type { ChatOperation } from '../../providers/provider.js';

/** A deployment that a request may be taken to, by way of the route that names it. */
export interface Step {
  readonly deployment: Deployment;
  readonly route: Route;
  readonly operation: ChatOperation;
  readonly upstream: UpstreamState;
}

/** Why a deployment would not be called first; `no_…`: the request needs what the model does not have. */
export type Reason =
  | 'lower_priority'
  | 'not_drawn'
  | 'busier'
  | 'slower'
  | 'costlier'
  | 'fallback'
  | 'breaker_open'
  | 'credentials_shelved'
  | 'rate_limited'
  | 'at_capacity'
  | 'context_too_small'
  | 'no_tools'
  | 'no_vision'
  | 'no_audio'
  | 'no_pdf'
  | 'no_json_schema';

/** Where a request is taken, in this order. */
export interface Plan {
  readonly steps: readonly Step[];
  /** All but the first, those included that are left out, and why each is not the first. */
  readonly others: readonly { readonly step: Step; readonly reason: Reason }[];
}
