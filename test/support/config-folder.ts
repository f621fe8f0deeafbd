import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '../../src/domain/secret.js';
import type { Config } from '../../src/config/config.js';
import { ConfigError } from '../../src/config/config-error.js';
import { loadConfig, type Environment } from '../../src/config/load-config.js';
import type { ProviderType } from '../../src/config/provider-type.js';

/** A few kinds of providers, one of each sort that configs differ by. */
export const TYPES: readonly ProviderType[] = [
  { type: 'openai', keyEnv: ['OPENAI_API_KEY'], baseUrlEnv: ['OPENAI_BASE_URL'] },
  { type: 'anthropic', keyEnv: ['ANTHROPIC_API_KEY'], baseUrlEnv: ['ANTHROPIC_BASE_URL'] },
  {
    type: 'azure-openai',
    keyEnv: ['AZURE_OPENAI_API_KEY', 'AZURE_API_KEY'],
    baseUrlEnv: ['AZURE_OPENAI_ENDPOINT'],
    addressSettings: ['resourceName'],
    settings: {
      resourceName: { kind: 'string', env: 'AZURE_RESOURCE_NAME' },
      apiVersion: { kind: 'string', env: 'OPENAI_API_VERSION' },
      deployments: { kind: 'map' },
    },
  },
  { type: 'ollama', keyEnv: ['OLLAMA_API_KEY'], baseUrlEnv: ['OLLAMA_BASE_URL'], keyless: true },
  { type: 'simulator', keyEnv: [], baseUrlEnv: [], keyless: true },
  { type: 'openai-compatible', keyEnv: [], baseUrlEnv: [], needsBaseUrl: true, quirks: ['noStreamOptions'] },
];

/** A working directory for each test of a spec, and configs loaded in it. */
export function configFolder() {
  let cwd = '';
  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'parley-config-'));
  });
  afterEach(() => rmSync(cwd, { recursive: true }));

  function load(yaml: string | undefined, env: Environment = {}): Config {
    if (yaml !== undefined) writeFileSync(join(cwd, 'parley.yaml'), yaml);
    return loadConfig({ types: TYPES, env, cwd });
  }

  /** `3:5 path: message` of each problem, in order. */
  function problems(yaml: string | undefined, env: Environment = {}): string[] {
    try {
      load(yaml, env);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return error.problems.map(({ line, column, path, message }) => {
        const place = line === null ? 'environment' : `${line}:${column}`;
        return `${place} ${path}: ${message}`;
      });
    }
    return [];
  }

  return { path: (...names: readonly string[]) => join(cwd, ...names), load, problems };
}

/** Secrets laid open, so that they can be compared. */
export function revealed(value: unknown): unknown {
  if (value instanceof Secret) return value.reveal();
  if (Array.isArray(value)) return value.map(revealed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, revealed(inner)]));
}

/** A provider of a config as it is read, where all is absent but this. */
export function provider(name: string, other: Readonly<Record<string, unknown>>) {
  return { name, type: name, apiKeys: [], headers: {}, timeouts: {}, quirks: [], settings: {}, ...other };
}
