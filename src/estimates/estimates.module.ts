import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/catalog.module.js';
import { TokenEstimates } from './token-estimates.js';

/** What a request may come to, before anybody has counted. */
@Module({ imports: [CatalogModule], providers: [TokenEstimates], exports: [TokenEstimates] })
export class EstimatesModule {}
