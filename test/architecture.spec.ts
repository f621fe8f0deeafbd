import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, sep } from 'node:path';
import ts from 'typescript';

/** What each folder of src/ may import besides itself: folders, or single files of one. Files beside them: anything. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  protocols: ['domain'],
  transport: ['domain', 'protocols'],
  config: ['domain'],
  http: ['domain', 'config/live-config'],
  'turn-state': ['domain', 'config'],
  providers: ['domain', 'protocols', 'transport', 'turn-state/turn-state.module', 'config'],
  catalog: ['domain', 'config'],
  availability: ['domain', 'config'],
  estimates: ['domain', 'catalog'],
  limits: ['domain', 'estimates', 'catalog', 'config', 'usage/usage.store'],
  routing: ['domain', 'providers', 'catalog', 'availability', 'estimates', 'limits', 'config'],
  access: ['domain', 'http', 'config'],
  usage: ['domain', 'catalog', 'estimates', 'limits', 'http', 'config', 'access/admin.decorator'],
  repeats: ['domain'],
  chat: ['domain', 'repeats', 'routing', 'catalog', 'http', 'config', 'usage/usage.module', 'usage/usage.interceptor'],
  models: ['domain', 'routing', 'catalog', 'http', 'config'],
  storage: [
    'domain',
    'config',
    'access/virtual-key.store',
    'access/teams/team.store',
    'usage/usage.store',
    'usage/usage-log',
    'usage/expired-usage',
    'turn-state/turn-state.store',
    'availability/breaker-news',
    'limits',
  ],
  reprice: ['domain', 'catalog', 'config', 'storage'],
  docs: ['domain', 'catalog', 'http', 'config', 'access/public.decorator'],
  observability: [
    'domain',
    'catalog',
    'availability',
    'routing',
    'http',
    'config',
    'limits',
    'usage/usage.module',
    'usage/usage-recorder',
    'access/admin.decorator',
    'access/public.decorator',
  ],
  health: ['domain', 'storage', 'config', 'http', 'access/public.decorator'],
};

/** Folders without framework: of packages and of Node only what computes. */
const PURE: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  protocols: [
    'ajv',
    'ajv/dist/2020.js',
    'ajv-formats',
    're2js',
    'lru-cache',
    '@smithy/eventstream-codec',
    '@smithy/util-utf8',
  ],
};
const PURE_BUILT_INS = ['node:buffer', 'node:crypto', 'node:module', 'node:util'];

/** Packages that belong to one place: only that one opens sockets, speaks SQL, reads YAML. */
const PACKAGE_HOMES: Readonly<Record<string, readonly string[]>> = {
  undici: ['transport/', 'providers/discovery/'], // discovery runs before there is an application, and only on loopback
  kysely: ['storage/'],
  libsql: ['storage/'],
  pg: ['storage/'],
  ioredis: ['storage/'],
  cockatiel: ['availability/'],
  pino: ['observability/'],
  'prom-client': ['observability/'],
  yaml: ['config/'],
  'google-auth-library': ['providers/'],
  '@smithy/signature-v4': ['providers/'],
  '@aws-sdk/credential-provider-node': ['providers/'],
  'ipaddr.js': ['transport/', 'access/'],
};

/** Packages that cost much time and memory, and are needed by few: only ever loaded by `import()`, or by `lazily`. */
const LOADED_LATE = [
  'google-auth-library',
  '@smithy/signature-v4',
  '@aws-crypto/sha256-js',
  '@aws-sdk/credential-provider-node',
  '@smithy/eventstream-codec',
  '@smithy/util-utf8',
  'ajv',
  'ajv/dist/2020.js',
  'ajv-formats',
  're2js',
  'ioredis',
  'prom-client',
];

const MAX_LINES = 250;

/** Path below src/, with slashes, and text. */
type Sources = ReadonlyMap<string, string>;

/** Every broken rule, as a sentence that names file and import. */
function violations(sources: Sources): string[] {
  const broken: string[] = [];
  const graph = new Map<string, readonly string[]>();
  for (const [file, text] of sources) {
    const imports = ts.preProcessFile(text).importedFiles.map(({ fileName }) => fileName);
    const files = imports.filter((name) => name.startsWith('.')).map((name) => resolve(file, name));
    graph.set(file, files);
    broken.push(
      ...files
        .filter((target) => !mayImport(file, target) || passesBy(entryOf(target, sources), file, target))
        .map((target) => `${file} may not import ${target}`),
      ...imports.filter((name) => !mayUse(file, name)).map((name) => `${file} may not use ${name}`),
      ...faults(file, text),
    );
  }
  return [...broken, ...cycles(graph)];
}

function resolve(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts');
}

/** A file directly in src/ has no folder. */
function folderOf(file: string): string | undefined {
  const [folder, ...below] = file.split('/');
  return below.length === 0 ? undefined : folder;
}

function mayImport(file: string, target: string): boolean {
  const [from, to] = [folderOf(file), folderOf(target)];
  const allowed = from === undefined ? undefined : ALLOWED[from];
  if (allowed === undefined || from === to) return true;
  return allowed.some((place) => place === to || `${place}.ts` === target);
}

/** The entry of the folder that the file is in, where that folder has one: a dialect's. */
function entryOf(file: string, sources: Sources): string | undefined {
  const entry = `${file.split('/').slice(0, 2).join('/')}/index.ts`;
  return sources.has(entry) ? entry : undefined;
}

/** What is inside a dialect is nobody else's: neither a provider's nor another dialect's. */
function passesBy(entry: string | undefined, file: string, target: string): boolean {
  return entry !== undefined && target !== entry && !file.startsWith(posix.dirname(entry) + '/');
}

function mayUse(file: string, specifier: string): boolean {
  const folder = folderOf(file);
  if (specifier.startsWith('.') || folder === undefined) return true;
  const pure = PURE[folder];
  if (pure !== undefined) return [...PURE_BUILT_INS, ...pure].some((name) => specifier === name);
  return PACKAGE_HOMES[specifier]?.some((home) => file.startsWith(home)) ?? true;
}

function faults(file: string, text: string): string[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '').length;
  return [
    ...(lines > MAX_LINES ? [`${file} has ${lines} lines, more than ${MAX_LINES}`] : []),
    ...LOADED_LATE.filter((name) => new RegExp(`^(?:import|export) (?!type )[^;(]*'${name}'`, 'm').test(text)).map(
      (name) => `${file} loads ${name} at the start`,
    ),
    ...(folderOf(file) !== 'config' && /\bprocess\s*\.\s*env\b/.test(text) ? [`${file} reads process.env`] : []),
  ];
}

/** Type imports count too: a cycle of types is a missing port as much as one of values. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) found.push(`cycle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`);
    if (done.has(file) || path.includes(file)) return;
    for (const target of graph.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return found;
}

function sourcesOf(root: string): Sources {
  return new Map(
    readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
      .map((file) => [file.split(sep).join('/'), readFileSync(join(root, file), 'utf8')]),
  );
}

const SRC = join(import.meta.dirname, '..', 'src');

describe('the architecture', () => {
  const sources = sourcesOf(SRC);

  it('holds in src', () => {
    expect(sources.size).toBeGreaterThan(20);
    expect(violations(sources)).toEqual([]);
  });

  it('has a rule for every folder, and none for one that is gone', () => {
    const folders = new Set([...sources.keys()].map(folderOf).filter((folder) => folder !== undefined));
    expect([...folders].toSorted()).toEqual(Object.keys(ALLOWED).toSorted());
  });

  const long = 'a;\n'.repeat(MAX_LINES + 1);
  it.each<[rule: string, tree: Readonly<Record<string, string>>, broken: readonly string[]]>([
    [
      'what is allowed',
      { 'routing/a.ts': "import { b } from '../domain/b.js';", 'domain/b.ts': 'export const b = 1;' },
      [],
    ],
    [
      'the root imports all',
      { 'main.ts': "import '../node_modules/x.js'; import pg from 'pg'; import './chat/c.js';" },
      [],
    ],
    [
      'up the tree',
      { 'domain/a.ts': "import type { B } from '../http/b.js';" },
      ['domain/a.ts may not import http/b.ts'],
    ],
    ['re-exports', { 'config/a.ts': "export * from '../chat/b.js';" }, ['config/a.ts may not import chat/b.ts']],
    ['import()', { 'http/a.ts': "void import('../chat/b.js');" }, ['http/a.ts may not import chat/b.ts']],
    ['one file of a folder', { 'usage/a.ts': "import '../access/admin.decorator.js';" }, []],
    ['another file of it', { 'usage/a.ts': "import '../access/x.js';" }, ['usage/a.ts may not import access/x.ts']],
    ['packages', { 'protocols/a.ts': "import { of } from 'rxjs';" }, ['protocols/a.ts may not use rxjs']],
    ['built-ins', { 'domain/a.ts': "import 'node:util'; import 'node:fs';" }, ['domain/a.ts may not use node:fs']],
    ['sockets', { 'providers/a.ts': "import { request } from 'undici';" }, ['providers/a.ts may not use undici']],
    ['a late package', { 'providers/a.ts': "import type { A } from 'google-auth-library';" }, []],
    ['a late package, late', { 'providers/a.ts': "void import('google-auth-library');" }, []],
    [
      'a late package, early',
      { 'providers/a.ts': "import type { A } from './b.js';\nimport {\n  B,\n} from 'google-auth-library';" },
      ['providers/a.ts loads google-auth-library at the start'],
    ],
    [
      'the back door of a dialect',
      {
        'protocols/dialect/index.ts': "export * from './inside.js';",
        'protocols/dialect/inside.ts': '',
        'protocols/other/index.ts': "import '../dialect/inside.js';",
        'providers/a.ts': "import '../protocols/dialect/index.js'; import '../protocols/dialect/inside.js';",
      },
      [
        'protocols/other/index.ts may not import protocols/dialect/inside.ts',
        'providers/a.ts may not import protocols/dialect/inside.ts',
      ],
    ],
    ['the environment', { 'http/a.ts': 'export const a = process.env;' }, ['http/a.ts reads process.env']],
    ['the environment, in config', { 'config/a.ts': 'export const a = process.env;' }, []],
    ['length', { 'chat/a.ts': long }, [`chat/a.ts has ${MAX_LINES + 1} lines, more than ${MAX_LINES}`]],
    [
      'cycles',
      {
        'chat/a.ts': "import './b.js';",
        'chat/b.ts': "import type { C } from './c.js';",
        'chat/c.ts': "import './b.js';",
      },
      ['cycle: chat/b.ts → chat/c.ts → chat/b.ts'],
    ],
  ])('sees %s', (_rule, tree, broken) => {
    expect(violations(new Map(Object.entries(tree)))).toEqual(broken);
  });
});
