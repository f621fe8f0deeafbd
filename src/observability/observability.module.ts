import { Module } from '@nestjs/common';
import { AvailabilityModule } from '../availability/availability.module.js';
import { CatalogModule } from '../catalog/catalog.module.js';
import { IntakeModule } from '../http/intake.module.js';
import { LimitsModule } from '../limits/limits.module.js';
import { RoutingModule } from '../routing/routing.module.js';
import { UsageModule } from '../usage/usage.module.js';
import { AdminProvidersController } from './admin-providers.controller.js';
import { GatewayMetrics } from './gateway-metrics.js';
import { Metrics } from './metrics.js';
import { MetricsController } from './metrics.controller.js';
import { ProviderViews } from './provider-views.js';

/** What operators see of the gateway while it runs. */
@Module({
  imports: [RoutingModule, AvailabilityModule, CatalogModule, UsageModule, IntakeModule, LimitsModule],
  controllers: [AdminProvidersController, MetricsController],
  providers: [ProviderViews, GatewayMetrics, Metrics],
})
export class ObservabilityModule {}
