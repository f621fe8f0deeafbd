import { Injectable } from '@nestjs/common';
import { Observable } from 'rxjs';
import type { ChatAnswer } from '../domain/chat-answer.js';
import type { ChatRequest } from '../domain/chat.js';
import type { Route } from '../domain/deployment.js';
import type { RequestContext } from '../domain/request-context.js';
import { Admission, type Admitted, type Destination } from '../limits/admission.js';
import { CutOff } from '../limits/cut-off.js';
import type { Plan, Step } from './plan/plan.js';
import { Pursuits } from './pursuit/pursuits.js';

/** A request on its way, and the limits that it has to keep to. */
@Injectable()
export class BoundedPursuits {
  constructor(
    private readonly admission: Admission,
    private readonly cutOff: CutOff,
    private readonly pursuits: Pursuits,
  ) {}

  /** Throws RateLimitError and QuotaError, or fails with them, before anything is sent. */
  pursue(
    request: ChatRequest,
    context: RequestContext,
    { plan, route, chosen }: { readonly plan: Plan; readonly route: Route; readonly chosen: Step },
  ): Observable<ChatAnswer> {
    const pursued = (admitted: Admitted | undefined): Observable<ChatAnswer> => {
      const answers = this.pursuits.pursue(request, context, { plan, route });
      return admitted === undefined ? answers : this.cutOff.follow(answers, request, { context, admitted });
    };
    const admitted = this.admission.admit(request, context, destinationOf(route, chosen));
    return admitted instanceof Promise ? onceAdmitted(admitted, context, pursued) : pursued(admitted);
  }
}

/** `route`: of the name that was asked for, which need not be the one that leads to the step. */
export const destinationOf = (route: Route, { deployment, route: { defaults } }: Step): Destination => ({
  route,
  deployment,
  defaults,
});

/** A client that leaves while others are asked holds nothing of what is reserved for it then. */
function onceAdmitted(
  admission: Promise<Admitted>,
  context: RequestContext,
  pursued: (admitted: Admitted) => Observable<ChatAnswer>,
): Observable<ChatAnswer> {
  return new Observable((client) => {
    admission
      .then((admitted) => {
        if (!client.closed) return void client.add(pursued(admitted).subscribe(client));
        admitted.reservation.settle({ tokens: 0, costNanoUsd: 0 });
        context.reservation = undefined;
      })
      .catch((error: unknown) => client.error(error)); // a refusal, or a fault in what came after
  });
}
