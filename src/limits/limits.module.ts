import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/catalog.module.js';
import { EstimatesModule } from '../estimates/estimates.module.js';
import { Admission } from './admission.js';
import { CutOff } from './cut-off.js';

/** How much keys, teams and models may use. The store it counts in comes from the storage module. */
@Module({
  imports: [CatalogModule, EstimatesModule],
  providers: [Admission, CutOff],
  exports: [Admission, CutOff],
})
export class LimitsModule {}
