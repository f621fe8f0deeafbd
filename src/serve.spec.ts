import { jest } from '@jest/globals';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from './config/load-config.js';
import { PROVIDER_TYPES } from './providers/provider-types.js';
import { serve } from './serve.js';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

it('prints the port it was given where the config leaves that to the system', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'parley-serve-'));
  const before = SIGNALS.map((signal) => process.listeners(signal));
  const create = jest.spyOn(NestFactory, 'create');
  const print = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  const env = { PARLEY_PORT: '0', PARLEY_LOG_LEVEL: 'silent', OPENAI_API_KEY: 'k' };
  const source = { types: PROVIDER_TYPES, env, cwd };
  await serve(loadConfig(source), source);
  const printed = print.mock.calls.map(([text]) => String(text)).join('');
  print.mockRestore();
  const app = (await create.mock.results[0]?.value) as NestExpressApplication;
  const { port } = app.getHttpServer().address() as AddressInfo;
  SIGNALS.forEach((signal, at) => {
    for (const listener of process.listeners(signal))
      if (before[at]?.includes(listener) === false) process.off(signal, listener);
  });
  await app.close();
  rmSync(cwd, { recursive: true, force: true });
  expect(port).toBeGreaterThan(0);
  expect(printed).toContain(`curl http://127.0.0.1:${port}/v1/chat/completions`);
});
