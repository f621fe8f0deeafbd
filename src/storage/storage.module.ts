import { type DynamicModule, Module } from '@nestjs/common';
import { join } from 'node:path';
import { VirtualKeyStore } from '../access/virtual-key.store.js';
import { BreakerNews, NoBreakerNews } from '../availability/breaker-news.js';
import type { Config } from '../config/config.js';
import { TurnStateStore } from '../turn-state/turn-state.store.js';
import { UsageStore } from '../usage/usage.store.js';
import { KyselyTurnStateStore } from './sql/kysely-turn-state.store.js';
import { KyselyUsageStore } from './sql/kysely-usage.store.js';
import { KyselyVirtualKeyStore } from './sql/kysely-virtual-key.store.js';
import { SqlDatabase } from './sql/sql-database.js';
import { openSqlite } from './sql/sqlite.js';
import { StorageHealth } from './storage-health.js';

/** The ports to what is kept: in PostgreSQL where the config names one, else in `<dataDir>/parley.db`. */
@Module({})
export class StorageModule {
  static forRoot({ database, dataDir }: Pick<Config, 'database' | 'dataDir'>): DynamicModule {
    return {
      module: StorageModule,
      global: true,
      providers: [
        {
          provide: SqlDatabase,
          useFactory: async () => {
            if (database.url === undefined) return openSqlite(join(dataDir, 'parley.db'));
            const { openPostgres } = await import('./sql/postgres.js'); // its driver is only loaded where it is used
            return openPostgres(database.url);
          },
        },
        {
          provide: VirtualKeyStore,
          inject: [SqlDatabase],
          useFactory: (opened: SqlDatabase) => new KyselyVirtualKeyStore(opened),
        },
        {
          provide: UsageStore,
          inject: [SqlDatabase],
          useFactory: (opened: SqlDatabase) => new KyselyUsageStore(opened),
        },
        {
          provide: TurnStateStore,
          inject: [SqlDatabase],
          useFactory: (opened: SqlDatabase) => new KyselyTurnStateStore(opened),
        },
        { provide: BreakerNews, useClass: NoBreakerNews },
        StorageHealth,
      ],
      exports: [VirtualKeyStore, UsageStore, TurnStateStore, BreakerNews, StorageHealth],
    };
  }
}
