import { Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { ChatRequest } from '../domain/chat.js';
import type { Route } from '../domain/deployment.js';
import { clipped, ForbiddenError, InvalidRequestError } from '../domain/errors.js';
import { withFields } from '../domain/json-source.js';
import { mayUse } from '../domain/principal.js';
import type { RequestContext } from '../domain/request-context.js';
import { attemptChat, type ChatAnswer } from './attempt.js';
import { RouteTable } from './route-table.js';

/** Takes a request to a deployment that serves its model. */
@Injectable()
export class ModelRouter {
  constructor(private readonly routes: RouteTable) {}

  /** Throws ModelNotFoundError, ForbiddenError and InvalidRequestError before anything is sent. */
  chat(request: ChatRequest, context: RequestContext): Observable<ChatAnswer> {
    const { principal } = context;
    if (principal !== undefined && !mayUse(principal, request.model)) throw noAccess(request.model);
    const route = this.routes.resolve(request.model);
    const [deployment] = route.deployments;
    const operation = deployment && this.routes.provider(deployment.provider)?.chat;
    if (deployment === undefined || operation === undefined) {
      throw new InvalidRequestError(`The model \`${clipped(request.model)}\` does not serve chat completions.`, {
        param: 'model',
      });
    }
    return attemptChat(operation, withDefaults(request, route), { deployment, context });
  }
}

function noAccess(model: string): ForbiddenError {
  return new ForbiddenError(`This key may not use the model \`${clipped(model)}\`.`, { code: 'model_not_found' });
}

/** The route's defaults, where the client says nothing. */
function withDefaults(request: ChatRequest, { defaults }: Route): ChatRequest {
  const missing = Object.entries(defaults).filter(([field]) => request[field] === undefined || request[field] === null);
  return missing.length === 0 ? request : (withFields(request, new Map(missing)) as ChatRequest);
}
