import { Injectable } from '@nestjs/common';
import { Availability } from '../availability/availability.js';
import type { UpstreamState } from '../availability/upstream-state.js';
import { RouteTable } from '../routing/route-table.js';
import type { ProviderView } from './provider-view.js';

/** Looks at what the gateway knows of its providers anyway: nothing is counted for those who ask. */
@Injectable()
export class ProviderViews {
  constructor(
    private readonly routes: RouteTable,
    private readonly availability: Availability,
  ) {}

  /** In the order of the config. */
  all(): readonly ProviderView[] {
    const called = byProvider(this.availability.all);
    return this.routes.offers().map(({ name, endpoint, models, routed }) => {
      const states = [...routed.map((deployment) => this.availability.of(deployment)), ...(called.get(name) ?? [])];
      const distinct = new Map(states.map((state) => [state.model, state]));
      const credentials = this.availability.pool(name)?.reports ?? [];
      return { name, endpoint, models, credentials, upstreams: [...distinct.values()] };
    });
  }
}

function byProvider(states: Iterable<UpstreamState>): ReadonlyMap<string, readonly UpstreamState[]> {
  const groups = new Map<string, UpstreamState[]>();
  for (const state of states) {
    const group = groups.get(state.provider);
    if (group === undefined) groups.set(state.provider, [state]);
    else group.push(state);
  }
  return groups;
}
