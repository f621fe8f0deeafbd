import { Injectable } from '@nestjs/common';
import { Availability } from '../../availability/availability.js';
import { ModelCatalog } from '../../catalog/model-catalog.js';
import type { ChatRequest } from '../../domain/chat.js';
import type { Route } from '../../domain/deployment.js';
import { promptSize } from '../../estimates/prompt-size.js';
import { RequestEstimates } from '../estimate.js';
import { RouteTable } from '../route-table.js';
import { needsOf, unfitFor } from './needs.js';
import { BEHIND, ordered } from './order.js';
import type { Plan, Reason, Step } from './plan.js';

/** The lists of models that a refusal leads to. */
export type Refusal = 'contextWindow' | 'contentPolicy';

/** Decides where a request may be taken, and in which order. Calls nobody. */
@Injectable()
export class Planner {
  constructor(
    private readonly routes: RouteTable,
    private readonly availability: Availability,
    private readonly catalog: ModelCatalog,
    private readonly estimates: RequestEstimates,
  ) {}

  /**
   * The deployments of the route, then those of its fallbacks; no steps: none of them serves chat. One that cannot
   * serve the request, or whose breaker is open, is left out, but never the last one.
   */
  plan(request: ChatRequest, route: Route): Plan {
    const routes = [route, ...this.#named(route.fallbacks.failure)];
    const steps = routes.flatMap((each) => this.#steps(each, request));
    const [only] = steps;
    if (only === undefined || steps.length + route.fallbacks.contextWindow.length === 1) return { steps, others: [] };
    return this.#plan(steps, request, () => this.instead(request, route, 'contextWindow'));
  }

  /** Where the request goes once it was refused: to the models that the route names for that. */
  instead(request: ChatRequest, route: Route, refusal: Refusal): readonly Step[] {
    const steps = this.#named(route.fallbacks[refusal]).flatMap((each) => this.#steps(each, request));
    return steps.length === 0 ? steps : this.#plan(steps, request).steps;
  }

  /** `roomier`: for a prompt that fits none of the steps. */
  #plan(steps: readonly Step[], request: ChatRequest, roomier: () => readonly Step[] = () => []): Plan {
    const hindrances = this.#hindrances(steps, request);
    const free = steps.filter((step) => !hindrances.has(step));
    const later = steps.filter((step) => CALLED_LAST.has(hindrances.get(step)));
    const usable = [...free, ...later];
    if (usable.length === 0) return this.#lastResort(steps, hindrances, roomier);
    const [first] = usable;
    const reasonOf = (step: Step): Reason =>
      hindrances.get(step) ?? (step.route === first?.route ? BEHIND[step.route.strategy] : 'fallback');
    const others = steps.filter((step) => step !== first).map((step) => ({ step, reason: reasonOf(step) }));
    return { steps: usable, others };
  }

  /** Somebody is always asked: one that is down before one that lacks something, as it may be up again. */
  #lastResort(steps: readonly Step[], hindrances: ReadonlyMap<Step, Reason>, roomier: () => readonly Step[]): Plan {
    const larger = steps.every((step) => hindrances.get(step) === 'context_too_small') ? roomier() : [];
    if (larger.length > 0) return { steps: larger, others: withReasons(steps, hindrances) };
    const chosen = steps.find((step) => PASSING.has(hindrances.get(step))) ?? steps[0];
    const others = steps.filter((step) => step !== chosen);
    return { steps: chosen === undefined ? [] : [chosen], others: withReasons(others, hindrances) };
  }

  /** What keeps a request from a deployment, now or for good. */
  #hindrances(steps: readonly Step[], request: ChatRequest): ReadonlyMap<Step, Reason> {
    const needs = needsOf(request);
    const now = performance.now();
    const found = new Map<Step, Reason>();
    for (const step of steps) {
      const { endpoint, baseModel } = step.deployment;
      const reason = unfitFor(needs, this.catalog.find(endpoint.type, baseModel)) ?? hindranceNow(step, now);
      if (reason !== undefined) found.set(step, reason);
    }
    return found;
  }

  #named(names: readonly string[]): readonly Route[] {
    return names.flatMap((name) => this.routes.lookUp(name) ?? []);
  }

  #steps(route: Route, request: ChatRequest): readonly Step[] {
    const steps: Step[] = [];
    for (const deployment of route.deployments) {
      const operation = this.routes.provider(deployment.provider)?.chat;
      if (operation !== undefined)
        steps.push({ deployment, route, operation, upstream: this.availability.of(deployment) });
    }
    const isStream = request.stream === true;
    let size: number | undefined;
    return ordered(steps, route.strategy, {
      isStream,
      random: Math.random,
      cost: ({ deployment }) => this.estimates.cost(request, (size ??= promptSize(request)), deployment),
    });
  }
}

/**
 * Limits pass by themselves, and soon: worth waiting for where nobody else is left. A schema that the provider does not
 * take is asked for in words, and the answer is checked.
 */
const CALLED_LAST: ReadonlySet<Reason | undefined> = new Set<Reason>(['rate_limited', 'at_capacity', 'no_json_schema']);

/** Calls may be in vain now, and not for good. */
const PASSING: ReadonlySet<Reason | undefined> = new Set<Reason>(['breaker_open', 'credentials_shelved']);

function hindranceNow({ upstream }: Step, now: number): Reason | undefined {
  if (upstream.isCallable(now)) return upstream.gate.isFull ? 'at_capacity' : undefined;
  if (upstream.isResting(now)) return 'rate_limited';
  return upstream.breaker === 'closed' ? 'credentials_shelved' : 'breaker_open';
}

const withReasons = (steps: readonly Step[], reasons: ReadonlyMap<Step, Reason>): Plan['others'] =>
  steps.map((step) => ({ step, reason: reasons.get(step) ?? 'fallback' }));
