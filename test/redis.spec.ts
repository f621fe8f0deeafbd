import { randomUUID } from 'node:crypto';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import { Availability } from '../src/availability/availability.js';
import type { Config } from '../src/config/config.js';
import { LiveConfig } from '../src/config/live-config.js';
import { Secret } from '../src/domain/secret.js';
import { RedisBreakerNews } from '../src/storage/redis/redis-breaker-news.js';
import { RedisServer } from '../src/storage/redis/redis-server.js';
import { startGateway } from './support/gateway.js';
import { Way } from './support/way.js';

const REAL = process.env['PARLEY_TEST_REDIS_URL'];
const KEY = 'parley:breakers';

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 10_000; performance.now() < end; await sleep(10)) if (await holds()) return;
  throw new Error('It has not come true.');
}

/** Nobody else's, on a Redis that may be shared. */
const KEYS = [randomUUID(), randomUUID()].map((key) => new Secret(key));
const CONFIG = { providers: [{ name: 'p', apiKeys: KEYS }] } as unknown as Config;

/** What of a gateway has to do with breakers, over a Redis. */
class Replica {
  readonly availability: Availability;

  constructor(readonly server: RedisServer) {
    this.availability = new Availability(new LiveConfig(CONFIG), new RedisBreakerNews(server));
  }

  static async at(url: string): Promise<Replica> {
    return new Replica(await RedisServer.open(new Secret(url)));
  }

  upstream(model: string) {
    return this.availability.of({ provider: 'p', model, endpoint: { credentials: [] } } as never);
  }

  /** Of its two credentials, how many are given out. */
  inUse(model: string): number {
    return new Set(Array.from({ length: 4 }, () => this.upstream(model).choose(new Set())?.id)).size;
  }

  /** Calls with the first credential, one after the other. */
  call(model: string, kind: 'failed' | 'answered', times: number): void {
    const [first] = this.availability.pool('p')?.all ?? [];
    if (first === undefined) throw new Error('There is no credential.');
    for (let n = 0; n < times; n++) this.upstream(model).begin(first).end({ kind });
  }

  close(): void {
    this.server.onApplicationShutdown();
  }
}

let spies: Readonly<Record<'log' | 'error', jest.SpiedFunction<Logger['log']>>>;
const lines = (level: 'log' | 'error') =>
  spies[level].mock.calls.map(([line]) => String(line)).filter((line) => line.startsWith('Redis'));
beforeEach(() => {
  const spied = (level: 'log' | 'error') => jest.spyOn(Logger.prototype, level).mockImplementation(() => undefined);
  spies = { log: spied('log'), error: spied('error') };
});
afterEach(() => {
  jest.restoreAllMocks();
});

describe('a Redis that is not there', () => {
  it('keeps nobody waiting, is named, told of once, and left alone after the end', async () => {
    const way = await new Way(new URL('redis://127.0.0.1:1')).open();
    way.close();
    const gateway = await startGateway({
      config: { providers: { openai: { apiKey: 'sk-test' } } },
      env: { PARLEY_REDIS_URL: way.url },
    });
    const since = performance.now();
    expect(await (await fetch(`${gateway.url}/readyz`)).json()).toMatchObject({
      status: 'degraded',
      checks: { database: { status: 'up' }, redis: { status: 'down' } },
    });
    expect(performance.now() - since).toBeLessThan(1_500);
    await sleep(700); // it is tried again
    expect(lines('error')).toEqual([expect.stringMatching(/^Redis is down, and done without: .*ECONNREFUSED/)]);
    await gateway.close();
    await way.open();
    await sleep(1_000);
    expect([way.visits, lines('error').length, lines('log')]).toEqual([0, 1, []]);
    way.close();
  });
});

const title = REAL === undefined ? 'skipped, because PARLEY_TEST_REDIS_URL names no server' : 'between replicas';
(REAL === undefined ? describe.skip : describe)(`Redis: ${title}`, () => {
  const url = REAL ?? '';
  let direct: Redis;
  const open: { close(): void }[] = [];
  const replica = async (at = url) => {
    const made = await Replica.at(at);
    open.push(made);
    await until(() => made.server.isUp);
    return made;
  };

  beforeAll(() => {
    direct = new Redis(url);
  });
  afterEach(() => {
    for (const each of open.splice(0)) each.close();
  });
  afterAll(() => {
    direct.disconnect();
  });

  it('tells of breakers that open and close, also those who come later', async () => {
    const [here, there] = [await replica(), await replica()];
    await here.server.check();
    await until(async () => ((await direct.pubsub('NUMSUB', KEY))[1] as number) >= 2);
    here.call('m', 'failed', 5);
    await until(() => there.inUse('m') === 1);
    expect([here.inUse('m'), there.inUse('other')]).toEqual([1, 2]);
    const late = await replica();
    await until(() => late.inUse('m') === 1);
    expect(await direct.pttl(KEY)).toBeGreaterThan(60_000);
    there.call('m', 'answered', 1);
    await until(() => here.inUse('m') === 2 && late.inUse('m') === 2);
    const left = await direct.zrangebyscore(KEY, Date.now(), '+inf');
    const ids = here.availability.pool('p')?.all.map(({ id }) => id) ?? [];
    expect(left.filter((member) => ids.some((id) => member.includes(id)))).toEqual([]);
  });

  it('is not troubled by what else is said on the channel, or stands in the set', async () => {
    const here = await replica();
    const [id] = here.availability.pool('p')?.all.map((credential) => credential.id) ?? [];
    const openUntil = Date.now() + 30_000;
    const good = { upstream: 'p/heard', credential: id, openUntil };
    const garbage = [
      '',
      'null',
      '[]',
      '{"upstream":1}',
      JSON.stringify({ ...good, upstream: 'p/bad', openUntil: 'soon' }),
      JSON.stringify({ ...good, upstream: 'p/bad', openUntil: undefined }),
      JSON.stringify({ ...good, upstream: 'p/bad', credential: null }),
    ];
    await direct.zadd(KEY, openUntil, '{', openUntil, '["p/bad"]', openUntil, JSON.stringify(['p/stood', id]));
    await until(async () => ((await direct.pubsub('NUMSUB', KEY))[1] as number) >= 1);
    for (const message of [...garbage, JSON.stringify(good)]) await direct.publish(KEY, message);
    await until(() => here.inUse('heard') === 1);
    expect(here.inUse('bad')).toBe(2);
    const late = await replica();
    await until(() => late.inUse('stood') === 1);
    expect(late.inUse('bad')).toBe(2);
    await direct.zrem(KEY, '{', '["p/bad"]', JSON.stringify(['p/stood', id]));
  });

  it('may go and come back: it is told of once each time, and what was missed is asked for', async () => {
    const way = await new Way(new URL(url)).open();
    open.push(way);
    const [far, near] = [await replica(way.url), await replica()];
    way.close();
    await until(() => !far.server.isUp);
    await expect(far.server.check()).rejects.toThrow();
    far.call('own', 'failed', 5);
    const [id] = far.availability.pool('p')?.all.map((credential) => credential.id) ?? [];
    const missed = JSON.stringify(['p/missed', id]);
    await direct.zadd(KEY, Date.now() + 30_000, missed);
    await sleep(500);
    expect([far.inUse('own'), far.inUse('missed'), lines('error').length, lines('log')]).toEqual([1, 2, 1, []]);
    await way.open();
    await until(() => far.server.isUp);
    await until(() => far.inUse('missed') === 1);
    await until(async () => ((await direct.pubsub('NUMSUB', KEY))[1] as number) >= 2);
    near.call('later', 'failed', 5);
    await until(() => far.inUse('later') === 1);
    await direct.zrem(KEY, missed);
    expect([lines('error').length, lines('log')]).toEqual([1, ['Redis is up again.']]);
  });

  it('is given up when it falls silent, within a second for who asks', async () => {
    const way = await new Way(new URL(url)).open();
    open.push(way);
    const far = await replica(way.url);
    way.blocked = true;
    const since = performance.now();
    await expect(far.server.check()).rejects.toThrow();
    expect(performance.now() - since).toBeLessThan(1_500);
    await until(() => !far.server.isUp);
    expect(lines('error')).toHaveLength(1);
    way.blocked = false;
    await until(() => far.server.isUp);
  });
});
