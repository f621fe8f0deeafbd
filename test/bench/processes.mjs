// The processes under measurement: how they are started and ended, and what the kernel says they cost.
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';

const HERE = import.meta.dirname;
const ADMIN_KEY = 'bench-admin-key-0000';

/** Without the kernel's accounts, CPU and memory are left out of the report. */
export const hasAccounts = existsSync('/proc/self/task') && existsSync('/proc/self/schedstat');

/** CPU time of all threads so far, in microseconds; the first number of a thread's schedstat is nanoseconds on a core. */
export function cpuMicros(pid) {
  const tasks = `/proc/${pid}/task`;
  let nanos = 0;
  for (const task of readdirSync(tasks)) {
    try {
      nanos += Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ', 1)[0]);
    } catch (error) {
      if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error; // a thread that has just ended
    }
  }
  return nanos / 1000;
}

/** Resident memory in megabytes. */
export function residentMb(pid) {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
}

/** A script of this folder that reports its port. */
export async function startServer(script, ...args) {
  const child = fork(join(HERE, script), args);
  const [{ port }] = await once(child, 'message');
  return { name: script, pid: child.pid, url: `http://127.0.0.1:${port}`, key: 'none', stop: () => stop(child) };
}

export function startLoad() {
  const child = fork(join(HERE, 'load.mjs'));
  const run = async (job) => {
    child.send(job);
    const [{ result, error }] = await once(child, 'message');
    if (error) throw new Error(`${job.scenario.name} at ${job.url}: ${error}`);
    return result;
  };
  return { run, stop: () => stop(child) };
}

/** Bounds that are never reached: what they cost is to be measured. */
const BOUNDS = { rpm: 10_000_000, tpm: 10_000_000_000, concurrency: 10_000, budget: { usd: 1_000_000, per: 'month' } };

/**
 * The gateway as it is shipped, with a folder and a key of its own, whose use is bounded and recorded; `unaccounted`: it
 * is neither. `readyMs`: from the start of the process to ready.
 */
export async function startGateway(main, upstreamUrl, { unaccounted = false } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'parley-bench-'));
  const config = join(folder, 'parley.yaml');
  await writeFile(config, gatewayConfig(upstreamUrl));
  const url = `http://127.0.0.1:${await freePort()}`;
  const startedAt = performance.now();
  const script = unaccounted ? [join(HERE, 'unaccounted.mjs'), main] : [main];
  const child = spawn(process.execPath, script, {
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      PARLEY_CONFIG: config,
      PARLEY_DATA_DIR: join(folder, 'data'),
      PARLEY_PORT: new URL(url).port,
      PARLEY_ADMIN_KEY: ADMIN_KEY,
      PARLEY_LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const end = async () => {
    await stop(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await ready(url, child);
    const readyMs = performance.now() - startedAt;
    return {
      name: 'gateway',
      pid: child.pid,
      url,
      key: await makeKey(url, unaccounted ? {} : BOUNDS),
      readyMs,
      stop: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

function gatewayConfig(upstreamUrl) {
  const models = ['plain', 'paced', 'short'].map(
    (model) => `  ${model}: { targets: [{ provider: openai, model: ${model} }] }`,
  );
  return [
    'providers:',
    `  openai: { baseUrl: '${upstreamUrl}/v1', apiKey: none }`,
    `  anthropic: { baseUrl: '${upstreamUrl}', apiKey: none }`,
    `  gemini: { baseUrl: '${upstreamUrl}', apiKey: none }`,
    'models:',
    ...models,
    '  claude: { targets: [{ provider: anthropic, model: claude-haiku-4-5 }] }',
    '  gemini: { targets: [{ provider: gemini, model: gemini-2.5-flash }] }',
    '',
  ].join('\n');
}

async function ready(url, child) {
  for (const deadline = performance.now() + 20_000; performance.now() < deadline; await pause(10)) {
    if (child.exitCode !== null) throw new Error(`the gateway stopped at its start (exit code ${child.exitCode})`);
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.status === 200) return;
  }
  throw new Error('the gateway was not ready within 20 s');
}

async function makeKey(url, bounds) {
  const answer = await fetch(`${url}/admin/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'bench', ...bounds }),
  });
  if (answer.status !== 201) throw new Error(`POST /admin/keys answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()).key;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  if ((await Promise.race([gone, pause(5_000, 'late', { ref: false })])) === 'late') child.kill('SIGKILL');
  await gone;
}
