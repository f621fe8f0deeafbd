import { Module } from '@nestjs/common';
import { RoutingModule } from '../routing/routing.module.js';
import { ModelsController } from './models.controller.js';
import { RoutedModels } from './routed-models.js';
import { ServedModels } from './served-models.js';

/** What a key may use. */
@Module({
  imports: [RoutingModule],
  controllers: [ModelsController],
  providers: [{ provide: ServedModels, useClass: RoutedModels }],
})
export class ModelsModule {}
