import { Ajv } from 'ajv';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { parley } from './cli.js';
import { PROVIDER_TYPES } from './providers/provider-types.js';
import { openSqlite } from './storage/sql/sqlite.js';

const SCHEMA = join(import.meta.dirname, '..', 'parley.schema.json');

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'parley-cli-'));
});
afterEach(() => rmSync(cwd, { recursive: true }));

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  let [out, err] = ['', ''];
  const terminal = { out: (text: string) => (out += text), err: (text: string) => (err += text) };
  const code = await parley(args, terminal, { env, cwd });
  return { code, out, err };
}

const EXAMPLE = `
server:   { host: 127.0.0.1, port: 4100, bodyLimit: 32mb, workers: 1 }
database: { url: postgres://parley@db/parley }
redis:    { url: redis://redis:6379 }
dataDir:  ./data
providers:
  openai:     { apiKey: '\${OPENAI_API_KEY}' }
  simulator:
  eu-azure:   { type: azure-openai, baseUrl: https://x.openai.azure.com, apiKey: '\${AZURE_KEY}' }
  lab:        { type: openai-compatible, baseUrl: http://10.0.0.5:8000/v1, quirks: [noStreamOptions] }
models:
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

describe('parley schema', () => {
  it('prints what is committed; if not: npm run -s parley -- schema > parley.schema.json && npm run format', async () => {
    const { code, out } = await run(['schema']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual(JSON.parse(readFileSync(SCHEMA, 'utf8')));
  });

  const check = new Ajv({ strict: true, allowUnionTypes: true }).compile(
    JSON.parse(readFileSync(SCHEMA, 'utf8')) as Record<string, unknown>,
  );

  it('accepts the documented example, and each provider by its name alone', () => {
    check(parse(EXAMPLE));
    expect(check.errors).toBeNull();
    check({ providers: Object.fromEntries(PROVIDER_TYPES.map(({ type }) => [type, {}])) });
    expect(check.errors).toBeNull();
  });

  it.each([
    'sever: {}',
    'server: { port: 65536 }',
    'server: { port: "4100" }',
    'server: { drainTimeout: 5 minutes }',
    'providers: { lab: { type: opnai } }',
    'models: { m: {} }',
    'models: { m: { targets: [] } }',
    'models: { m: { targets: [{ provider: openai }] } }',
    'keys: [{ name: a, key: k, budget: { usd: 1, per: year } }]',
  ])('refuses %s, as the start does', async (yaml) => {
    expect(check(parse(yaml))).toBe(false);
    writeFileSync(join(cwd, 'parley.yaml'), yaml);
    expect((await run(['validate'])).code).toBe(1);
  });
});

describe('parley validate', () => {
  it('sums up a sound config, and warns of what may not be meant', async () => {
    writeFileSync(join(cwd, 'my.yaml'), EXAMPLE);
    const { code, out, err } = await run(['validate', 'my.yaml'], { OPENAI_API_KEY: 'a', AZURE_KEY: 'b', CI_KEY: 'c' });
    expect([code, out]).toEqual([0, `${join(cwd, 'my.yaml')} is sound: 4 providers, 1 model name, 1 key.\n`]);
    expect(err).not.toContain('is not acted on by this version');
    expect(err).toContain('warning: models.gpt-4 falls back to claude-sonnet, which');
  });

  it('tells every fault, and where it is', async () => {
    writeFileSync(join(cwd, 'parley.yaml'), 'sever: {}\nserver: { port: x }');
    const { code, out, err } = await run(['validate']);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('parley.yaml:1:1 sever: unknown key "sever"; did you mean "server"?');
    expect(err).toContain('parley.yaml:2:17 server.port: must be');
  });

  it.each<[args: readonly string[], code: number, said: string]>([
    [['validate'], 0, 'The environment (there is no file) is sound: 1 provider, 0 model names, 0 keys.'],
    [['validate', 'none.yaml'], 1, 'none.yaml: there is no such file'],
    [['--help'], 0, 'parley validate [file]'],
    [[], 2, 'parley validate [file]'],
    [['valdiate'], 2, 'parley validate [file]'],
    [['validate', '--loud'], 2, "Unknown option '--loud'"],
  ])('%j ends with %i', async (args, code, said) => {
    const answer = await run(args, { OPENAI_API_KEY: 'k' });
    expect([answer.code, answer.out + answer.err]).toEqual([code, expect.stringContaining(said)]);
  });
});

describe('parley reprice', () => {
  const config = () => {
    const folder = join(cwd, 'data');
    writeFileSync(join(cwd, 'parley.yaml'), JSON.stringify({ dataDir: folder, providers: { simulator: {} } }));
    return folder;
  };

  it('prices nothing where nothing was used, and says so', async () => {
    const database = await openSqlite(join(config(), 'parley.db'));
    await database.close();
    const { code, out, err } = await run(['reprice', '--from', '2026-11-01', '--to', '2026-11-30']);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(
      /^2026-11-01 to 2026-11-30: 0 requests with known usage, priced by genai-prices-.* and the config\./,
    );
    expect(out).toContain('Total: $0.000000000 before, $0.000000000 now.');
  });

  it.each<[args: readonly string[], code: number, said: string]>([
    [['--from', '2026-11-01', '--to', '2026-11-30'], 1, 'There is no database at '],
    [['--to', '2026-11-30'], 2, '--from must be a day'],
    [['--from', '2026-11-01'], 2, '--to must be a day'],
    [['--from', '2026-02-30', '--to', '2026-11-30'], 2, '--from must be a day'],
    [['--from', '2026-11-01T00:00:00Z', '--to', '2026-11-30'], 2, '--from must be a day'],
    [['--from', "2026-11-01' or 1=1", '--to', '2026-11-30'], 2, '--from must be a day'],
    [['--from', '2026-11-30', '--to', '2026-11-01'], 2, '--to is before --from'],
  ])('%j ends with %i', async (args, code, said) => {
    config();
    const answer = await run(['reprice', ...args]);
    expect([answer.code, answer.out + answer.err]).toEqual([code, expect.stringContaining(said)]);
  });
});
