import { Injectable } from '@nestjs/common';
import { Observable } from 'rxjs';
import type { ChatRequest } from '../../domain/chat.js';
import type { ChatAnswer } from '../../domain/chat-answer.js';
import type { Route } from '../../domain/deployment.js';
import type { RequestContext } from '../../domain/request-context.js';
import { OpenRequests } from '../open-requests.js';
import type { Plan, Step } from '../plan/plan.js';
import { Planner, type Refusal } from '../plan/planner.js';
import { deadlineOf } from './deadline.js';
import { Hedging } from './hedging.js';
import { Pursuit, type Journey } from './pursuit.js';

/** Pursues requests along their plans, each until it is answered, its client leaves, or the gateway stops. */
@Injectable()
export class Pursuits {
  constructor(
    private readonly planner: Planner,
    private readonly hedging: Hedging,
    private readonly open: OpenRequests,
  ) {}

  pursue(
    asked: ChatRequest,
    context: RequestContext,
    { plan, route }: { readonly plan: Plan; readonly route: Route },
  ): Observable<ChatAnswer> {
    const journey: Journey = {
      asked,
      context,
      plan,
      deadline: deadlineOf(context, route.total),
      instead: (step, refusal) => this.#instead(asked, [step.route, route], refusal),
    };
    return new Observable((answers) => {
      const pursuit = new Pursuit(journey, this.hedging, answers);
      answers.add(() => pursuit.stop());
      answers.add(
        this.open.track((error) => {
          pursuit.stop(); // first, so that what its calls still say is heard by nobody
          answers.error(error);
        }),
      );
      if (!answers.closed) pursuit.proceed();
    });
  }

  /** The lists of the model that refused, where it has some, else those of the model that was asked for. */
  #instead(asked: ChatRequest, routes: readonly Route[], refusal: Refusal): readonly Step[] {
    for (const route of routes) {
      const steps = this.planner.instead(asked, route, refusal);
      if (steps.length > 0) return steps;
    }
    return [];
  }
}
