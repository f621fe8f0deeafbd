import { Module } from '@nestjs/common';
import { ModelCatalog } from './model-catalog.js';

/** What models exist. */
@Module({ providers: [ModelCatalog], exports: [ModelCatalog] })
export class CatalogModule {}
