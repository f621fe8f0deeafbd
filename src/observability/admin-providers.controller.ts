import { All, Controller, Get, Query, Req } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { Admin } from '../access/admin.decorator.js';
import type { CredentialReport } from '../availability/credential-pool.js';
import type { UpstreamState } from '../availability/upstream-state.js';
import { MethodNotAllowedError } from '../domain/errors.js';
import { refuseOthers, type QueryParameters } from '../http/query.js';
import { statusOf, type ProviderView } from './provider-view.js';
import { ProviderViews } from './provider-views.js';
import { shownAddress } from './shown-address.js';

/** Clients choose the names of models, so there is no end to what may have been called. */
const MOST_TARGETS = 200;

/** How the providers are, for the operator. */
@Admin()
@Controller('admin/providers')
export class AdminProvidersController {
  constructor(private readonly views: ProviderViews) {}

  /** All of them, in the order of the config. */
  @Get()
  list(@Query() query: QueryParameters) {
    refuseOthers(query, []);
    return { object: 'list', data: this.views.all().map(providerBody), has_more: false, next_cursor: null };
  }

  @All()
  refuse(@Req() { method = '' }: IncomingMessage): never {
    throw new MethodNotAllowedError(method, ['GET', 'HEAD']);
  }
}

function providerBody(view: ProviderView) {
  const targets = view.upstreams.slice(0, MOST_TARGETS).toSorted((a, b) => (a.model < b.model ? -1 : 1));
  return {
    name: view.name,
    type: view.endpoint.type,
    base_url: shownAddress(view.endpoint),
    status: statusOf(view),
    models: view.models.size,
    credentials: view.credentials.map(credentialBody),
    targets: targets.map(targetBody),
  };
}

function credentialBody({ shown, status, until, models }: CredentialReport) {
  return { id: shown, status, until: until === undefined ? null : new Date(until).toISOString(), models };
}

function targetBody({ model, breaker, inFlight, gate, firstToken, errorRate }: UpstreamState) {
  return {
    model,
    breaker,
    in_flight: inFlight,
    queued: gate.queued,
    concurrency_limit: gate.limit === Infinity ? null : gate.limit,
    ttft_ms: { p50: rounded(firstToken.percentile(0.5), 1), p95: rounded(firstToken.percentile(0.95), 1) },
    error_rate: rounded(errorRate, 3),
  };
}

const rounded = (value: number | null, digits: number): number | null =>
  value === null ? null : Number(value.toFixed(digits));
