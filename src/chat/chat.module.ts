import { Module } from '@nestjs/common';
import { Repeats } from '../repeats/repeats.js';
import { RoutingModule } from '../routing/routing.module.js';
import { UsageModule } from '../usage/usage.module.js';
import { ChatController } from './chat.controller.js';
import { ChatService } from './chat.service.js';

@Module({ imports: [RoutingModule, UsageModule], controllers: [ChatController], providers: [ChatService, Repeats] })
export class ChatModule {}
