import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { Config, StaticKeyConfig } from '../config/config.js';
import { LiveConfig } from '../config/live-config.js';
import { OverloadedError } from '../domain/errors.js';
import { Secret } from '../domain/secret.js';
import type { VirtualKey } from '../domain/virtual-key.js';
import { KeyDirectory } from './key-directory.js';
import { keyHash } from './key-hash.js';
import { newKey } from './key-form.js';
import { VirtualKeyStore, type Page } from './virtual-key.store.js';

/** Keys in a map; it counts what it is asked, and can be made to fail or to keep silent. */
class MapStore extends VirtualKeyStore {
  readonly keys = new Map<string, VirtualKey>();
  asked = 0;
  mode: 'up' | 'down' | 'silent' = 'up';

  insert(key: VirtualKey): Promise<void> {
    this.keys.set(key.hash, key);
    return Promise.resolve();
  }
  findByHash(hash: string): Promise<VirtualKey | undefined> {
    this.asked += 1;
    if (this.mode === 'down') return Promise.reject(new Error('connection refused'));
    if (this.mode === 'silent') return new Promise(() => undefined);
    return Promise.resolve(this.keys.get(hash));
  }
  findById(): Promise<VirtualKey | undefined> {
    return Promise.resolve(undefined);
  }
  list(): Promise<Page<VirtualKey>> {
    return Promise.resolve({ items: [], nextCursor: null });
  }
  delete(): Promise<boolean> {
    return Promise.resolve(false);
  }
  count(): Promise<number> {
    return Promise.resolve(this.keys.size);
  }
}

const configOf = (...keys: readonly StaticKeyConfig[]): Config => ({ keys }) as unknown as Config;
const staticKey = (name: string, key: string): StaticKeyConfig => ({
  name,
  key: new Secret(key),
  tags: [],
  models: ['gpt-*'],
  allowedIps: null,
});

describe('KeyDirectory', () => {
  const key = newKey();
  const hash = keyHash(key);
  let store: MapStore;
  let config: LiveConfig;
  let directory: KeyDirectory;
  let logged: jest.SpiedFunction<Logger['error']>;

  beforeEach(async () => {
    jest.useFakeTimers();
    logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    jest.spyOn(Logger.prototype, 'log').mockImplementation(() => undefined);
    store = new MapStore();
    config = new LiveConfig(configOf());
    directory = new KeyDirectory(store, config);
    await store.insert(virtualKey(hash));
  });

  afterEach(() => {
    directory.onModuleDestroy();
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  const found = async () => (await directory.find(key))?.principal.keyId;

  it('asks once for a key that many requests bring at once, and then answers without waiting', async () => {
    expect(await Promise.all([found(), found(), found()])).toEqual(['key_1', 'key_1', 'key_1']);
    expect(directory.find(key)).toMatchObject({ principal: { keyId: 'key_1', models: null } });
    expect(store.asked).toBe(1);
  });

  it('asks again unnoticed after half a second, and believes nothing older than a second', async () => {
    await found();
    store.keys.clear();
    jest.advanceTimersByTime(499);
    expect(directory.find(key)).toMatchObject({ principal: { keyId: 'key_1' } });
    expect(store.asked).toBe(1);

    jest.advanceTimersByTime(2);
    expect(directory.find(key)).toMatchObject({ principal: { keyId: 'key_1' } });
    expect(store.asked).toBe(2);
    await Promise.resolve();
    await jest.advanceTimersByTimeAsync(0);
    expect(directory.find(key)).toBeUndefined();

    await store.insert(virtualKey(hash));
    jest.advanceTimersByTime(1_001);
    expect(directory.find(key)).toBeInstanceOf(Promise);
    expect(await found()).toBe('key_1');
  });

  it('remembers what is no key, and does not ask for what cannot be one', async () => {
    const madeUp = newKey();
    expect(await directory.find(madeUp)).toBeUndefined();
    expect(directory.find(madeUp)).toBeUndefined();
    expect(store.asked).toBe(1);
    for (const text of ['', 'sk-proj-abc', 'ключ', 'x'.repeat(100_000)]) expect(directory.find(text)).toBeUndefined();
    expect(store.asked).toBe(1);
  });

  it('forgets at once, even what the store is just saying', async () => {
    await found();
    store.keys.clear();
    directory.forget(hash);
    expect(await found()).toBeUndefined();

    await store.insert(virtualKey(hash));
    directory.forget(hash);
    const late = found();
    store.keys.clear();
    directory.forget(hash);
    await late;
    expect(await found()).toBeUndefined();
  });

  it.each(['down', 'silent'] as const)(
    'serves known keys while the store is %s, says so once, and recovers',
    async (mode) => {
      await found();
      store.mode = mode;
      jest.advanceTimersByTime(5_000);
      const first = found();
      await jest.advanceTimersByTimeAsync(1_000);
      expect(await first).toBe('key_1');
      for (let second = 0; second < 10; second += 1) {
        expect(directory.find(key)).toMatchObject({ principal: { keyId: 'key_1' } });
        await jest.advanceTimersByTimeAsync(1_000);
      }
      expect(logged).toHaveBeenCalledTimes(1);

      store.mode = 'up';
      store.keys.clear();
      await jest.advanceTimersByTimeAsync(1_000);
      await directory.find(key);
      await jest.advanceTimersByTimeAsync(0);
      expect(await found()).toBeUndefined();
    },
  );

  it('does not call a key wrong that it cannot check', async () => {
    store.mode = 'down';
    await expect(directory.find(key)).rejects.toBeInstanceOf(OverloadedError);
    await expect(directory.find(newKey())).rejects.toMatchObject({ status: 503, retryAfterMs: 500 });
    expect(store.asked).toBe(1);
  });

  it('follows the keys of the config', () => {
    expect(directory.find('ci-secret')).toBeUndefined();
    config.replace(configOf(staticKey('ci', 'ci-secret')));
    expect(directory.find('ci-secret')).toMatchObject({
      principal: { keyId: 'key_config_ci', name: 'ci', models: ['gpt-*'] },
    });
    config.replace(configOf());
    expect(directory.find('ci-secret')).toBeUndefined();
    expect(store.asked).toBe(0);
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

function virtualKey(hash: string): VirtualKey {
  return {
    id: 'key_1',
    hash,
    prefix: 'sk-parley-abcd',
    name: 'one',
    owner: null,
    tags: [],
    models: null,
    allowedIps: null,
    rpm: null,
    tpm: null,
    concurrency: null,
    budget: null,
    expiresAt: null,
    disabled: false,
    createdAt: 0,
  };
}
