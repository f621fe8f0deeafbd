import { Module } from '@nestjs/common';
import { Dependencies } from './dependencies.js';
import { HealthController } from './health.controller.js';
import { Readiness } from './readiness.js';

/** Liveness and readiness. */
@Module({
  controllers: [HealthController],
  providers: [Readiness, Dependencies],
  exports: [Readiness],
})
export class HealthModule {}
