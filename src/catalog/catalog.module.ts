import { Module } from '@nestjs/common';
import { ModelCatalog } from './model-catalog.js';
import { PriceBook } from './price-book.js';

/** What models exist. */
@Module({ providers: [ModelCatalog, PriceBook], exports: [ModelCatalog, PriceBook] })
export class CatalogModule {}
