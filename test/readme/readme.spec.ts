import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { transformSync } from '@swc/core';
import { notYetInForce } from '../../src/config/config-warnings.js';
import { loadConfig } from '../../src/config/load-config.js';
import { PROVIDER_TYPES } from '../../src/providers/provider-types.js';
import { type Gateway, startGateway } from '../support/gateway.js';

const ROOT = join(import.meta.dirname, '..', '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const pageOn = (subject: string): string => readFileSync(join(ROOT, 'docs', `${subject}.md`), 'utf8');
const ADDRESS = 'http://127.0.0.1:4100';

/** What a sample prints beyond something: the section's own point. */
const PRINTS: Readonly<Record<string, RegExp>> = {
  Streaming: /\d+ tokens|data: \[DONE\]/,
  'Function calling': /get_weather/,
  'JSON schema': /guests/,
};

interface Sample {
  readonly section: string;
  readonly code: string;
}

/** The fenced blocks of one language, each with the heading it stands under. */
function samples(language: string, page = README): readonly Sample[] {
  return page.split(/^#+ /m).flatMap((part) => {
    const section = part.slice(0, part.indexOf('\n'));
    const fences = part.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'));
    return [...fences].map(([, code = '']) => ({ section, code }));
  });
}

/** Runs a program on stdin, where Node resolves packages from the folder it runs in, and returns what it printed. */
async function run(program: readonly string[], code: string, env: Readonly<Record<string, string>>): Promise<string> {
  const [command = '', ...args] = program;
  const child = spawn(command, args, { cwd: ROOT, env: { PATH: process.env['PATH'], ...env } });
  const exit = once(child, 'close');
  child.stdin.end(code);
  const [printed, complaint] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [status] = await exit;
  if (status !== 0) throw new Error(`exit code ${String(status)}: ${complaint}${printed}`);
  return printed;
}

function has(command: string): boolean {
  try {
    return execFileSync(command, ['--version']).length > 0;
  } catch {
    return false;
  }
}

describe('the samples of the README', () => {
  let gateway: Gateway;

  beforeAll(async () => {
    const [simulated] = samples('yaml');
    gateway = await startGateway({ config: simulated?.code ?? '' });
  });
  afterAll(() => gateway.close());

  const here = (code: string): string => code.replaceAll(ADDRESS, gateway.url);

  const typescript = samples('typescript');
  it.each(typescript)('TypeScript: $section', async ({ section, code }) => {
    const { code: javascript } = transformSync(here(code), {
      jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
      module: { type: 'es6' },
    });
    const printed = await run([process.execPath, '--input-type=module'], javascript, { PARLEY_API_KEY: gateway.key });
    expect(printed.trim()).not.toMatch(/^(null|undefined)?$/);
    expect(printed).toMatch(PRINTS[section] ?? /./);
  });

  const curl = samples('bash');
  const curlOrSkip = has('curl') ? it : it.skip; // Node and npm are all that the tests ask of a machine
  curlOrSkip.each(curl)('curl: $section', async ({ section, code }) => {
    const printed = await run(['bash', '-euo', 'pipefail'], here(code), { PARLEY_API_KEY: gateway.key });
    expect(printed).toMatch(/"choices":/);
    expect(printed).toMatch(PRINTS[section] ?? /"finish_reason":"stop"/);
  });

  curlOrSkip('curl: keys and teams', async () => {
    const made = (await (await gateway.admin('POST', '/admin/keys', { name: 'mine' })).json()) as { id: string };
    const commands = samples('bash', pageOn('keys')).map(({ code }) => code);
    expect(commands.length).toBeGreaterThan(3);
    for (const code of commands) {
      const quiet = here(code).replaceAll(/^curl /gm, 'curl --silent --fail-with-body ');
      const env = { PARLEY_ADMIN_KEY: gateway.adminKey, KEY_ID: made.id };
      expect(await run(['bash', '-euo', 'pipefail'], quiet, env)).toMatch(/"(id|name)":/);
    }
  });

  it.each([
    ['README', samples('yaml').slice(1)],
    ...['routing', 'keys', 'limits', 'ledger', 'prices'].map(
      (subject) => [subject, samples('yaml', pageOn(subject))] as const,
    ),
    ['providers', samples('yaml', pageOn('providers')).slice(0, 1)],
  ] as const)('of configurations in %s are sound, and this version acts on all of them', (_, configurations) => {
    expect(configurations).not.toEqual([]);
    for (const { code } of configurations) expect(neglectedIn(code)).toEqual([]);
  });

  /** What a configuration asks for in vain; throws where it is not sound. */
  function neglectedIn(code: string): readonly string[] {
    const folder = mkdtempSync(join(tmpdir(), 'parley-readme-'));
    try {
      const file = join(folder, 'parley.yaml');
      writeFileSync(file, code);
      const env = {
        OPENAI_API_KEY: 'sk-1',
        OPENAI_KEY_1: 'sk-1',
        OPENAI_KEY_2: 'sk-2',
        ANTHROPIC_API_KEY: 'sk-ant-1',
        GEMINI_API_KEY: 'key',
        AZURE_OPENAI_API_KEY: 'key',
        AZURE_KEY: 'key',
        CI_KEY: `sk-parley-${'a'.repeat(43)}`,
      };
      return notYetInForce(loadConfig({ types: PROVIDER_TYPES, file, env }));
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  it('cover each section in each language', () => {
    const sections = (found: readonly Sample[]): string[] => found.map(({ section }) => section);
    expect(sections(typescript)).toEqual([
      'Basic',
      'Streaming',
      'Function calling',
      'Vision',
      'JSON mode',
      'JSON schema',
    ]);
    expect(sections(curl)).toEqual(sections(typescript));
    expect(sections(samples('python'))).toEqual(sections(typescript));
  });
});
