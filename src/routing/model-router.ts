import { Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { ChatRequest } from '../domain/chat.js';
import type { Route } from '../domain/deployment.js';
import { clipped, ForbiddenError, InvalidRequestError } from '../domain/errors.js';
import { withFields } from '../domain/json-source.js';
import { mayUse } from '../domain/principal.js';
import type { RequestContext } from '../domain/request-context.js';
import { attemptChat, type ChatAnswer } from './attempt.js';
import { Explainer } from './explainer.js';
import { OpenRequests } from './open-requests.js';
import { RouteTable } from './route-table.js';

/** Takes a request to a deployment that serves its model. */
@Injectable()
export class ModelRouter {
  constructor(
    private readonly routes: RouteTable,
    private readonly explainer: Explainer,
    private readonly open: OpenRequests,
  ) {}

  /** Throws ModelNotFoundError, ForbiddenError and InvalidRequestError before anything is sent. */
  chat(request: ChatRequest, context: RequestContext): Observable<ChatAnswer> {
    const { principal } = context;
    if (principal !== undefined && !mayUse(principal, request.model)) throw noAccess(request.model);
    const route = this.routes.resolve(request.model, (name) => principal === undefined || mayUse(principal, name));
    const [deployment] = route.deployments;
    const operation = deployment && this.routes.provider(deployment.provider)?.chat;
    if (deployment === undefined || operation === undefined) {
      throw new InvalidRequestError(`The model \`${clipped(request.model)}\` does not serve chat completions.`, {
        param: 'model',
      });
    }
    const defaults = missingDefaults(request, route);
    const completed = defaults.size === 0 ? request : (withFields(request, defaults) as ChatRequest);
    const place = { deployment, context, defaulted: new Set(defaults.keys()) };
    if (context.wishes.explain === true)
      return this.explainer.explain({ asked: request, request: completed, route, operation, place });
    return this.open.watch(attemptChat(operation, completed, place));
  }
}

function noAccess(model: string): ForbiddenError {
  return new ForbiddenError(`This key may not use the model \`${clipped(model)}\`.`, { code: 'model_not_found' });
}

/** Two names of one limit: where the client gave the one, it has spoken of both. */
const TOKEN_LIMITS = ['max_tokens', 'max_completion_tokens'];

/** The route's defaults, where the client says nothing. */
function missingDefaults(request: ChatRequest, { defaults }: Route): ReadonlyMap<string, unknown> {
  const isLimited = TOKEN_LIMITS.some((limit) => request[limit] != null);
  const isSpoken = (field: string) => request[field] != null || (isLimited && TOKEN_LIMITS.includes(field));
  return new Map(Object.entries(defaults).filter(([field]) => !isSpoken(field)));
}
