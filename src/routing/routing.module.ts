import { Module } from '@nestjs/common';
import { AvailabilityModule } from '../availability/availability.module.js';
import { CatalogModule } from '../catalog/catalog.module.js';
import { EstimatesModule } from '../estimates/estimates.module.js';
import { LimitsModule } from '../limits/limits.module.js';
import { ProvidersModule } from '../providers/providers.module.js';
import { BoundedPursuits } from './bounded-pursuits.js';
import { RequestEstimates } from './estimate.js';
import { Explainer } from './explainer.js';
import { ModelRouter } from './model-router.js';
import { OpenRequests } from './open-requests.js';
import { Planner } from './plan/planner.js';
import { Hedging } from './pursuit/hedging.js';
import { Pursuits } from './pursuit/pursuits.js';
import { RouteTable } from './route-table.js';

@Module({
  imports: [ProvidersModule, CatalogModule, AvailabilityModule, EstimatesModule, LimitsModule],
  providers: [
    RouteTable,
    RequestEstimates,
    Planner,
    Hedging,
    Explainer,
    OpenRequests,
    Pursuits,
    BoundedPursuits,
    ModelRouter,
  ],
  exports: [RouteTable, Hedging, OpenRequests, ModelRouter],
})
export class RoutingModule {}
