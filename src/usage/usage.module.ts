import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/catalog.module.js';
import { EstimatesModule } from '../estimates/estimates.module.js';
import { RefusalAccount } from '../http/refusal-account.js';
import { RefusalRecorder } from './refusal-recorder.js';
import { RequestAccounts } from './request-accounts.js';
import { RequestsUnderWay } from './requests-under-way.js';
import { LimitsModule } from '../limits/limits.module.js';
import { AdminRequestsController } from './admin-requests.controller.js';
import { AdminUsageController } from './admin-usage.controller.js';
import { Retention } from './retention.js';
import { UsageController } from './usage.controller.js';
import { UsageInterceptor } from './usage.interceptor.js';
import { UsageRecorder } from './usage-recorder.js';

/** What every key used. The store it writes to comes from the storage module. */
@Module({
  imports: [CatalogModule, EstimatesModule, LimitsModule],
  controllers: [UsageController, AdminRequestsController, AdminUsageController],
  providers: [
    UsageRecorder,
    Retention,
    RequestAccounts,
    RequestsUnderWay,
    UsageInterceptor,
    { provide: RefusalAccount, useClass: RefusalRecorder },
  ],
  // With what the interceptor needs: Nest makes it anew in every module whose controller uses it.
  exports: [UsageRecorder, RequestAccounts, RequestsUnderWay, UsageInterceptor, RefusalAccount],
})
export class UsageModule {}
