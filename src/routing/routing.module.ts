import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/catalog.module.js';
import { ProvidersModule } from '../providers/providers.module.js';
import { Explainer } from './explainer.js';
import { ModelRouter } from './model-router.js';
import { OpenRequests } from './open-requests.js';
import { RouteTable } from './route-table.js';

@Module({
  imports: [ProvidersModule, CatalogModule],
  providers: [RouteTable, Explainer, OpenRequests, ModelRouter],
  exports: [RouteTable, OpenRequests, ModelRouter],
})
export class RoutingModule {}
