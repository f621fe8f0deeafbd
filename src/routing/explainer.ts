import { Injectable } from '@nestjs/common';
import { Observable } from 'rxjs';
import type { ChatRequest } from '../domain/chat.js';
import type { Deployment, Route } from '../domain/deployment.js';
import { InvalidRequestError } from '../domain/errors.js';
import type { ExplainedParam, Explanation } from '../domain/explanation.js';
import type { ParamChange } from '../domain/param-change.js';
import type { RequestContext } from '../domain/request-context.js';
import type { ChatOperation, UpstreamCall, UpstreamRequest } from '../providers/provider.js';
import { Admission } from '../limits/admission.js';
import { destinationOf } from './bounded-pursuits.js';
import { RequestEstimates } from './estimate.js';
import type { Plan, Step } from './plan/plan.js';
import { startAttempt, upstreamCall } from './pursuit/attempt.js';
import { Cancellation } from './pursuit/cancellation.js';
import { completed } from './pursuit/defaults.js';
import { secretsOf, shownRequest } from './shown-request.js';

/** Tells what would become of a request, for clients that ask with `x-parley-explain`. Sends nothing to the provider. */
@Injectable()
export class Explainer {
  constructor(
    private readonly estimates: RequestEstimates,
    private readonly admission: Admission,
  ) {}

  explain(asked: ChatRequest, context: RequestContext, planned: Planned): Observable<Explanation> {
    return new Observable((answers) => {
      const cancellation = new Cancellation();
      this.#explanation({ asked, context, ...planned }, cancellation).then(
        (explanation) => {
          answers.next(explanation);
          answers.complete();
        },
        (error: unknown) => answers.error(error),
      );
      return () => cancellation.cancel();
    });
  }

  async #explanation(question: Question, cancellation: Cancellation): Promise<Explanation> {
    const { asked, context, plan, chosen, route } = question;
    const { deployment, operation, upstream } = chosen;
    const { request, defaulted } = completed(asked, chosen.route);
    const credential = upstream.choose(new Set())?.secret;
    // The attempt is noted nowhere, as none is made.
    const served = { record: startAttempt(deployment), flow: context.flow, cancellation };
    const call = upstreamCall({ deployment, credential, context, defaulted }, served);
    const outcome = await translated(operation, request, call);
    const secrets = secretsOf(deployment.endpoint);
    return {
      object: 'explanation',
      model: asked.model,
      plan: planned(plan, chosen),
      upstream_request: outcome.sent === undefined ? null : shownRequest(outcome.sent, secrets),
      params: params(asked, { deployment, changes: call.attempt.changes, ...outcome }),
      estimate: this.estimates.of(request, deployment),
      limits: await this.admission.explain(asked, context, destinationOf(route, chosen)),
    };
  }
}

/** Where a request would go. */
export interface Planned {
  readonly plan: Plan;
  /** Its first step. */
  readonly chosen: Step;
  /** Of the name that was asked for. */
  readonly route: Route;
}

interface Question extends Planned {
  readonly asked: ChatRequest;
  readonly context: RequestContext;
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

/** Deployments stand in the order in which they are tried; after those, the ones that are not. */
function planned({ steps, others }: Plan, chosen: Step): Explanation['plan'] {
  const reasons = new Map(others.map(({ step, reason }) => [step, reason]));
  const all = [...steps, ...others.map(({ step }) => step).filter((step) => !steps.includes(step))];
  return all.map((step) => {
    const { provider, model } = step.deployment;
    const reason = reasons.get(step);
    return { provider, model, chosen: step === chosen, ...(reason && { reason }) };
  });
}

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
