import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/catalog.module.js';
import { ProvidersModule } from '../providers/providers.module.js';
import { Explainer } from './explainer.js';
import { ModelRouter } from './model-router.js';
import { RouteTable } from './route-table.js';

@Module({
  imports: [ProvidersModule, CatalogModule],
  providers: [RouteTable, Explainer, ModelRouter],
  exports: [RouteTable, ModelRouter],
})
export class RoutingModule {}
