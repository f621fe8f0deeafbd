import { Logger } from '@nestjs/common';
import { jest } from '@jest/globals';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from './config-error.js';
import { ConfigReloader } from './config-reloader.js';
import { LiveConfig } from './live-config.js';
import { loadConfig, type ConfigSource } from './load-config.js';

const POLL_MS = 20;

let cwd: string;
let source: ConfigSource;
let started: ConfigReloader[];
const said: string[] = [];

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'parley-reload-'));
  source = { types: [{ type: 'openai', keyEnv: ['OPENAI_API_KEY'], baseUrlEnv: [] }], env: {}, cwd };
  started = [];
  said.length = 0;
  for (const level of ['log', 'warn', 'error'] as const) {
    jest.spyOn(Logger.prototype, level).mockImplementation((message: unknown) => {
      said.push(`${level}: ${String(message)}`);
    });
  }
});
afterEach(() => {
  for (const reloader of started) reloader.onModuleDestroy();
  jest.restoreAllMocks();
  rmSync(cwd, { recursive: true });
});

const file = () => join(cwd, 'parley.yaml');
const write = (key: string, more = '') => writeFileSync(file(), `providers: { openai: { apiKey: ${key} } }\n${more}`);

function start(): { readonly live: LiveConfig; readonly reloader: ConfigReloader } {
  const live = new LiveConfig(loadConfig(source));
  const reloader = new ConfigReloader(live, source, POLL_MS);
  reloader.onModuleInit();
  started.push(reloader);
  return { live, reloader };
}

const keyOf = (live: LiveConfig) => live.current.providers[0]?.apiKeys[0]?.reveal();

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`It did not come about; said so far: ${said.join('\n')}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

it('puts a good config in force, and says what changed, secrets included', () => {
  write('a');
  const { live, reloader } = start();
  expect(reloader.reload()).toEqual({ changed: [], needsRestart: [] });
  expect(live.version).toBe(1);
  write('b', 'keys: [{ name: ci, key: k }]');
  expect(reloader.reload()).toEqual({ changed: ['providers', 'keys'], needsRestart: [] });
  expect([keyOf(live), live.version, Object.isFrozen(live.current)]).toEqual(['b', 2, true]);
  expect(said).toEqual(['log: The configuration was loaded again; changed: providers, keys.']);
});

it('keeps the last good config when the new one has faults, or is gone', () => {
  write('a');
  const { live, reloader } = start();
  write('b', 'sever: {}');
  expect(() => reloader.reload()).toThrow(ConfigError);
  process.emit('SIGHUP');
  rmSync(file());
  process.emit('SIGHUP');
  expect([keyOf(live), live.version]).toEqual(['a', 1]);
  expect(said).toEqual([
    expect.stringMatching(
      /^error: .*the last good one stays in force\.[^]*parley\.yaml:2:1 sever: unknown key "sever"/,
    ),
    expect.stringMatching(/^error: [^]*parley\.yaml: there is no such file/),
  ]);
});

it('leaves for a restart what is made once, and takes the rest', () => {
  write('a');
  const { live, reloader } = start();
  write('b', 'server: { port: 1 }\ndatabase: { url: postgres://x }');
  expect(reloader.reload()).toEqual({ changed: ['providers'], needsRestart: ['server', 'database'] });
  expect([keyOf(live), live.current.server.port, live.current.database.url]).toEqual(['b', 4100, undefined]);
  expect(said.at(-1)).toBe('warn: These changes of the configuration need a restart: server, database.');
});

it.each<[how: string, replace: () => void]>([
  ['written in place', () => write('b')],
  [
    'renamed over',
    () => {
      writeFileSync(join(cwd, 'new'), 'providers: { openai: { apiKey: b } }');
      renameSync(join(cwd, 'new'), file());
    },
  ],
])('sees a file that is %s', async (_how, replace) => {
  write('a');
  const { live } = start();
  await new Promise((resolve) => setTimeout(resolve, 3 * POLL_MS));
  replace();
  await until(() => keyOf(live) === 'b');
});

it('sees a link that is swapped, as Kubernetes does', async () => {
  for (const key of ['a', 'b']) {
    mkdirSync(join(cwd, key));
    writeFileSync(join(cwd, key, 'parley.yaml'), `providers: { openai: { apiKey: ${key} } }`);
  }
  symlinkSync('a', join(cwd, 'data'));
  symlinkSync('data/parley.yaml', file());
  const { live } = start();
  await new Promise((resolve) => setTimeout(resolve, 3 * POLL_MS));
  symlinkSync('b', join(cwd, 'next'));
  renameSync(join(cwd, 'next'), join(cwd, 'data'));
  await until(() => keyOf(live) === 'b');
});

it('sees a file that comes to be, and nothing once it is closed', async () => {
  const { live, reloader } = start();
  expect(live.current.providers).toEqual([]);
  await new Promise((resolve) => setTimeout(resolve, 3 * POLL_MS));
  write('a');
  await until(() => keyOf(live) === 'a');
  reloader.onModuleDestroy();
  write('b');
  process.emit('SIGHUP');
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(keyOf(live)).toBe('a');
});
