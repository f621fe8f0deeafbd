import { Injectable } from '@nestjs/common';
import { Observable } from 'rxjs';
import { ModelCatalog } from '../catalog/model-catalog.js';
import type { ChatRequest } from '../domain/chat.js';
import type { Deployment, Route } from '../domain/deployment.js';
import { InvalidRequestError } from '../domain/errors.js';
import type { ExplainedParam, Explanation } from '../domain/explanation.js';
import type { ParamChange } from '../domain/param-change.js';
import type { ChatOperation, UpstreamCall, UpstreamRequest } from '../providers/provider.js';
import { startAttempt, upstreamCall, type AttemptPlace } from './attempt.js';
import { Cancellation } from './cancellation.js';
import { estimate } from './estimate.js';
import { secretsOf, shownRequest } from './shown-request.js';

/** A request on its way to a deployment. */
export interface Journey {
  /** As its client wrote it. */
  readonly asked: ChatRequest;
  /** With the route's defaults. */
  readonly request: ChatRequest;
  readonly route: Route;
  readonly operation: ChatOperation;
  readonly place: AttemptPlace;
}

/** Tells what would become of a request, for clients that ask with `x-parley-explain`. Sends nothing to the provider. */
@Injectable()
export class Explainer {
  constructor(private readonly catalog: ModelCatalog) {}

  explain(journey: Journey): Observable<Explanation> {
    return new Observable((answers) => {
      const cancellation = new Cancellation();
      this.#explanation(journey, cancellation).then(
        (explanation) => {
          answers.next(explanation);
          answers.complete();
        },
        (error: unknown) => answers.error(error),
      );
      return () => cancellation.cancel();
    });
  }

  async #explanation(journey: Journey, cancellation: Cancellation): Promise<Explanation> {
    const { asked, request, route, operation, place } = journey;
    const { deployment, context } = place;
    // The attempt is noted nowhere, as none is made.
    const call = upstreamCall(place, startAttempt(deployment), cancellation);
    const outcome = await translated(operation, request, call);
    const { type } = deployment.endpoint;
    const secrets = secretsOf(deployment.endpoint);
    const price = this.catalog.price(type, deployment.baseModel, context.receivedAt);
    return {
      object: 'explanation',
      model: asked.model,
      plan: planned(route, deployment),
      upstream_request: outcome.sent === undefined ? null : shownRequest(outcome.sent, secrets),
      params: params(asked, { deployment, changes: call.attempt.changes, ...outcome }),
      estimate: estimate(request, this.catalog.find(type, deployment.baseModel), price),
      limits: [],
    };
  }
}

interface Translated {
  readonly sent?: UpstreamRequest;
  readonly refusal?: InvalidRequestError;
}

/** A parameter that is refused is what the client wants to know, and no failure. */
async function translated(operation: ChatOperation, request: ChatRequest, call: UpstreamCall): Promise<Translated> {
  try {
    const sent = await operation.explain?.(request, call);
    return { ...(sent && { sent }) };
  } catch (error) {
    if (error instanceof InvalidRequestError && error.param !== null) return { refusal: error };
    throw error;
  }
}

/** Deployments stand in the order in which they are tried. */
const planned = ({ deployments }: Route, chosen: Deployment): Explanation['plan'] =>
  deployments.map((deployment) => ({
    provider: deployment.provider,
    model: deployment.model,
    chosen: deployment === chosen,
    ...(deployment !== chosen && { reason: 'lower_priority' }),
  }));

interface Treatment extends Translated {
  readonly deployment: Deployment;
  readonly changes: readonly ParamChange[];
}

/** Each parameter once in the client's order, then what lies below them. */
function params(asked: ChatRequest, treatment: Treatment): readonly ExplainedParam[] {
  const told = new Map<string, ExplainedParam>(treatment.changes.map((change) => [change.path, change]));
  const { refusal } = treatment;
  if (refusal !== undefined && refusal.param !== null)
    told.set(refusal.param, { path: refusal.param, treatment: 'refused', reason: refusal.message });
  const fields = Object.keys(asked);
  const top = fields.map((path) => told.get(path) ?? unchanged(path, asked, treatment));
  const known = new Set(fields);
  return [...top, ...[...told.values()].filter(({ path }) => !known.has(path))];
}

function unchanged(path: string, asked: ChatRequest, { deployment, sent }: Treatment): ExplainedParam {
  if (path === 'model' && asked.model !== deployment.model)
    return { path, treatment: 'adapted', to: deployment.model, reason: "the provider's own name of the model" };
  const body = sent?.body;
  const isGone = sent !== undefined && !(typeof body === 'object' && body !== null && Object.hasOwn(body, path));
  if (asked[path] === null && isGone) return { path, treatment: 'dropped', reason: 'null is the same as absence' };
  return { path, treatment: 'forwarded' };
}
