import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { loadConfig, type ConfigSource } from '../../src/config/load-config.js';
import { Readiness } from '../../src/health/readiness.js';
import { PROVIDER_TYPES } from '../../src/providers/provider-types.js';
import { createGateway } from '../../src/serve.js';

export interface Gateway {
  /** Without a path. */
  readonly url: string;
  /** A virtual key that may use every model. */
  readonly key: string;
  readonly adminKey: string;
  readonly app: NestExpressApplication;
  readonly dataDir: string;
  admin(method: string, path: string, body?: unknown): Promise<Response>;
  /** Asks the operation with the key; `body` may leave out the messages. */
  chat(body: object, headers?: Readonly<Record<string, string>>): Promise<Response>;
  close(): Promise<void>;
}

export interface GatewayOptions {
  /** The text of a parley.yaml, or the same as an object. */
  readonly config: string | object;
  readonly env?: Readonly<Record<string, string>>;
}

/** A gateway like the one in production, in this process: real modules, real HTTP, a database in a folder of its own. */
export async function startGateway({ config, env = {} }: GatewayOptions): Promise<Gateway> {
  const dataDir = mkdtempSync(join(tmpdir(), 'parley-test-'));
  const file = join(dataDir, 'parley.yaml');
  writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config));
  const adminKey = 'test-admin-key-0123456789';
  const source: ConfigSource = {
    types: PROVIDER_TYPES,
    file,
    env: { PARLEY_DATA_DIR: join(dataDir, 'data'), PARLEY_ADMIN_KEY: adminKey, PARLEY_LOG_LEVEL: 'silent', ...env },
  };
  const app = await createGateway(loadConfig(source), source);
  await app.listen(0, '127.0.0.1');
  app.get(Readiness).ready();
  const { port } = app.getHttpServer().address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const admin = (method: string, path: string, body?: unknown) =>
    fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const made = (await (await admin('POST', '/admin/keys', { name: 'test' })).json()) as { key: string };
  const chat: Gateway['chat'] = (body, headers) =>
    fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${made.key}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'hi' }], ...body }),
      signal: AbortSignal.timeout(10_000),
    });
  const close = async () => {
    // A client that a failed test left behind must not hold up all the others.
    app.getHttpServer().closeAllConnections();
    await app.close();
    rmSync(dataDir, { recursive: true, force: true });
  };
  return { url, key: made.key, adminKey, app, dataDir, admin, chat, close };
}
