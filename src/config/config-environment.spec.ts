import type { Config } from './config.js';
import type { Environment } from './load-config.js';
import { configFolder, provider, revealed } from '../../test/support/config-folder.js';

const { load, problems } = configFolder();
const target = 'targets: [{ provider: openai, model: x }]';

describe('the environment', () => {
  const file = 'server: { host: 10.0.0.1, port: 1 }\ndatabase: { url: postgres://file }\ndataDir: ./file';

  it.each<[env: Environment, part: (config: Config) => unknown, value: unknown]>([
    [{}, ({ server }) => [server.host, server.port], ['10.0.0.1', 1]],
    [
      { PARLEY_HOST: '0.0.0.0', HOST: '::1', PARLEY_PORT: '2', PORT: '3' },
      ({ server }) => [server.host, server.port],
      ['0.0.0.0', 2],
    ],
    [{ HOST: '::1', PORT: '3' }, ({ server }) => [server.host, server.port], ['10.0.0.1', 3]],
    [{ PARLEY_PORT: 'tcp://10.0.0.7:4100', PORT: '' }, ({ server }) => [server.host, server.port], ['10.0.0.1', 1]],
    [{ DATABASE_URL: 'postgres://b' }, ({ database }) => database.url?.reveal(), 'postgres://b'],
    [
      { PARLEY_DATABASE_URL: 'postgresql://a', DATABASE_URL: 'postgres://b' },
      ({ database }) => database.url?.reveal(),
      'postgresql://a',
    ],
    [{ REDIS_URL: 'rediss://r:1' }, ({ redis }) => redis.url?.reveal(), 'rediss://r:1'],
    [{ PARLEY_DATA_DIR: '/var/lib/parley' }, ({ dataDir }) => dataDir, '/var/lib/parley'],
    [{ PARLEY_LOG_LEVEL: 'debug' }, ({ logLevel }) => logLevel, 'debug'],
    [{ PARLEY_ADMIN_KEY: '0123456789abcdef\n' }, ({ adminKey }) => adminKey?.reveal(), '0123456789abcdef'],
    [{ PARLEY_SECRET_KEY: 's' }, ({ secretKey }) => secretKey?.reveal(), 's'],
  ])('%j wins over the file', (env, part, value) => {
    expect(part(load(file, env))).toEqual(value);
  });

  it.each<[env: Environment, yaml: string | undefined, problem: string]>([
    [
      { PARLEY_ADMIN_KEY: '0123456789abcde' },
      undefined,
      'PARLEY_ADMIN_KEY: must be a key of 16 characters or more in printable ASCII',
    ],
    [{ PORT: '4100x' }, undefined, 'PORT: must be a whole number from 0 to 65535'],
    [{ DATABASE_URL: 'mysql://x' }, undefined, 'DATABASE_URL: must be a postgres:// or postgresql:// URL'],
    [
      { PARLEY_LOG_LEVEL: 'loud' },
      undefined,
      'PARLEY_LOG_LEVEL: must be one of trace, debug, info, warn, error, fatal, silent',
    ],
    [
      { OPENAI_API_KEY: 'k', OPENAI_BASE_URL: 'localhost' },
      undefined,
      'OPENAI_BASE_URL: must be an http:// or https:// URL without user name, query, fragment or braces',
    ],
    [
      { PARLEY_ADMIN_KEY: '0123456789abcdef' },
      'keys: [{ name: a, key: 0123456789abcdef }]',
      'PARLEY_ADMIN_KEY: must not be the key of a client as well',
    ],
  ])('%j is refused', (env, yaml, problem) => {
    expect(problems(yaml, env)).toEqual([`environment ${problem}`]);
  });

  const everywhere = {
    OLLAMA_BASE_URL: 'http://o:1/v1/',
    AZURE_OPENAI_API_KEY: '',
    AZURE_API_KEY: ' az\n',
    AZURE_OPENAI_ENDPOINT: 'https://x.example',
    OPENAI_API_VERSION: 'v1',
    OPENAI_API_KEY: 'k',
    OPENAI_BASE_URL: 'http://p',
  };

  it('tells of providers, in the order of their types', () => {
    expect(revealed(load('server: {}', everywhere).providers)).toEqual([
      provider('openai', { apiKeys: ['k'], baseUrl: 'http://p' }),
      provider('azure-openai', { apiKeys: ['az'], baseUrl: 'https://x.example', settings: { apiVersion: 'v1' } }),
      provider('ollama', { baseUrl: 'http://o:1/v1' }),
    ]);
    expect(load(`models: { m: { ${target} } }`, everywhere).models).toHaveLength(1);
  });

  it('tells of none where the file has a section, or where an address or a key is wanting', () => {
    expect(load('providers: {}', everywhere).providers).toEqual([]);
    expect(load('', { AZURE_API_KEY: 'k', OPENAI_BASE_URL: 'http://p', OLLAMA_BASE_URL: '' }).providers).toEqual([]);
  });

  it('takes the name of a resource in place of an address', () => {
    const named = provider('azure-openai', { apiKeys: ['az'], settings: { resourceName: 'ours' } });
    expect(revealed(load('', { AZURE_API_KEY: 'az', AZURE_RESOURCE_NAME: 'ours' }).providers)).toEqual([named]);
    const yaml = 'providers: { azure-openai: { apiKey: az, resourceName: ours } }';
    expect(revealed(load(yaml, {}).providers)).toEqual([named]);
  });

  it('fills in what the file leaves out of a provider', () => {
    const yaml = [
      'providers:',
      '  openai:',
      '  mine: { type: openai, baseUrl: http://mine/v1/, apiKey: a, apiKeys: [b], headers: { x-a: "1" }, timeouts: { idle: 1s } }',
      '  open: { type: openai, apiKeys: [] }',
      '  azure-openai: { apiVersion: v2, deployments: { gpt-4: one } }',
    ].join('\n');
    expect(revealed(load(yaml, everywhere).providers)).toEqual([
      provider('openai', { apiKeys: ['k'], baseUrl: 'http://p' }),
      provider('mine', {
        type: 'openai',
        apiKeys: ['a', 'b'],
        baseUrl: 'http://mine/v1',
        headers: { 'x-a': '1' },
        timeouts: { idle: 1_000 },
      }),
      provider('open', { type: 'openai', baseUrl: 'http://p' }),
      provider('azure-openai', {
        apiKeys: ['az'],
        baseUrl: 'https://x.example',
        settings: { apiVersion: 'v2', deployments: { 'gpt-4': 'one' } },
      }),
    ]);
  });
});
