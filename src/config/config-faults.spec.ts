import { writeFileSync } from 'node:fs';
import { loadConfig } from './load-config.js';
import { configFolder, TYPES } from '../../test/support/config-folder.js';

const { path, load, problems } = configFolder();

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
    [
      'usage: { keepRequests: 90d, keepSums: 89d }',
      '1:8 usage: keepSums must not be shorter than keepRequests, which is for ever where it is absent',
    ],
    [
      'usage: { keepSums: 800d }',
      '1:8 usage: keepSums must not be shorter than keepRequests, which is for ever where it is absent',
    ],
    ['database: { url: mysql://u:secret@db }', '1:18 database.url: must be a postgres:// or postgresql:// URL'],
    [
      '- a',
      '1:1 : must be a map of server, database, redis, dataDir, providers, models, keys, teams, prices, limits, usage',
    ],
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
    [
      'keys:\n  - { name: a, key: "${SECRET:-sk-1 }" }\n  - { name: b, key: sk-1 }',
      '3:21 keys[1].key: another one has this key already',
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
    const source = { types: TYPES, env: { PARLEY_CONFIG: 'other.yaml' }, cwd: path() };
    expect(() => loadConfig(source)).toThrow('other.yaml: there is no such file');
    writeFileSync(path('other.yaml'), 'server: { port: 1 }');
    expect(loadConfig(source).server.port).toBe(1);
    expect(() => loadConfig({ ...source, file: 'third.yaml' })).toThrow('third.yaml: there is no such file');
    expect(() => loadConfig({ ...source, file: path() })).toThrow('cannot be read (EISDIR)');
  });
});
