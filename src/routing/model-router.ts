import { Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { ChatRequest } from '../domain/chat.js';
import type { ChatAnswer } from '../domain/chat-answer.js';
import { clipped, ForbiddenError, InvalidRequestError } from '../domain/errors.js';
import { mayUse } from '../domain/principal.js';
import type { RequestContext } from '../domain/request-context.js';
import { BoundedPursuits } from './bounded-pursuits.js';
import { Explainer } from './explainer.js';
import { Planner } from './plan/planner.js';
import { RouteTable } from './route-table.js';

/** Takes a request to a deployment that serves its model. */
@Injectable()
export class ModelRouter {
  constructor(
    private readonly routes: RouteTable,
    private readonly planner: Planner,
    private readonly explainer: Explainer,
    private readonly pursuits: BoundedPursuits,
  ) {}

  /** Throws ModelNotFoundError, ForbiddenError, InvalidRequestError, RateLimitError and QuotaError before anything is sent. */
  chat(request: ChatRequest, context: RequestContext): Observable<ChatAnswer> {
    const { principal } = context;
    if (principal !== undefined && !mayUse(principal, request.model)) throw noAccess(request.model);
    const route = this.routes.resolve(request.model, (name) => principal === undefined || mayUse(principal, name));
    const plan = this.planner.plan(request, route);
    const [chosen] = plan.steps;
    if (chosen === undefined) {
      throw new InvalidRequestError(`The model \`${clipped(request.model)}\` does not serve chat completions.`, {
        param: 'model',
      });
    }
    if (context.wishes.explain === true) return this.explainer.explain(request, context, { plan, chosen, route });
    return this.pursuits.pursue(request, context, { plan, chosen, route });
  }
}

function noAccess(model: string): ForbiddenError {
  return new ForbiddenError(`This key may not use the model \`${clipped(model)}\`.`, { code: 'model_not_found' });
}
