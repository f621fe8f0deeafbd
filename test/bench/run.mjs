#!/usr/bin/env node
// What the gateway costs beside a bare proxy, both in one run on loopback.   npm run bench -- [--quick] [--json FILE]
// `--main FILE`: another build of the gateway than dist/.
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cpuMicros, hasAccounts, residentMb, startGateway, startLoad, startServer } from './processes.mjs';
import { FIRST_TOKEN, PLAIN, STREAMS, TRANSLATED } from './scenarios.mjs';
import { median, percentile, print } from './report.mjs';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    main: { type: 'string', default: fileURLToPath(new URL('../../dist/main.js', import.meta.url)) },
  },
});
const PLAN = options.quick
  ? { rounds: 2, windowMs: 500, heat: { requests: 3_000, ms: 2_500 }, warmUpMs: 300, starts: 1, firstTokens: 100 }
  : { rounds: 3, windowMs: 1_500, heat: { requests: 8_000, ms: 8_000 }, warmUpMs: 800, starts: 3, firstTokens: 600 };

/** CPU microseconds of the server for one unit (a request or a chunk) of the scenario. */
async function costOf(server, scenario, load) {
  const before = cpuMicros(server.pid);
  const amount = scenario.once ? { requests: scenario.concurrency } : { ms: PLAN.windowMs };
  const { requests } = await load.run({ ...server, scenario, ...amount });
  return (cpuMicros(server.pid) - before) / (requests * scenario.per);
}

/** The servers take turns, so that whatever else the machine does falls on both alike. */
async function compareCost(scenario, { bare, gateway, load }) {
  const costs = { bare: [], gateway: [] };
  if (!scenario.once) for (const server of [bare, gateway]) await load.run({ ...server, scenario, ms: PLAN.warmUpMs });
  for (let round = 0; round < PLAN.rounds; round += 1) {
    costs.bare.push(await costOf(bare, scenario, load));
    costs.gateway.push(await costOf(gateway, scenario, load));
  }
  const [floor, cost] = [median(costs.bare), median(costs.gateway)];
  return {
    measure: `CPU per ${scenario.name}`,
    unit: 'µs',
    bare: floor,
    gateway: cost,
    ratio: cost / floor,
    target: scenario.target,
  };
}

/** What limits and ledger cost, of all that a request costs. */
async function compareAccounts(scenario, { without, gateway, load }) {
  const row = await compareCost(scenario, { bare: without, gateway, load });
  return { ...row, measure: `limits and ledger, ${scenario.name}`, target: 1.15 };
}

async function compareFirstToken({ bare, gateway, load }) {
  const times = { bare: [], gateway: [] };
  const turns = 10;
  for (let turn = 0; turn < turns; turn += 1) {
    for (const [name, server] of [
      ['bare', bare],
      ['gateway', gateway],
    ]) {
      const { firstByteMs } = await load.run({ ...server, scenario: FIRST_TOKEN, requests: PLAN.firstTokens / turns });
      times[name].push(...firstByteMs);
    }
  }
  return [
    [50, 0.5],
    [99, 3],
  ].map(([share, targetAdded]) => {
    const [floor, time] = [percentile(times.bare, share), percentile(times.gateway, share)];
    return {
      measure: `time to first token, p${share}`,
      unit: 'ms',
      bare: floor,
      gateway: time,
      added: time - floor,
      targetAdded,
    };
  });
}

/** Starts it a few times over and leaves the last one running. */
async function measureStart(upstream, processes) {
  const starts = [];
  for (let start = 1; ; start += 1) {
    const gateway = await startGateway(options.main, upstream.url);
    processes.push(gateway);
    starts.push(gateway.readyMs);
    if (start === PLAN.starts)
      return { gateway, row: { measure: 'start to ready', unit: 'ms', gateway: median(starts), limit: 1_500 } };
    await gateway.stop();
  }
}

async function bench(processes) {
  const started = async (server) => {
    processes.push(await server);
    return processes.at(-1);
  };
  const upstream = await started(startServer('upstream.mjs'));
  const bare = await started(startServer('bare-proxy.mjs', new URL(upstream.url).port));
  const load = await started(startLoad());
  const { gateway, row } = await measureStart(upstream, processes);
  const servers = { bare, gateway, load };
  const rows = [row];
  if (hasAccounts) {
    await pause(1_000);
    rows.push({
      measure: 'memory, idle',
      unit: 'MB',
      bare: residentMb(bare.pid),
      gateway: residentMb(gateway.pid),
      limit: 150,
    });
    // The first thousands of requests cost several times the rest, until everything on their way is compiled.
    for (const server of [bare, gateway]) await load.run({ ...server, scenario: PLAIN[0], ...PLAN.heat });
    for (const scenario of [...PLAIN, ...STREAMS, ...TRANSLATED]) rows.push(await compareCost(scenario, servers));
    const without = await started(startGateway(options.main, upstream.url, { unaccounted: true }));
    await load.run({ ...without, scenario: PLAIN[0], ...PLAN.heat });
    for (const scenario of PLAIN.slice(0, 2)) rows.push(await compareAccounts(scenario, { ...servers, without }));
  } else {
    console.log('skipped: CPU and memory, which are read from /proc');
    for (const server of [bare, gateway]) await load.run({ ...server, scenario: STREAMS[0], ms: PLAN.warmUpMs });
  }
  rows.push(...(await compareFirstToken(servers)));
  if (hasAccounts)
    rows.push({
      measure: 'memory, after the load',
      unit: 'MB',
      bare: residentMb(bare.pid),
      gateway: residentMb(gateway.pid),
    });
  return rows;
}

const processes = [];
try {
  const rows = await bench(processes);
  print(rows);
  const machine = { node: process.version, cores: availableParallelism(), quick: options.quick };
  if (options.json) writeFileSync(options.json, `${JSON.stringify({ ...machine, rows }, null, 2)}\n`);
} finally {
  await Promise.all(processes.map((one) => one.stop()));
}
