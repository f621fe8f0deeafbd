import { Global, Module, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { AddressInfo } from 'node:net';
import { LiveConfig } from '../src/config/live-config.js';
import type { Config } from '../src/config/config.js';
import { HealthModule } from '../src/health/health.module.js';
import { Readiness } from '../src/health/readiness.js';
import { StorageHealth, type Dependency } from '../src/storage/storage-health.js';

/** A dependency that is there or not, as told. */
class Switched implements Dependency {
  constructor(
    readonly name: string,
    readonly tellsOfItself = false,
  ) {}
  asked = 0;
  up = true;
  async check(): Promise<void> {
    this.asked += 1;
    if (!this.up) return Promise.reject(new Error('connect ECONNREFUSED db.internal'));
  }
}

const database = new Switched('database');
const redis = new Switched('redis', true);
const live = new LiveConfig({} as Config);

@Global()
@Module({
  providers: [
    { provide: LiveConfig, useValue: live },
    { provide: StorageHealth, useValue: new StorageHealth([database, redis]) },
  ],
  exports: [LiveConfig, StorageHealth],
})
class SurroundingsModule {}

describe('health over HTTP', () => {
  let app: INestApplication;
  let url: string;

  beforeAll(async () => {
    const testing = await Test.createTestingModule({ imports: [SurroundingsModule, HealthModule] }).compile();
    app = testing.createNestApplication({ logger: ['warn'] });
    await app.listen(0, '127.0.0.1');
    url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
  });
  afterAll(() => app.close());

  const ready = async () => {
    const response = await fetch(`${url}/readyz`);
    return {
      code: response.status,
      cache: response.headers.get('cache-control'),
      ...((await response.json()) as object),
    };
  };

  it('tells where in its life the gateway is, and what is down', async () => {
    const said = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const clock = jest.spyOn(performance, 'now');
    const later = (ms: number) => clock.mockReturnValue(ms);
    const checks = (...[data, shared]: readonly string[]) => ({
      database: { status: data },
      redis: { status: shared },
    });
    const [up, down] = [checks('up', 'up'), checks('down', 'up')];
    const about = { cache: 'no-store', config_version: 1, draining: false };

    later(10_000);
    expect(await ready()).toEqual({ code: 503, status: 'starting', checks: up, ...about });
    app.get(Readiness).ready();
    expect(await ready()).toEqual({ code: 200, status: 'ok', checks: up, ...about });
    expect(database.asked).toBe(1);

    database.up = false;
    live.replace({} as Config);
    later(12_000);
    const degraded = await ready();
    expect(degraded).toEqual({ code: 200, status: 'degraded', checks: down, ...about, config_version: 2 });
    expect(JSON.stringify(degraded)).not.toContain('db.internal');
    later(14_000);
    await ready();
    expect(said).toHaveBeenCalledTimes(1);

    database.up = true;
    redis.up = false;
    later(16_000);
    expect(await ready()).toMatchObject({ code: 200, status: 'degraded', checks: checks('up', 'down') });
    expect(said).toHaveBeenCalledTimes(1);
    redis.up = true;
    later(18_000);
    expect(await ready()).toMatchObject({ code: 200, status: 'ok' });
    app.get(Readiness).draining();
    app.get(Readiness).ready();
    expect(await ready()).toMatchObject({ code: 503, status: 'draining', checks: up, draining: true });
    jest.restoreAllMocks();
  });

  it('is alive all the while', async () => {
    const response = await fetch(`${url}/healthz`);
    expect({ code: response.status, body: await response.json() }).toEqual({ code: 200, body: { status: 'ok' } });
  });
});
