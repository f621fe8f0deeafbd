import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { Config, StaticKeyConfig } from '../../config/config.js';
import { LiveConfig } from '../../config/live-config.js';
import { OverloadedError } from '../../domain/errors.js';
import type { Team } from '../../domain/limit.js';
import { Secret } from '../../domain/secret.js';
import type { VirtualKey } from '../../domain/virtual-key.js';
import { newKey } from '../key-form.js';
import { keyHash } from '../key-hash.js';
import { UNBOUNDED } from '../keys/key-wish.js';
import { TeamDirectory } from '../teams/team-directory.js';
import type { TeamNews, TeamStore } from '../teams/team.store.js';
import type { KeyNews, VirtualKeyStore } from '../virtual-key.store.js';
import { DirectoryPoll } from './directory-poll.js';
import { KeyDirectory } from './key-directory.js';
import { StoreState } from './store-state.js';

type Mode = 'up' | 'down' | 'silent';

/** Keys and teams in maps, with news as other replicas would make it; it counts questions, and can fail or keep silent. */
class MapStore {
  readonly keys = new Map<string, VirtualKey>();
  readonly #news = new Map<string, { readonly at: number; readonly news: KeyNews }>();
  readonly #teamNews = new Map<string, { readonly at: number; readonly news: TeamNews }>();
  asked = 0;
  polled = 0;
  purged = 0;
  mode: Mode = 'up';
  #version = 0;

  put(key: VirtualKey): void {
    for (const [hash, { id }] of this.keys) if (id === key.id) this.keys.delete(hash);
    for (const hash of hashesOf(key)) this.keys.set(hash, key);
    this.#tell(key);
  }

  remove(key: VirtualKey): void {
    for (const hash of hashesOf(key)) this.keys.delete(hash);
    this.#tell(key);
  }

  putTeam(team: Team, isDeleted = false): void {
    const stored = { ...team, createdAt: 0, version: (this.#version += 1) };
    this.#teamNews.set(team.name, { at: Date.now(), news: { team: stored, isDeleted } });
  }

  findByHash(hash: string): Promise<VirtualKey | undefined> {
    this.asked += 1;
    return this.#answer(() => this.keys.get(hash));
  }

  keyNews(withinMs: number): Promise<readonly KeyNews[]> {
    this.polled += 1;
    return this.#answer(() => recent(this.#news, withinMs));
  }

  teamNews(withinMs: number): Promise<readonly TeamNews[]> {
    return this.#answer(() => recent(this.#teamNews, withinMs));
  }

  purge(): Promise<void> {
    return this.#answer(() => void (this.purged += 1));
  }

  #tell(key: VirtualKey): void {
    const news = { id: key.id, hashes: hashesOf(key), version: (this.#version += 1) };
    this.#news.set(key.id, { at: Date.now(), news });
  }

  #answer<T>(of: () => T): Promise<T> {
    if (this.mode === 'down') return Promise.reject(new Error('connection refused'));
    if (this.mode === 'silent') return new Promise(() => undefined);
    return Promise.resolve(of());
  }
}

const hashesOf = ({ hash, previous }: VirtualKey): readonly string[] => (previous ? [hash, previous.hash] : [hash]);
const recent = <T>(
  all: ReadonlyMap<string, { readonly at: number; readonly news: T }>,
  withinMs: number,
): readonly T[] => [...all.values()].filter(({ at }) => at >= Date.now() - withinMs).map(({ news }) => news);

const configOf = (keys: readonly StaticKeyConfig[], teams: readonly Team[] = []): Config =>
  ({ keys, teams }) as unknown as Config;
const staticKey = (name: string, key: string): StaticKeyConfig => ({
  name,
  key: new Secret(key),
  owner: 'a',
  tags: ['t'],
  models: ['gpt-*'],
  allowedIps: null,
  rpm: 5,
});
const team = (name: string, rpm: number): Team => ({ name, rpm, tpm: null, concurrency: null, budget: null });

function virtualKey(key: string, fields: Partial<VirtualKey> = {}): VirtualKey {
  return {
    id: 'key_1',
    hash: keyHash(key),
    prefix: 'sk-parley-abcd',
    name: 'one',
    ...UNBOUNDED,
    createdAt: 0,
    ...fields,
  };
}

/** What a replica has of keys, around a store. */
class Replica {
  readonly config: LiveConfig;
  readonly directory: KeyDirectory;
  readonly #teams: TeamDirectory;
  readonly #poll: DirectoryPoll;

  constructor(store: MapStore, config: Config) {
    this.config = new LiveConfig(config);
    this.#teams = new TeamDirectory(this.config);
    const keys = {
      findByHash: (hash: string) => store.findByHash(hash),
      changed: (withinMs: number) => store.keyNews(withinMs),
      purge: () => store.purge(),
    } as unknown as VirtualKeyStore;
    const teams = {
      changed: (withinMs: number) => store.teamNews(withinMs),
      purge: () => store.purge(),
    } as unknown as TeamStore;
    this.directory = new KeyDirectory(keys, this.#teams, new StoreState(), this.config);
    this.#poll = new DirectoryPoll(keys, teams, this.directory, this.#teams);
  }

  start(): Promise<void> {
    return this.#poll.onModuleInit();
  }

  stop(): void {
    this.#poll.onModuleDestroy();
    this.directory.onModuleDestroy();
    this.#teams.onModuleDestroy();
  }
}

describe('KeyDirectory', () => {
  const key = newKey();
  let store: MapStore;
  let replica: Replica;
  let directory: KeyDirectory;
  let logged: jest.SpiedFunction<Logger['error']>;

  beforeEach(async () => {
    jest.useFakeTimers();
    logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    jest.spyOn(Logger.prototype, 'log').mockImplementation(() => undefined);
    store = new MapStore();
    store.put(virtualKey(key));
    replica = new Replica(store, configOf([]));
    ({ directory } = replica);
    await replica.start();
  });

  afterEach(() => {
    replica.stop();
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);
  const found = async (text = key) => (await directory.find(text))?.principal.keyId;

  it('asks once for a key that many requests bring at once, and then never again', async () => {
    expect(await Promise.all([found(), found(), found()])).toEqual(['key_1', 'key_1', 'key_1']);
    for (let second = 0; second < 100; second += 1) {
      expect(directory.find(key)).toMatchObject({ principal: { keyId: 'key_1', models: null } });
      await pass(1_000);
    }
    expect(store.asked).toBe(1);
    expect(store.polled).toBeGreaterThan(200);
  });

  it('remembers what is no key, and does not ask for what cannot be one', async () => {
    const madeUp = newKey();
    expect(await directory.find(madeUp)).toBeUndefined();
    await pass(60_000);
    expect(directory.find(madeUp)).toBeUndefined();
    for (const text of ['', 'sk-proj-abc', 'ключ', '__proto__', 'x'.repeat(100_000)])
      expect(directory.find(text)).toBeUndefined();
    expect(store.asked).toBe(1);
  });

  it('hears within half a second what was made, changed, rotated and deleted elsewhere', async () => {
    const [other, next, third] = [newKey(), newKey(), newKey()];
    expect(await found(other)).toBeUndefined();
    store.put(virtualKey(other, { id: 'key_2' }));
    await pass(401);
    expect(await found(other)).toBe('key_2');

    await found();
    store.put(virtualKey(key, { disabled: true, rpm: 7 }));
    await pass(401);
    expect(directory.find(key)).toMatchObject({ disabled: true, principal: { rpm: 7 } });

    store.put(virtualKey(next, { previous: { hash: keyHash(key), goodUntil: 9e15 } }));
    await pass(401);
    expect(directory.find(key)).toMatchObject({ graceEndsAt: 9e15, principal: { keyId: 'key_1' } });
    expect(await directory.find(next)).not.toHaveProperty('graceEndsAt');

    // Twice at once: the news of the second names the first key no more.
    store.put(virtualKey(third, { previous: { hash: keyHash(next), goodUntil: 9e15 } }));
    await pass(401);
    expect(directory.find(key)).toBeUndefined();
    expect(directory.find(next)).toMatchObject({ graceEndsAt: 9e15 });

    store.remove(virtualKey(other, { id: 'key_2' }));
    await pass(401);
    expect(directory.find(other)).toBeUndefined();
  });

  it('does not remember what the store said before the news came', async () => {
    const late = directory.find(key);
    store.remove(virtualKey(key));
    directory.apply([{ id: 'key_1', hashes: [keyHash(key)], version: 0 }]);
    await late;
    expect(await found()).toBeUndefined();
  });

  it('believes nothing old where the polls have stood still', async () => {
    await found();
    replica.stop();
    store.remove(virtualKey(key));
    await pass(1_001);
    expect(await found()).toBeUndefined();
  });

  it.each<Mode>(['down', 'silent'])(
    'serves known keys while the store is %s, says so once, and recovers',
    async (mode) => {
      await found();
      const unknown = newKey();
      expect(await found(unknown)).toBeUndefined();
      store.mode = mode;
      for (let step = 0; step < 100; step += 1) {
        await pass(100);
        expect(directory.find(key)).toMatchObject({ principal: { keyId: 'key_1' } });
      }
      expect(logged).toHaveBeenCalledTimes(1);
      const refused = expect(directory.find(unknown)).rejects.toBeInstanceOf(OverloadedError);
      await pass(1_000);
      await refused;

      // Longer than a poll looks back.
      store.remove(virtualKey(key));
      store.put(virtualKey(unknown, { id: 'key_3' }));
      await pass(120_000);
      store.mode = 'up';
      if (mode === 'silent') return; // its question is never answered; a real one is, or fails
      await pass(401);
      expect(directory.find(key)).toBeUndefined();
      expect(await found(unknown)).toBe('key_3');
      expect(logged).toHaveBeenCalledTimes(1);
    },
  );

  it('does not call a key wrong that it cannot check', async () => {
    store.mode = 'down';
    await pass(2_000);
    await expect(directory.find(key)).rejects.toBeInstanceOf(OverloadedError);
    await expect(directory.find(newKey())).rejects.toMatchObject({ status: 503, retryAfterMs: 500 });
  });

  it('starts from scratch after an outage so long that deletions were forgotten', async () => {
    await found();
    store.putTeam(team('gone', 1));
    store.mode = 'down';
    await pass(4_000_000);
    store.keys.clear();
    store.mode = 'up';
    await pass(401);
    expect(await found()).toBeUndefined();
  });

  it('removes for good, now and then, what was deleted long ago', async () => {
    await pass(30 * 60_000);
    expect(store.purged).toBe(6); // keys and teams, after a minute and then every ten
  });

  it('knows the team of a key, and follows it', async () => {
    store.put(virtualKey(key, { owner: 'a' }));
    expect((await directory.find(key))?.principal.team).toBeUndefined();
    const teamOf = () => (directory.find(key) as { principal: { team?: Team } }).principal.team?.rpm;
    const asked = store.asked;
    for (const [rpm, isDeleted, seen] of [
      [1, false, 1],
      [2, false, 2],
      [2, true, undefined],
      [3, false, 3],
    ] as const) {
      store.putTeam(team('a', rpm), isDeleted);
      await pass(401);
      expect(teamOf()).toBe(seen);
    }
    expect(directory.find(key)).toBe(directory.find(key));
    replica.config.replace(configOf([], [team('a', 99)]));
    expect(teamOf()).toBe(99);
    replica.config.replace(configOf([]));
    expect(teamOf()).toBe(3);
    expect(store.asked).toBeLessThanOrEqual(asked + 1);
  });

  it('loads the teams as soon as the store is there', async () => {
    replica.stop();
    store.putTeam(team('a', 4));
    await pass(60_000);
    store.mode = 'down';
    replica = new Replica(store, configOf([staticKey('ci', 'ci-secret')]));
    await replica.start();
    expect(replica.directory.find('ci-secret')).toMatchObject({ principal: { team: undefined } });
    store.mode = 'up';
    await pass(401);
    expect(replica.directory.find('ci-secret')).toMatchObject({ principal: { team: { rpm: 4 } } });
  });

  it('follows the keys of the config', () => {
    expect(directory.find('ci-secret')).toBeUndefined();
    replica.config.replace(configOf([staticKey('ci', 'ci-secret')]));
    expect(directory.find('ci-secret')).toMatchObject({
      principal: { keyId: 'key_config_ci', name: 'ci', owner: 'a', tags: ['t'], models: ['gpt-*'], rpm: 5 },
    });
    replica.config.replace(configOf([]));
    expect(directory.find('ci-secret')).toBeUndefined();
    expect(store.asked).toBe(0);
  });

  it('keeps to its bounds under a flood of made-up keys, and keeps the good ones', async () => {
    await found();
    for (let index = 0; index < 10_500; index += 1) await directory.find(newKey());
    const asked = store.asked;
    expect(directory.find(key)).toMatchObject({ principal: { keyId: 'key_1' } });
    expect(store.asked).toBe(asked);
  });
});

describe('a flood of made-up keys', () => {
  it('does not queue up before a slow database, and is not taken for wrong keys', async () => {
    const store = new MapStore();
    const replica = new Replica(store, configOf([]));
    await replica.start();
    store.mode = 'silent';
    const answers = Array.from({ length: 600 }, async () => replica.directory.find(newKey()));
    const overloaded = await Promise.all(answers.slice(500).map((answer) => answer.catch((error: unknown) => error)));
    for (const error of overloaded) expect(error).toBeInstanceOf(OverloadedError);
    expect(store.asked).toBe(500);
    jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    await Promise.allSettled(answers);
    replica.stop();
    jest.restoreAllMocks();
  });
});

describe('more known keys than questions at a time', () => {
  it('are served, all of them, after the process was too busy to poll', async () => {
    const store = new MapStore();
    const keys = Array.from({ length: 700 }, newKey);
    keys.forEach((key, index) => store.put(virtualKey(key, { id: `key_${index}` })));
    const replica = new Replica(store, configOf([]));
    await replica.start();
    for (const key of keys) await replica.directory.find(key);
    replica.stop();
    jest.spyOn(performance, 'now').mockReturnValue(performance.now() + 2_000);
    const found = await Promise.all(keys.map(async (key) => (await replica.directory.find(key))?.principal.keyId));
    expect(found).toEqual(keys.map((_, index) => `key_${index}`));
    expect(store.asked).toBe(700 + 500);
    jest.restoreAllMocks();
  });
});

describe('a new key', () => {
  it('is always of one length, never the same, and uses all 62 digits', () => {
    const keys = Array.from({ length: 500 }, newKey);
    for (const key of keys) expect(key).toMatch(/^sk-parley-[0-9A-Za-z]{43}$/);
    expect(new Set(keys).size).toBe(500);
    expect(new Set(keys.map((key) => key.slice(-20)).join('')).size).toBe(62);
  });
});
