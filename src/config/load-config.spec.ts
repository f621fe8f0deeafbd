import { notYetInForce, unresolvedFallbacks } from './config-warnings.js';
import type { Environment } from './load-config.js';
import { configFolder, provider, revealed } from '../../test/support/config-folder.js';

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

const { path, load, problems } = configFolder();

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
      dataDir: path('data'),
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
      teams: [],
      prices: {},
      limits: { cutOff: false },
      usage: {},
    });
    expect(notYetInForce(config)).toEqual([]);
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
