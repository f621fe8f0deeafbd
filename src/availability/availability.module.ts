import { Module } from '@nestjs/common';
import { Availability } from './availability.js';

/** What upstreams can take now. Its port `BreakerNews` is made real by the storage. */
@Module({ providers: [Availability], exports: [Availability] })
export class AvailabilityModule {}
