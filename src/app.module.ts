import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { AccessModule } from './access/access.module.js';
import { ApiKeyGuard } from './access/api-key.guard.js';
import { ChatModule } from './chat/chat.module.js';
import type { Config } from './config/config.js';
import { ConfigModule } from './config/config.module.js';
import type { ConfigSource } from './config/load-config.js';
import { DocsModule } from './docs/docs.module.js';
import { HealthModule } from './health/health.module.js';
import { BodyPipe } from './http/body.pipe.js';
import { BodyReader } from './http/body-reader.js';
import { IntakeModule } from './http/intake.module.js';
import { OpenAiErrorFilter } from './http/openai-error.filter.js';
import { RequestLog } from './http/request-log.js';
import { RequestMiddleware } from './http/request.middleware.js';
import { ModelsModule } from './models/models.module.js';
import { AccessLog } from './observability/access-log.js';
import { ObservabilityModule } from './observability/observability.module.js';
import { StorageModule } from './storage/storage.module.js';
import { UsageModule } from './usage/usage.module.js';

/** The composition root: every module, and every global enhancer in the order in which it runs. */
@Module({})
export class AppModule {
  static forRoot(config: Config, source: ConfigSource): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(config, source),
        StorageModule.forRoot(config),
        ChatModule, // first of those with routes: Express tries them in order, and this one is on the hot path
        AccessModule,
        ModelsModule,
        UsageModule,
        IntakeModule,
        ObservabilityModule,
        HealthModule,
        DocsModule,
      ],
      providers: [
        RequestMiddleware, // outermost: context, headers of every answer, access log
        { provide: RequestLog, useClass: AccessLog },
        { provide: APP_GUARD, useExisting: ApiKeyGuard }, // who is calling
        { provide: APP_GUARD, useClass: BodyReader }, // only then is the body taken in
        { provide: APP_PIPE, useClass: BodyPipe }, // is it well formed
        { provide: APP_FILTER, useClass: OpenAiErrorFilter }, // whatever failed, in OpenAI's shape
      ],
    };
  }
}
