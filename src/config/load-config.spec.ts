import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '../domain/secret.js';
import type { Config } from './config.js';
import { ConfigError } from './config-error.js';
import { notYetInForce, unresolvedFallbacks } from './config-warnings.js';
import { loadConfig, type Environment } from './load-config.js';
import type { ProviderType } from './provider-type.js';

const TYPES: readonly ProviderType[] = [
  { type: 'openai', keyEnv: ['OPENAI_API_KEY'], baseUrlEnv: ['OPENAI_BASE_URL'] },
  { type: 'anthropic', keyEnv: ['ANTHROPIC_API_KEY'], baseUrlEnv: ['ANTHROPIC_BASE_URL'] },
  {
    type: 'azure-openai',
    keyEnv: ['AZURE_OPENAI_API_KEY', 'AZURE_API_KEY'],
    baseUrlEnv: ['AZURE_OPENAI_ENDPOINT'],
    addressSettings: ['resourceName'],
    settings: {
      resourceName: { kind: 'string', env: 'AZURE_RESOURCE_NAME' },
      apiVersion: { kind: 'string', env: 'OPENAI_API_VERSION' },
      deployments: { kind: 'map' },
    },
  },
  { type: 'ollama', keyEnv: ['OLLAMA_API_KEY'], baseUrlEnv: ['OLLAMA_BASE_URL'], keyless: true },
  { type: 'simulator', keyEnv: [], baseUrlEnv: [], keyless: true },
  { type: 'openai-compatible', keyEnv: [], baseUrlEnv: [], needsBaseUrl: true, quirks: ['noStreamOptions'] },
];

const DOCUMENTED = `
server:   { host: 127.0.0.1, port: 4100, bodyLimit: 32mb, workers: 1 }   # workers: auto = one per core
database: { url: postgres://parley@db/parley }     # absent: embedded, under dataDir
redis:    { url: redis://redis:6379 }              # absent: limits and breaker state are kept in the process
dataDir:  ./data

providers:                      # any name; \`type\` defaults to the name
  openai:     { apiKey: '\${OPENAI_API_KEY}' }
  anthropic:  { apiKey: '\${ANTHROPIC_API_KEY}' }
  eu-azure:   { type: azure-openai, baseUrl: https://x.openai.azure.com, apiKey: '\${AZURE_KEY}' }
  lab:        { type: openai-compatible, baseUrl: http://10.0.0.5:8000/v1, quirks: [noStreamOptions] }

models:                         # public names; what clients write in \`model\`
  gpt-4:
    targets:
      - { provider: openai,   model: gpt-4.1, weight: 3 }
      - { provider: eu-azure, model: gpt-4-deployment, weight: 1 }
    strategy: weighted
    retries: 2
    fallbacks: [claude-sonnet]
    contextWindowFallbacks: [gemini-2.5-pro]
    timeouts: { connect: 5s, firstToken: 5m, idle: 2m, total: 10m }
    defaults: { temperature: 0.2 }

keys:
  - { name: ci, key: '\${CI_KEY}', models: [gpt-4], rpm: 60, tpm: 100000, budget: { usd: 20, per: month } }
`;
const DOCUMENTED_ENV = { OPENAI_API_KEY: 'sk-o', ANTHROPIC_API_KEY: 'sk-a', AZURE_KEY: 'az', CI_KEY: 'sk-parley-ci' };

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'parley-config-'));
});
afterEach(() => rmSync(cwd, { recursive: true }));

function load(yaml: string | undefined, env: Environment = {}): Config {
  if (yaml !== undefined) writeFileSync(join(cwd, 'parley.yaml'), yaml);
  return loadConfig({ types: TYPES, env, cwd });
}

/** `3:5 path: message` of each problem, in order. */
function problems(yaml: string | undefined, env: Environment = {}): string[] {
  try {
    load(yaml, env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ line, column, path, message }) => {
      const place = line === null ? 'environment' : `${line}:${column}`;
      return `${place} ${path}: ${message}`;
    });
  }
  return [];
}

/** Secrets laid open, so that they can be compared. */
function revealed(value: unknown): unknown {
  if (value instanceof Secret) return value.reveal();
  if (Array.isArray(value)) return value.map(revealed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, revealed(inner)]));
}

describe('a sound config', () => {
  it.each([
    ['YAML', () => DOCUMENTED],
    ['JSON', () => JSON.stringify(JSON_FORM)],
  ])('is read as documented, in %s', (_form, source) => {
    const config = load(source(), DOCUMENTED_ENV);
    expect(revealed(config)).toEqual({
      server: {
        host: '127.0.0.1',
        port: 4100,
        bodyLimit: 32 * 1024 * 1024,
        workers: 1,
        drainTimeout: 30_000,
        earlyHeaders: false,
        cors: { origins: [] },
      },
      database: { url: 'postgres://parley@db/parley' },
      redis: { url: 'redis://redis:6379' },
      dataDir: join(cwd, 'data'),
      logLevel: 'info',
      providers: [
        provider('openai', { apiKeys: ['sk-o'] }),
        provider('anthropic', { apiKeys: ['sk-a'] }),
        provider('eu-azure', { type: 'azure-openai', baseUrl: 'https://x.openai.azure.com', apiKeys: ['az'] }),
        provider('lab', {
          type: 'openai-compatible',
          baseUrl: 'http://10.0.0.5:8000/v1',
          quirks: ['noStreamOptions'],
        }),
      ],
      models: [
        {
          name: 'gpt-4',
          targets: [
            { provider: 'openai', model: 'gpt-4.1', weight: 3 },
            { provider: 'eu-azure', model: 'gpt-4-deployment', weight: 1 },
          ],
          strategy: 'weighted',
          retries: 2,
          fallbacks: ['claude-sonnet'],
          contextWindowFallbacks: ['gemini-2.5-pro'],
          contentPolicyFallbacks: [],
          timeouts: { connect: 5_000, firstToken: 300_000, idle: 120_000, total: 600_000 },
          defaults: { temperature: 0.2 },
        },
      ],
      keys: [
        {
          name: 'ci',
          key: 'sk-parley-ci',
          tags: [],
          models: ['gpt-4'],
          allowedIps: null,
          rpm: 60,
          tpm: 100_000,
          budget: { usd: 20, per: 'month' },
        },
      ],
    });
    expect(notYetInForce(config)).toEqual([
      'redis',
      'models.gpt-4.strategy (weighted)',
      'models.gpt-4.targets (all but the first)',
      'models.gpt-4.fallbacks',
      'models.gpt-4.contextWindowFallbacks',
      'keys.ci.rpm',
      'keys.ci.tpm',
      'keys.ci.budget',
    ]);
    expect(unresolvedFallbacks(config)).toEqual([
      'models.gpt-4 falls back to claude-sonnet',
      'models.gpt-4 falls back to gemini-2.5-pro',
    ]);
  });

  it('needs nothing at all, not even a file', () => {
    for (const nothing of [undefined, '', '# nothing\n', 'server:\nproviders:\n']) {
      expect(load(nothing)).toMatchObject({ server: { host: '127.0.0.1', port: 4100 }, providers: [], keys: [] });
    }
  });

  it('is frozen all through, and shows no secret', () => {
    const config = load(DOCUMENTED, { ...DOCUMENTED_ENV, PARLEY_ADMIN_KEY: 'admin-key-of-the-test' });
    const parts = [config, config.server.cors.origins, config.providers[0], config.models[0]?.targets[0]];
    expect(parts.map((part) => Object.isFrozen(part))).toEqual([true, true, true, true]);
    expect(JSON.stringify(config)).not.toMatch(/sk-o|sk-a|sk-parley-ci|admin-key|postgres:/);
  });

  it.each([
    ['250ms', 250],
    ['1.5s', 1_500],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['400', 400],
  ])('reads the duration %s', (written, ms) => {
    expect(load(`server: { drainTimeout: ${written} }`).server.drainTimeout).toBe(ms);
  });

  it.each([
    ['64kb', 65_536],
    ['1MB', 1_048_576],
    ['4096', 4_096],
  ])('reads the size %s', (written, bytes) => {
    expect(load(`server: { bodyLimit: ${written} }`).server.bodyLimit).toBe(bytes);
  });

  it('follows aliases', () => {
    const { models } = load(
      'providers: { simulator: }\nmodels:\n  a: { targets: &t [{ provider: simulator, model: x }] }\n  b: { targets: *t }\n',
    );
    expect(models[1]?.targets).toEqual([{ provider: 'simulator', model: 'x', weight: 1 }]);
  });

  it('keeps fields that look like parts of an object apart from it', () => {
    const { models } = load(
      'providers: { simulator: {} }\nmodels: { a: { targets: [{ provider: simulator, model: x }], defaults: { __proto__: { polluted: 1 } } } }',
    );
    expect(Object.keys(models[0]?.defaults ?? {})).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

const JSON_FORM = {
  $schema: './parley.schema.json',
  server: { host: '127.0.0.1', port: 4100, bodyLimit: '32mb', workers: 1 },
  database: { url: 'postgres://parley@db/parley' },
  redis: { url: 'redis://redis:6379' },
  dataDir: './data',
  providers: {
    openai: { apiKey: '${OPENAI_API_KEY}' },
    anthropic: { apiKey: '${ANTHROPIC_API_KEY}' },
    'eu-azure': { type: 'azure-openai', baseUrl: 'https://x.openai.azure.com', apiKey: '${AZURE_KEY}' },
    lab: { type: 'openai-compatible', baseUrl: 'http://10.0.0.5:8000/v1', quirks: ['noStreamOptions'] },
  },
  models: {
    'gpt-4': {
      targets: [
        { provider: 'openai', model: 'gpt-4.1', weight: 3 },
        { provider: 'eu-azure', model: 'gpt-4-deployment', weight: 1 },
      ],
      strategy: 'weighted',
      retries: 2,
      fallbacks: ['claude-sonnet'],
      contextWindowFallbacks: ['gemini-2.5-pro'],
      timeouts: { connect: '5s', firstToken: '5m', idle: '2m', total: '10m' },
      defaults: { temperature: 0.2 },
    },
  },
  keys: [{ name: 'ci', key: '${CI_KEY}', models: ['gpt-4'], rpm: 60, tpm: 100000, budget: { usd: 20, per: 'month' } }],
};

function provider(name: string, other: Readonly<Record<string, unknown>>) {
  return { name, type: name, apiKeys: [], headers: {}, timeouts: {}, quirks: [], settings: {}, ...other };
}

describe('variables in the file', () => {
  it.each<[what: string, written: string, env: Environment, read: string]>([
    ['a variable', '${A}', { A: 'x' }, 'x'],
    ['two, with text around', 'a-${A}-${B}-z', { A: '1', B: '2' }, 'a-1-2-z'],
    ['a default', '${A:-fallback}', {}, 'fallback'],
    ['a default for an empty one', '${A:-fallback}', { A: '' }, 'fallback'],
    ['no default where it is set', '${A:-fallback}', { A: 'x' }, 'x'],
    ['a default with a colon', '${A:-http://x:1}', {}, 'http://x:1'],
    ['a plain ${', '$${A}', { A: 'x' }, '${A}'],
    ['a lone $', '$A costs 5$', {}, '$A costs 5$'],
    ['a value with a reference in it', '${A}', { A: '${B}', B: 'no' }, '${B}'],
    ['a value full of YAML', '${A}', { A: 'a: b #c "d" \'e\' {f} [g]' }, 'a: b #c "d" \'e\' {f} [g]'],
    ['a value of several lines', '${A}', { A: 'a:\n  - b\n' }, 'a:\n  - b\n'],
    ['a value that looks like a pattern', '${A}', { A: "$& $1 $' $$" }, "$& $1 $' $$"],
    ['a value that looks like another type', '${A}', { A: 'true' }, 'true'],
  ])('put in %s', (_what, written, env, read) => {
    const yaml = `providers: { simulator: {} }\nmodels: { m: { targets: [{ provider: simulator, model: x }], defaults: { user: ${JSON.stringify(written)} } } }`;
    expect(load(yaml, env).models[0]?.defaults['user']).toBe(read);
  });

  it('may stand where no text is wanted', () => {
    const yaml = [
      'server:',
      '  port: ${P}',
      "  workers: '${W}'",
      '  earlyHeaders: ${E:-true}',
      '  drainTimeout: ${D:-5s}',
      "  cors: { origins: ['${O:-}', 'https://a.example'] }",
      'database:',
      '  url: ${DB:-}',
    ].join('\n');
    expect(load(yaml, { P: '80', W: 'auto' })).toMatchObject({
      server: {
        port: 80,
        workers: 'auto',
        earlyHeaders: true,
        drainTimeout: 5_000,
        cors: { origins: ['https://a.example'] },
      },
      database: {},
    });
  });

  it('never show what they hold', () => {
    const yaml = 'server:\n  port: ${KEY}\n  host: ${KEY}\n  workers: ${KEY}\nredis: { url: "${KEY}" }';
    const said = problems(yaml, { KEY: 'sk secret' }).join('\n');
    expect(said.split('\n')).toHaveLength(4);
    expect(said).not.toContain('secret');
  });
});

const target = 'targets: [{ provider: openai, model: x }]';
const openai = 'providers: { openai: {} }';

describe('a config with faults', () => {
  it.each<[yaml: string, ...expected: string[]]>([
    ['sever: {}', '1:1 sever: unknown key "sever"; did you mean "server"?'],
    ['server:\n  body_limit: 1mb', '2:3 server.body_limit: unknown key "body_limit"; did you mean "bodyLimit"?'],
    ['database: { adress: x }', '1:13 database.adress: unknown key "adress"; possible here: url'],
    [
      'server: 4100',
      '1:9 server: must be a map of host, port, adminPort, bodyLimit, workers, drainTimeout, earlyHeaders, cors',
    ],
    ['server:\n  port: "4100"', '2:9 server.port: must be a whole number from 0 to 65535, not "4100"'],
    ['server:\n  port: 65536', '2:9 server.port: must be a whole number from 0 to 65535, not 65536'],
    ['server: { earlyHeaders: yes }', '1:25 server.earlyHeaders: must be true or false, not "yes"'],
    ['server: { workers: 0 }', '1:20 server.workers: must be a whole number of at least 1, or auto, not 0'],
    [
      'server: { drainTimeout: 5 minutes }',
      '1:25 server.drainTimeout: must be a duration such as 250ms, 5s, 5m or 2h, of at most 24 days, not "5 minutes"',
    ],
    [
      'server: { bodyLimit: 2gb }',
      '1:22 server.bodyLimit: must be a size such as 512kb or 32mb, from 1024 bytes to 512mb, not "2gb"',
    ],
    [
      'server: { cors: { origins: [https://a.example/path] } }',
      '1:29 server.cors.origins[0]: must be an origin such as https://app.example.com, or *, not "https://a.example/path"',
    ],
    ['database: { url: mysql://u:secret@db }', '1:18 database.url: must be a postgres:// or postgresql:// URL'],
    ['- a', '1:1 : must be a map of server, database, redis, dataDir, providers, models, keys'],
    ['server: {}\nserver: {}', '2:1 : this key is there twice'],
    ['server: !env x', '1:9 : this tag has no meaning here', expect.any(String)],
    ['server: {}\n---\nredis: {}', '2:1 : a second document begins here; a config file is one'],
    ['server:\n\tport: 1', '2:1 : Tabs are not allowed as indentation'],
    [
      'server: { port: ${PORT} }',
      '1:18 : Unexpected flow-map-start at node end; between { } or [ ] a value with ${…} must be in quotes',
    ],
    [
      'providers: { open-ai: {} }',
      '1:23 providers.open-ai: "open-ai" is no type of provider, so it needs a "type"; did you mean "openai"?',
    ],
    [
      'providers: { lab: { type: opnai } }',
      '1:27 providers.lab.type: unknown provider type "opnai"; did you mean "openai"?',
    ],
    [
      'providers:\n  a/b: { type: openai }',
      '2:8 providers["a/b"]: the name of a provider is printable ASCII without spaces and slashes',
    ],
    [
      'providers: { azure-openai: { apiKey: k } }',
      '1:28 providers.azure-openai.baseUrl: "baseUrl" is missing, and so is "resourceName", of which the address of the type azure-openai is made, and AZURE_OPENAI_ENDPOINT, AZURE_RESOURCE_NAME is not set',
    ],
    [
      'providers: { lab: { type: openai-compatible } }',
      '1:19 providers.lab.baseUrl: "baseUrl" is missing: the type openai-compatible has no address of its own',
    ],
    [
      'providers: { openai: { apiVersion: x } }',
      '1:24 providers.openai.apiVersion: unknown key "apiVersion"; possible here: type, baseUrl, apiKey, apiKeys, headers, timeouts, concurrency, quirks',
    ],
    [
      'providers: { openai: { baseUrl: "http://u:secret@x" } }',
      '1:33 providers.openai.baseUrl: must be an http:// or https:// URL without user name, query, fragment or braces',
    ],
    [
      'providers: { openai: { headers: { "a b": x, c: "d\\ne" } } }',
      '1:42 providers.openai.headers["a b"]: "a b" is no name for an HTTP header',
      '1:48 providers.openai.headers.c: must be text in printable ASCII (put numbers in quotes), not "d\\ne"',
    ],
    [
      'providers: { lab: { type: openai-compatible, baseUrl: http://x, quirks: [noStreamOption] } }',
      '1:74 providers.lab.quirks[0]: must be one of noStreamOptions, not "noStreamOption"; did you mean "noStreamOptions"?',
    ],
    ['providers: { openai: { apiKey: "käse" } }', '1:32 providers.openai.apiKey: must be a key in printable ASCII'],
    ['providers: { openai: { apiKey: 5 } }', '1:32 providers.openai.apiKey: must be a key in printable ASCII'],
    [`${openai}\nmodels: { m: {} }`, '2:14 models.m.targets: "targets" is missing'],
    [`${openai}\nmodels: { m: { targets: [] } }`, '2:25 models.m.targets: must name at least 1'],
    [
      `${openai}\nmodels:\n  gpt-4.1:\n    targets:\n      - { provider: opnai, model: x }`,
      '5:21 models["gpt-4.1"].targets[0].provider: there is no provider "opnai"; did you mean "openai"?',
    ],
    [
      `models: { m: { ${target} } }`,
      '1:38 models.m.targets[0].provider: there is no provider "openai" (add it under providers, or, where the file has no such section, set OPENAI_API_KEY)',
    ],
    [
      `${openai}\nmodels: { m: { ${target}, strategy: weight, fallbacks: [m], defaults: { stream: true } } }`,
      expect.stringMatching(/^2:\d+ models\.m\.strategy: must be one of .* did you mean "weighted"\?$/),
      expect.stringMatching(/models\.m\.fallbacks\[0\]: a model cannot be its own fallback$/),
      expect.stringMatching(/models\.m\.defaults\.stream: "stream" has no default/),
    ],
    [
      'keys:\n  - { name: a, key: k, budget: { usd: 1, per: year } }\n  - { name: a, allowedIps: [10.0.0.0/33, 10.0.0.1], expiresAt: soon }',
      '2:47 keys[0].budget.per: must be one of day, week, month, total, not "year"',
      '3:5 keys[1].key: "key" is missing',
      '3:13 keys[1].name: another one has this name already',
      '3:29 keys[1].allowedIps[0]: must be an IP address or a block such as 10.0.0.0/8, not "10.0.0.0/33"',
      '3:64 keys[1].expiresAt: must be a date such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z, not "soon"',
    ],
    ['dataDir: "${NOPE}"', '1:10 dataDir: the environment variable NOPE is not set, and has no default here'],
    ['dataDir: "${constructor}"', expect.stringContaining('constructor is not set')],
    [
      'dataDir: "${A:-${B}}"',
      '1:10 dataDir: "${A:-${B}" is not of the form ${NAME} or ${NAME:-default}; write $${ for a plain ${',
    ],
    ['dataDir: "${A"', expect.stringContaining('"${A" is not of the form')],
    ['a: &a [*a, *a]', expect.stringMatching(/^1:1 a: /), expect.stringContaining('aliases')],
  ])('%j is refused', (yaml, ...expected) => {
    expect(problems(yaml)).toEqual(expected);
  });

  it('is answered before an alias bomb goes off, and for nesting without end', () => {
    const levels = Array.from({ length: 30 }, (_, n) => `l${n}: &l${n} [*l${n - 1}, *l${n - 1}, *l${n - 1}]`).slice(1);
    expect(problems(`l0: &l0 [x]\n${levels.join('\n')}`).join()).toContain('more than 1000 aliases');
    expect(problems('['.repeat(50_000))).toHaveLength(1);
  });

  it('says it all in one message, with file, line and column', () => {
    expect(() => load('sever: {}\nserver: { port: x }', { PARLEY_PORT: 'y' })).toThrow(
      new Error(
        'The configuration has 3 problems:\n' +
          '  parley.yaml:1:1 sever: unknown key "sever"; did you mean "server"?\n' +
          '  parley.yaml:2:17 server.port: must be a whole number from 0 to 65535, not "x"\n' +
          '  environment PARLEY_PORT: must be a whole number from 0 to 65535',
      ),
    );
  });

  it('must be there when it is named', () => {
    const source = { types: TYPES, env: { PARLEY_CONFIG: 'other.yaml' }, cwd };
    expect(() => loadConfig(source)).toThrow('other.yaml: there is no such file');
    writeFileSync(join(cwd, 'other.yaml'), 'server: { port: 1 }');
    expect(loadConfig(source).server.port).toBe(1);
    expect(() => loadConfig({ ...source, file: 'third.yaml' })).toThrow('third.yaml: there is no such file');
    expect(() => loadConfig({ ...source, file: cwd })).toThrow('cannot be read (EISDIR)');
  });
});

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
