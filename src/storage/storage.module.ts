import { type DynamicModule, type InjectionToken, Module, type Provider } from '@nestjs/common';
import { join } from 'node:path';
import { TeamStore } from '../access/teams/team.store.js';
import { VirtualKeyStore } from '../access/virtual-key.store.js';
import { BreakerNews, NoBreakerNews } from '../availability/breaker-news.js';
import type { Config } from '../config/config.js';
import type { Secret } from '../domain/secret.js';
import { LimitStore } from '../limits/limit-store.js';
import { MemoryLimitStore } from '../limits/memory-limit.store.js';
import { SpentBefore } from '../limits/spent-before.js';
import { TurnStateStore } from '../turn-state/turn-state.store.js';
import { ExpiredUsage } from '../usage/expired-usage.js';
import { UsageLog } from '../usage/usage-log.js';
import { UsageStore } from '../usage/usage.store.js';
import { RedisBreakerNews } from './redis/redis-breaker-news.js';
import { RedisLimitStore } from './redis/redis-limit.store.js';
import { RedisServer } from './redis/redis-server.js';
import { KyselyTeamStore } from './sql/kysely-team.store.js';
import { KyselyExpiredUsage } from './sql/kysely-expired-usage.js';
import { KyselyTurnStateStore } from './sql/kysely-turn-state.store.js';
import { KyselyUsageStore } from './sql/kysely-usage.store.js';
import { KyselyVirtualKeyStore } from './sql/kysely-virtual-key.store.js';
import { openUsageLog } from './sql/open-usage-log.js';
import { SqlDatabase } from './sql/sql-database.js';
import { openSqlite } from './sql/sqlite.js';
import { StorageHealth } from './storage-health.js';

/** Without Redis each replica finds out for itself. */
const UNSHARED: readonly Provider[] = [
  { provide: BreakerNews, useClass: NoBreakerNews },
  { provide: LimitStore, inject: [SpentBefore], useFactory: (before: SpentBefore) => new MemoryLimitStore(before) },
];

const sharedThrough = (url: Secret): readonly Provider[] => [
  { provide: RedisServer, useFactory: () => RedisServer.open(url) },
  {
    provide: BreakerNews,
    inject: [RedisServer],
    useFactory: (server: RedisServer) => new RedisBreakerNews(server),
  },
  {
    provide: LimitStore,
    inject: [RedisServer, SpentBefore],
    useFactory: (server: RedisServer, before: SpentBefore) => new RedisLimitStore(server, before),
  },
];

/** A port that the database makes real. */
const inDatabase = (provide: InjectionToken, useFactory: (opened: SqlDatabase) => unknown): Provider => ({
  provide,
  inject: [SqlDatabase],
  useFactory,
});

/**
 * The ports to what is kept: in PostgreSQL where the config names one, else in `<dataDir>/parley.db`; and to what
 * replicas tell each other, through Redis where the config names one.
 */
@Module({})
export class StorageModule {
  static forRoot({ database, dataDir, redis }: Pick<Config, 'database' | 'dataDir' | 'redis'>): DynamicModule {
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
        inDatabase(VirtualKeyStore, (opened) => new KyselyVirtualKeyStore(opened)),
        inDatabase(TeamStore, (opened) => new KyselyTeamStore(opened)),
        inDatabase(UsageStore, (opened) => new KyselyUsageStore(opened)),
        inDatabase(ExpiredUsage, (opened) => new KyselyExpiredUsage(opened)),
        inDatabase(UsageLog, (opened) => openUsageLog(opened, dataDir)),
        inDatabase(TurnStateStore, (opened) => new KyselyTurnStateStore(opened)),
        {
          provide: SpentBefore,
          inject: [UsageStore, UsageLog],
          useFactory: (ledger: UsageStore, log: UsageLog) => new SpentBefore(ledger, () => log.hasCaughtUp()),
        },
        ...(redis.url === undefined ? UNSHARED : sharedThrough(redis.url)),
        {
          provide: StorageHealth,
          inject: [SqlDatabase, UsageLog, { token: RedisServer, optional: true }],
          useFactory: (opened: SqlDatabase, ledger: UsageLog, server: RedisServer | undefined) =>
            new StorageHealth([
              { name: 'database', check: () => opened.check() },
              { name: 'ledger', tellsOfItself: true, check: () => ledger.check() },
              ...(server === undefined ? [] : [server]),
            ]),
        },
      ],
      exports: [
        VirtualKeyStore,
        TeamStore,
        UsageStore,
        UsageLog,
        ExpiredUsage,
        TurnStateStore,
        BreakerNews,
        LimitStore,
        StorageHealth,
      ],
    };
  }
}
