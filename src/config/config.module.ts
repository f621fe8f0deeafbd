import { type DynamicModule, Module } from '@nestjs/common';
import type { Config } from './config.js';
import { ConfigReloader } from './config-reloader.js';
import { LiveConfig } from './live-config.js';
import type { ConfigSource } from './load-config.js';

/** The config, everywhere: `LiveConfig` for what is in force, `ConfigReloader` to load it again. */
@Module({})
export class ConfigModule {
  /** `config` is what `source` gave at the start; `source` is where changes are looked for. */
  static forRoot(config: Config, source: ConfigSource): DynamicModule {
    return {
      module: ConfigModule,
      global: true,
      providers: [
        { provide: LiveConfig, useFactory: () => new LiveConfig(config) },
        {
          provide: ConfigReloader,
          useFactory: (live: LiveConfig) => new ConfigReloader(live, source),
          inject: [LiveConfig],
        },
      ],
      exports: [LiveConfig, ConfigReloader],
    };
  }
}
