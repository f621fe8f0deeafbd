import { Injectable } from '@nestjs/common';
import { Observable } from 'rxjs';
import type { ChatRequest } from '../domain/chat.js';
import type { ChatAnswer } from '../domain/chat-answer.js';
import { clipped, ForbiddenError, InvalidRequestError } from '../domain/errors.js';
import { mayUse } from '../domain/principal.js';
import type { RequestContext } from '../domain/request-context.js';
import { Admission, type Admitted } from '../limits/admission.js';
import { CutOff } from '../limits/cut-off.js';
import { Explainer } from './explainer.js';
import { Planner } from './plan/planner.js';
import { Pursuits } from './pursuit/pursuits.js';
import { RouteTable } from './route-table.js';

/** Takes a request to a deployment that serves its model. */
@Injectable()
export class ModelRouter {
  constructor(
    private readonly routes: RouteTable,
    private readonly planner: Planner,
    private readonly explainer: Explainer,
    private readonly admission: Admission,
    private readonly cutOff: CutOff,
    private readonly pursuits: Pursuits,
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
    const { deployment } = chosen;
    const destination = { route, deployment, defaults: chosen.route.defaults };
    if (context.wishes.explain === true)
      return this.explainer.explain(request, context, {
        plan,
        chosen,
        limits: () => this.admission.explain(request, context, destination),
      });
    const pursued = (admitted: Admitted | undefined): Observable<ChatAnswer> => {
      const answers = this.pursuits.pursue(request, context, { plan, route });
      return admitted === undefined ? answers : this.cutOff.follow(answers, request, { context, admitted });
    };
    const admitted = this.admission.admit(request, context, destination);
    return admitted instanceof Promise ? onceAdmitted(admitted, context, pursued) : pursued(admitted);
  }
}

/** A client that leaves while others are asked holds nothing of what is reserved for it then. */
function onceAdmitted(
  admission: Promise<Admitted>,
  context: RequestContext,
  pursued: (admitted: Admitted) => Observable<ChatAnswer>,
): Observable<ChatAnswer> {
  return new Observable((client) => {
    admission.then(
      (admitted) => {
        if (!client.closed) client.add(pursued(admitted).subscribe(client));
        else {
          admitted.reservation.settle({ tokens: 0, costNanoUsd: 0 });
          context.reservation = undefined;
        }
      },
      (error: unknown) => client.error(error),
    );
  });
}

function noAccess(model: string): ForbiddenError {
  return new ForbiddenError(`This key may not use the model \`${clipped(model)}\`.`, { code: 'model_not_found' });
}
