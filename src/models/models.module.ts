import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/catalog.module.js';
import { RoutingModule } from '../routing/routing.module.js';
import { ModelsController } from './models.controller.js';
import { RoutedModels } from './routed-models.js';
import { ServedModels } from './served-models.js';

/** What a key may use. */
@Module({
  imports: [RoutingModule, CatalogModule],
  controllers: [ModelsController],
  providers: [{ provide: ServedModels, useClass: RoutedModels }],
})
export class ModelsModule {}
