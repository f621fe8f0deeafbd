import { Controller, Get, Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import type { Request, Response } from 'express';
import type { AddressInfo } from 'node:net';
import { AccessModule } from '../../src/access/access.module.js';
import { ApiKeyGuard } from '../../src/access/api-key.guard.js';
import { TeamStore } from '../../src/access/teams/team.store.js';
import { VirtualKeyStore } from '../../src/access/virtual-key.store.js';
import type { Config } from '../../src/config/config.js';
import { LiveConfig } from '../../src/config/live-config.js';
import { RequestContext } from '../../src/domain/request-context.js';
import { Secret } from '../../src/domain/secret.js';
import { BodyPipe } from '../../src/http/body.pipe.js';
import { BodyReader } from '../../src/http/body-reader.js';
import { attachContext, Context } from '../../src/http/context.js';
import { OpenAiErrorFilter } from '../../src/http/openai-error.filter.js';
import { RefusalAccount } from '../../src/http/refusal-account.js';
import { KyselyTeamStore } from '../../src/storage/sql/kysely-team.store.js';
import { KyselyVirtualKeyStore } from '../../src/storage/sql/kysely-virtual-key.store.js';
import type { SqlDatabase } from '../../src/storage/sql/sql-database.js';

const ADMIN = 'admin-key-of-the-test';

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
  /** The members of the error object; empty where there is none. */
  readonly error: Readonly<Record<string, unknown>>;
}

/** Keys and teams over a database, behind real HTTP: what a replica knows of them, and nothing else. */
export interface AccessApp {
  readonly config: LiveConfig;
  readonly app: NestExpressApplication;
  /** `body`: an object, or the text of one. */
  admin(method: string, path: string, body?: object | string): Promise<Answer>;
  /** Whom the guard takes the bearer of a key for. */
  who(key: string): Promise<Answer>;
  stop(): Promise<void>;
}

@Controller()
class EchoController {
  @Get('who')
  who(@Context() { principal }: RequestContext) {
    return principal;
  }
}

@Module({})
class StandIn {
  static with(database: SqlDatabase, config: LiveConfig): DynamicModule {
    const providers = [
      { provide: LiveConfig, useValue: config },
      { provide: VirtualKeyStore, useFactory: () => new KyselyVirtualKeyStore(database) },
      { provide: TeamStore, useFactory: () => new KyselyTeamStore(database) },
      { provide: RefusalAccount, useValue: { refused: (_: unknown, answer: () => void) => answer() } },
    ];
    return { module: StandIn, global: true, providers, exports: providers.map(({ provide }) => provide) };
  }
}

export const accessConfig = (changes: Partial<Config> = {}): Config =>
  ({ server: { bodyLimit: 1_000_000 }, adminKey: new Secret(ADMIN), keys: [], teams: [], ...changes }) as Config;

export async function startAccess(database: SqlDatabase, changes: Partial<Config> = {}): Promise<AccessApp> {
  const config = new LiveConfig(accessConfig(changes));
  const module = await Test.createTestingModule({
    imports: [StandIn.with(database, config), AccessModule],
    controllers: [EchoController],
    providers: [
      { provide: APP_GUARD, useExisting: ApiKeyGuard },
      { provide: APP_GUARD, useClass: BodyReader },
      { provide: APP_PIPE, useClass: BodyPipe },
      { provide: APP_FILTER, useClass: OpenAiErrorFilter },
    ],
  }).compile();
  const app = module.createNestApplication<NestExpressApplication>({ bodyParser: false });
  app.use((request: Request, _: Response, next: () => void) => {
    attachContext(request, new RequestContext('req_1', 0, 0, { strict: false, tags: [] }));
    next();
  });
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const call = async (path: string, key: string, init: RequestInit = {}): Promise<Answer> => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers, ...init });
    const text = await response.text();
    const json = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
    return { status: response.status, text, json, error: (json['error'] ?? {}) as Record<string, unknown> };
  };
  return {
    config,
    app,
    admin: (method, path, body) => {
      const text = typeof body === 'object' ? JSON.stringify(body) : body;
      return call(path, ADMIN, { method, ...(text !== undefined && { body: text }) });
    },
    who: (key) => call('/who', key),
    stop: async () => {
      app.getHttpServer().closeAllConnections();
      await app.close();
    },
  };
}
