import { Module } from '@nestjs/common';
import { TokenEstimates } from './token-estimates.js';

/** What a request may come to, before anybody has counted. */
@Module({ providers: [TokenEstimates], exports: [TokenEstimates] })
export class EstimatesModule {}
