// The load generator, a process of its own: takes {url, key, scenario, ms | requests} and answers with counts and times.
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'undici';
import { requestBody } from './scenarios.mjs';

const pools = new Map();

function poolOf(url) {
  if (!pools.has(url)) pools.set(url, new Pool(url, { connections: 64, headersTimeout: 20_000, bodyTimeout: 20_000 }));
  return pools.get(url);
}

/** One request, read to its end. Resolves to milliseconds to the first byte of the body; an answer that is not whole throws. */
async function ask(pool, options, stream) {
  const startedAt = performance.now();
  const { statusCode, body } = await pool.request(options);
  let firstAt;
  let tail = Buffer.alloc(0);
  body.on('data', (part) => {
    firstAt ??= performance.now();
    tail = part.length >= 16 ? part : Buffer.concat([tail, part]).subarray(-64);
  });
  await once(body, 'end');
  if (statusCode !== 200) throw new Error(`HTTP ${statusCode}: ${tail.toString().slice(0, 300)}`);
  if (stream && !tail.toString().trimEnd().endsWith('data: [DONE]')) throw new Error('a stream without [DONE]');
  return firstAt - startedAt;
}

/** Until `ms` are over, or for so many `requests`, at the scenario's concurrency. */
async function load({ url, key, scenario, ms = Infinity, requests = Infinity }) {
  const pool = poolOf(url);
  const stream = scenario.kind === 'stream';
  const options = {
    method: 'POST',
    path: '/v1/chat/completions',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: requestBody(scenario),
  };
  const firstByteMs = [];
  const startedAt = performance.now();
  let sent = 0;
  const worker = async () => {
    while (sent < requests && performance.now() - startedAt < ms) {
      sent += 1;
      firstByteMs.push(await ask(pool, options, stream));
      if (scenario.pauseMs) await pause(scenario.pauseMs);
    }
  };
  await Promise.all(Array.from({ length: scenario.concurrency }, worker));
  return { requests: sent, seconds: (performance.now() - startedAt) / 1000, firstByteMs };
}

process.on('message', (job) => {
  load(job).then(
    (result) => process.send({ result }),
    (error) => process.send({ error: error.message }),
  );
});
