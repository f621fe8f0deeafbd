import { transformFileSync } from '@swc/core';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const ROOT = join(import.meta.dirname, '..', '..');
const ADMIN_KEY = 'test-admin-key-0123456789';
const READY_MS = 20_000;

/** The gateway's sources as they are now, fit to be run by Node alone. */
export interface Build {
  readonly main: string;
  remove(): void;
}

/** A build of its own: what stands in `dist` may be older than the sources. */
export function build(): Build {
  const folder = mkdtempSync(join(tmpdir(), 'parley-build-'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  copyFileSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  for (const file of readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })) {
    const [from, to] = [join(ROOT, 'src', file), join(folder, 'dist', file)];
    if (!/\.(ts|json)$/.test(file) || file.endsWith('.spec.ts')) continue;
    mkdirSync(dirname(to), { recursive: true });
    if (file.endsWith('.json')) copyFileSync(from, to);
    else writeFileSync(to.replace(/\.ts$/, '.js'), javascriptOf(from));
  }
  return { main: join(folder, 'dist', 'main.js'), remove: () => rmSync(folder, { recursive: true }) };
}

function javascriptOf(file: string): string {
  return transformFileSync(file, {
    configFile: false,
    swcrc: false,
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
      keepClassNames: true,
    },
    module: { type: 'es6' },
  }).code;
}

/** A gateway in a process of its own. */
export interface GatewayProcess {
  /** Without a path. */
  readonly url: string;
  readonly pid: number;
  /** The exit code, or the signal that ended it; undefined while it runs. */
  readonly ended: number | string | undefined;
  /** The same, once there is one. */
  readonly end: Promise<number | string>;
  signal(signal: NodeJS.Signals): void;
  admin(path: string): Promise<unknown>;
}

/** Where a gateway lives from one start to the next: its config, data and port. */
export interface Home {
  readonly port: number;
  /** Starts the gateway, and waits until it is ready. */
  start(build: Build): Promise<GatewayProcess>;
  /** Ends what still runs, and removes the folder. */
  remove(): Promise<void>;
}

/** `nodeOptions`: what Node is told before it is told what to run. */
export async function makeHome(config: object, nodeOptions: readonly string[] = []): Promise<Home> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-home-'));
  const file = join(folder, 'parley.yaml');
  writeFileSync(file, JSON.stringify(config));
  const port = await freePort();
  const env = {
    PATH: process.env['PATH'],
    PARLEY_CONFIG: file,
    PARLEY_DATA_DIR: join(folder, 'data'),
    PARLEY_PORT: String(port),
    PARLEY_ADMIN_KEY: ADMIN_KEY,
    PARLEY_LOG_LEVEL: 'error',
  };
  const started: GatewayProcess[] = [];
  return {
    port,
    start: async ({ main }) => {
      const gateway = run([...nodeOptions, main], env);
      started.push(gateway);
      await ready(gateway);
      return gateway;
    },
    remove: async () => {
      for (const gateway of started) gateway.signal('SIGKILL');
      await Promise.all(started.map(({ end }) => end));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

type Environment = NodeJS.ProcessEnv & { readonly PARLEY_PORT: string };

function run(commandLine: readonly string[], env: Environment): GatewayProcess {
  const child = spawn(process.execPath, commandLine, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const url = `http://127.0.0.1:${env.PARLEY_PORT}`;
  return {
    url,
    pid: child.pid ?? 0,
    get ended() {
      return child.exitCode ?? child.signalCode ?? undefined;
    },
    end: once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string),
    signal: (signal) => void child.kill(signal),
    admin: async (path) =>
      (await fetch(url + path, { headers: { authorization: `Bearer ${ADMIN_KEY}`, connection: 'close' } })).json(),
  };
}

async function ready(gateway: GatewayProcess): Promise<void> {
  for (const deadline = performance.now() + READY_MS; performance.now() < deadline; await pause(20)) {
    if (gateway.ended !== undefined) throw new Error(`The gateway ended at its start: ${gateway.ended}`);
    const answer = await fetch(`${gateway.url}/readyz`, { headers: { connection: 'close' } }).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.status === 200) return;
  }
  throw new Error(`The gateway was not ready within ${READY_MS} ms.`);
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
