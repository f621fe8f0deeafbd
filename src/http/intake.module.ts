import { Module } from '@nestjs/common';
import { EventLoopDelay } from './event-loop-delay.js';
import { Intake } from './intake.js';

/** How busy the gateway itself is. */
@Module({ providers: [EventLoopDelay, Intake], exports: [EventLoopDelay, Intake] })
export class IntakeModule {}
