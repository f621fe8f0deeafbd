import type { DiscoveryService } from '@nestjs/core';
import { ModelCatalog } from '../catalog/model-catalog.js';
import type { Config, ModelConfig, ProviderConfig } from '../config/config.js';
import { AzureOpenAiProvider } from '../providers/azure-openai.provider.js';
import { ProviderRegistry } from '../providers/provider-registry.js';
import { upstreamsOver } from '../../test/support/upstreams.js';
import { buildRoutes, type Routes } from './routes.js';

/** Only providers that are a row: they need no adapters to be found. */
const registry = new ProviderRegistry({} as DiscoveryService, upstreamsOver());
const catalog = new ModelCatalog();

type Given = Partial<ProviderConfig> & Pick<ProviderConfig, 'name'>;

const provider = (given: Given): ProviderConfig => ({
  type: 'openai-compatible',
  baseUrl: `http://${given.name}.test/v1/`,
  apiKeys: [],
  headers: {},
  timeouts: {},
  quirks: [],
  settings: {},
  ...given,
});

const alias = (name: string, targets: readonly object[], more: Partial<ModelConfig> = {}): ModelConfig => ({
  name,
  targets: targets.map((target) => ({ provider: '', model: '', weight: 1, ...target })),
  strategy: 'priority',
  retries: 0,
  fallbacks: [],
  contextWindowFallbacks: [],
  contentPolicyFallbacks: [],
  timeouts: {},
  defaults: {},
  ...more,
});

const routesOf = (providers: readonly Given[], models: readonly ModelConfig[] = []): Routes =>
  buildRoutes({ providers: providers.map(provider), models } as unknown as Config, registry, catalog);

/** Where a name leads first, as `provider:model`. */
function place(routes: Routes, name: string): string | undefined {
  const [deployment] = routes.resolve(name)?.deployments ?? [];
  return deployment && `${deployment.provider}:${deployment.model}`;
}

describe('Routes', () => {
  const routes = routesOf(
    [
      { name: 'near', models: ['llama', 'both'] },
      { name: 'far', type: 'vllm', models: ['both', 'near/llama'] },
      { name: 'groq', type: 'groq' },
      { name: 'mistral', type: 'mistral' },
      { name: 'bare' },
    ],
    [
      alias('fast', [
        { provider: 'far', model: 'both' },
        { provider: 'near', model: 'llama' },
      ]),
      alias('llama', [{ provider: 'far', model: 'other' }]),
      alias('near/both', [{ provider: 'far', model: 'aliased' }]),
    ],
  );

  it.each([
    ['a name of the config', 'fast', 'far:both'],
    ['a name of the config before the same model', 'llama', 'far:other'],
    ['a name of the config before provider/model', 'near/both', 'far:aliased'],
    ['provider/model', 'near/other', 'near:other'],
    ['provider/model that nobody has heard of', 'bare/anything', 'bare:anything'],
    ['provider/model with slashes', 'groq/openai/gpt-oss-120b', 'groq:openai/gpt-oss-120b'],
    ['provider/model before a model of that very name', 'near/llama', 'near:llama'],
    ['a model of the first provider that has it', 'both', 'near:both'],
    ['a model of the catalogue', 'mistral-large-latest', 'mistral:mistral-large-latest'],
    ['a model of the catalogue with a slash', 'openai/gpt-oss-120b', 'groq:openai/gpt-oss-120b'],
    ['a model nobody has', 'nobody', undefined],
    ['a model of a provider that is not configured', 'claude-opus-4-5', undefined],
    ['a provider alone', 'near/', undefined],
    ['a slash', '/', undefined],
    ['nothing', '', undefined],
    ['the name of a method', '__proto__', undefined],
    ['the name of another', 'constructor/toString', undefined],
  ])('%s: %s', (_, name, expected) => {
    expect(place(routes, name)).toBe(expected);
    expect(place(routes, name)).toBe(expected); // the same when it is remembered
  });

  it('leads to every target, in order', () => {
    const found = routes
      .resolve('fast')
      ?.deployments.map(({ provider: at, model, endpoint }) => [at, model, endpoint.baseUrl]);
    expect(found).toEqual([
      ['far', 'both', 'http://far.test/v1'],
      ['near', 'llama', 'http://near.test/v1'],
    ]);
  });

  it('lists each name once, each of which resolves, and to whom it is said to belong', () => {
    const ids = routes.served.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining(['fast', 'llama', 'near/both', 'near/llama', 'both', 'far/both']));
    for (const id of ids) {
      expect({ id, place: place(routes, id) }).not.toEqual({ id, place: undefined });
      expect(routes.find(id)).toEqual(routes.served.find((served) => served.id === id));
    }
    for (const { id, ownedBy } of routes.served)
      expect({ id, ownedBy }).toEqual({ id, ownedBy: routes.resolve(id)?.deployments[0]?.endpoint.type });
    expect(routes.served.filter(({ ownedBy }) => ownedBy === 'mistral').length).toBeGreaterThan(3);
  });

  it('lists no name that leads to another model', () => {
    const found = routesOf([
      { name: 'near', models: ['far/odd'] },
      { name: 'far', models: ['odd', 'far/odd'] },
    ]);
    expect(found.served.map(({ id }) => [id, place(found, id)])).toEqual([
      ['near/far/odd', 'near:far/odd'],
      ['odd', 'far:odd'],
      ['far/far/odd', 'far:far/odd'],
    ]);
  });

  it('lists of Azure what the operator has deployed, and serves what the catalogue knows', () => {
    const azure = new AzureOpenAiProvider(upstreamsOver());
    const registry = {
      configure: ({ name, settings }: ProviderConfig) => ({ name, provider: azure, endpoint: { settings } }),
    } as unknown as ProviderRegistry;
    const listed = (settings: ProviderConfig['settings']) => {
      const config = { providers: [provider({ name: 'az', type: 'azure-openai', settings })], models: [] };
      const found = buildRoutes(config as unknown as Config, registry, catalog);
      expect(place(found, 'gpt-4.1')).toBe('az:gpt-4.1');
      return found.served.map(({ id }) => [id, place(found, id)]);
    };
    expect(listed({})).toEqual([]);
    expect(listed({ deployments: { 'gpt-4o': 'prod', ours: 'test' } })).toEqual([
      ['gpt-4o', 'az:prod'],
      ['az/ours', 'az:test'],
    ]);
  });

  it('says of a model what its provider does not honour', () => {
    expect(routes.find('openai/gpt-oss-120b')?.card?.refuses).toEqual(
      expect.arrayContaining(['logit_bias', 'top_logprobs', 'n', 'logprobs']),
    );
  });

  it('finds what is behind a name that is not listed', () => {
    expect(routes.find('bare/anything')).toMatchObject({ id: 'bare/anything', ownedBy: 'openai-compatible' });
    expect(routes.find('nobody')).toBeUndefined();
  });

  it.each<readonly [string, Partial<ProviderConfig>, object, readonly [model: string, baseModel: string]]>([
    ['no settings', {}, {}, ['gpt-4o', 'gpt-4o']],
    ['a deployment of another name', { settings: { deployments: { 'gpt-4o': 'prod' } } }, {}, ['prod', 'gpt-4o']],
    ['no deployment of this name', { settings: { deployments: { other: 'prod' } } }, {}, ['gpt-4o', 'gpt-4o']],
    ['a base model for all', { settings: { baseModel: 'o3' } }, {}, ['gpt-4o', 'o3']],
    ['a base model of the target', { settings: { baseModel: 'o3' } }, { baseModel: 'o4-mini' }, ['gpt-4o', 'o4-mini']],
  ])('knows the wire model and the base model: %s', (_, given, target, [model, baseModel]) => {
    const found = routesOf([{ name: 'a', ...given }], [alias('x', [{ provider: 'a', model: 'gpt-4o', ...target }])]);
    expect(found.resolve('x')?.deployments[0]).toMatchObject({ model, baseModel });
    const named = routesOf([{ name: 'a', settings: { deployments: { 'gpt-4o': 'prod' } } }]);
    expect(named.resolve('a/gpt-4o')?.deployments[0]).toMatchObject({ model: 'prod', baseModel: 'gpt-4o' });
    expect(named.resolve('a/constructor')?.deployments[0]).toMatchObject({ model: 'constructor' });
  });

  it('takes the clocks of the route, then of the provider, then the usual ones', () => {
    const found = routesOf(
      [{ name: 'a', timeouts: { idle: 2, total: 3 } }],
      [alias('x', [{ provider: 'a', model: 'm' }], { timeouts: { idle: 1 }, defaults: { top_p: 1 } })],
    );
    expect(found.resolve('x')).toMatchObject({
      defaults: { top_p: 1 },
      deployments: [{ timeouts: { idle: 1, total: 3, connect: 5000, firstToken: 300_000 } }],
    });
    expect(found.resolve('a/m')).toMatchObject({
      defaults: {},
      deployments: [{ timeouts: { idle: 2, total: 3, connect: 5000 } }],
    });
  });

  it('remembers the names that were asked for, but not without end', () => {
    const found = routesOf([{ name: 'a' }]);
    const first = found.resolve('a/first');
    expect(found.resolve('a/first')).toBe(first);
    for (let at = 0; at < 10_000; at += 1) found.resolve(`a/${at}`);
    expect(found.resolve('a/first')).toBe(first);
    expect(found.resolve('a/late')).toEqual(found.resolve('a/late'));
    expect(found.resolve('a/late')).not.toBe(found.resolve('a/late'));
  });

  it.each<readonly [string, readonly Given[], readonly ModelConfig[], string]>([
    ['a target at no provider', [], [alias('x', [{ provider: 'gone', model: 'm' }])], 'There is no provider "gone".'],
    ['a type nobody knows', [{ name: 'a', type: 'acme' }], [], 'Provider "a": there is no type "acme".'],
    [
      'no address',
      [provider({ name: 'a', type: 'cloudflare', baseUrl: 'https://x.test/{accountId}' })],
      [],
      'Provider "a" needs `accountId`.',
    ],
  ])('cannot be built with %s', (_, providers, models, message) => {
    expect(() => routesOf(providers, models)).toThrow(message);
  });
});
