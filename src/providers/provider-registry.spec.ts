import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { ProviderConfig } from '../config/config.js';
import { TurnStateKeeper } from '../domain/turn-state.js';
import { NAMED_QUIRKS } from '../protocols/openai-chat/index.js';
import { COMPATIBLE_ROWS } from './openai-compatible.js';
import { ProviderRegistry } from './provider-registry.js';
import { PROVIDER_TYPES } from './provider-types.js';
import { ProvidersModule } from './providers.module.js';
import { TurnStateModule } from '../turn-state/turn-state.module.js';
import { Forgetful } from '../../test/support/upstreams.js';

const config = (type: string, more: Partial<ProviderConfig> = {}): ProviderConfig => ({
  name: 'mine',
  type,
  apiKeys: [],
  headers: {},
  timeouts: {},
  quirks: [],
  settings: {},
  ...more,
});

/** Keeping turn states takes a database. */
@Module({ providers: [{ provide: TurnStateKeeper, useClass: Forgetful }], exports: [TurnStateKeeper] })
class ForgetfulModule {}

describe('ProviderRegistry', () => {
  let registry: ProviderRegistry;

  beforeAll(async () => {
    const module = await Test.createTestingModule({ imports: [ProvidersModule] })
      .overrideModule(TurnStateModule)
      .useModule(ForgetfulModule)
      .compile();
    registry = (await module.init()).get(ProviderRegistry);
  });

  it.each(PROVIDER_TYPES.map(({ type }) => type))('configures every type the config may name: %s', (type) => {
    const settings = { accountId: 'acc', resourceName: 'res', region: 'us-east-1' };
    const { provider, endpoint } = registry.configure(config(type, { baseUrl: 'http://x.test/v1//', settings }));
    expect(provider.chat).toBeDefined();
    expect(endpoint).toMatchObject({ type, baseUrl: 'http://x.test/v1', settings });
    const own = PROVIDER_TYPES.find((each) => each.type === type);
    if (own?.needsBaseUrl === true)
      expect(() => registry.configure(config(type, { settings }))).toThrow('Provider "mine" needs a baseUrl.');
    else expect(registry.configure(config(type, { settings })).endpoint.baseUrl).not.toMatch(/\/$|[{}]/);
  });

  it('fills settings into the address, escaped', () => {
    const at = (settings: object) =>
      registry.configure(config('cloudflare', { settings: { ...settings } })).endpoint.baseUrl;
    expect(at({ accountId: 'a/b?c' })).toBe('https://api.cloudflare.com/client/v4/accounts/a%2Fb%3Fc/ai/v1');
    expect(() => at({})).toThrow('Provider "mine" needs a baseUrl, or `accountId`.');
    const azure = registry.configure(config('azure-openai', { settings: { resourceName: 'ours' } }));
    expect(azure.endpoint.baseUrl).toBe('https://ours.openai.azure.com');
    expect(() => registry.configure(config('azure-openai'))).toThrow('needs a baseUrl, or `resourceName`');
  });

  it('names the provider whose type it does not know', () => {
    expect(() => registry.configure(config('acme'))).toThrow('Provider "mine": there is no type "acme".');
    expect(() => registry.configure(config('constructor'))).toThrow('there is no type "constructor"');
  });
});

describe('the rows', () => {
  it('have types of their own, and addresses without a slash at the end', () => {
    const types = COMPATIBLE_ROWS.map(({ type }) => type);
    expect(new Set(types).size).toBe(types.length);
    for (const { type, baseUrl } of COMPATIBLE_ROWS)
      expect({ type, baseUrl: baseUrl ?? 'http://host' }).toEqual({
        type,
        baseUrl: expect.stringMatching(/^https?:\/\/\S+[^/]$/),
      });
  });

  it.each(COMPATIBLE_ROWS.map((row) => [row.type, row] as const))(
    '%s does not contradict itself',
    (_, { quirks = {} }) => {
      const rules = [quirks, ...(quirks.models ?? []).map((model) => model.rules)];
      for (const { refuses = [], lacks = [], renames = {} } of rules) {
        expect(new Set(refuses).size).toBe(refuses.length);
        expect(lacks.filter((field) => refuses.includes(field))).toEqual([]);
        expect(Object.values(renames).filter((field) => refuses.includes(field))).toEqual([]);
        expect(refuses.filter((field) => field === quirks.limit)).toEqual([]);
      }
      for (const { match } of quirks.models ?? []) expect(match.global || match.sticky).toBe(false); // these remember where they were
    },
  );

  it('take the quirks that an operator may name', () => {
    for (const { quirks } of PROVIDER_TYPES)
      if (quirks !== undefined) expect(quirks).toEqual(Object.keys(NAMED_QUIRKS));
  });
});
