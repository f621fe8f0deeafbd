import { readFileSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import type { Config, ProviderConfig } from './config.js';
import { ConfigError } from './config-error.js';
import { configShape, type FileConfig } from './config-shape.js';
import {
  readEnvironmentSettings,
  refuseAdminKeyAsClientKey,
  type EnvironmentSettings,
} from './environment-settings.js';
import { readYaml } from './file/yaml.js';
import { discoverProviders } from './provider-environment.js';
import type { ProviderType } from './provider-type.js';
import { valueOf, type Environment } from './shape/environment-variables.js';
import { emptyMap, isAbsent, type Located, type Place } from './shape/located.js';
import { suggestion } from './shape/hint.js';
import { Reading } from './shape/reading.js';

export type { Environment } from './shape/environment-variables.js';

const DEFAULT_FILE = 'parley.yaml';

/** Where a config comes from; the same source can be loaded again and again. */
export interface ConfigSource {
  /** The kinds of provider there are. */
  readonly types: readonly ProviderType[];
  /** Default: the environment of this process. */
  readonly env?: Environment;
  /** Default: the working directory of this process. */
  readonly cwd?: string;
  /** Must exist. Default: what `PARLEY_CONFIG` names, else `parley.yaml`, which need not exist. */
  readonly file?: string | undefined;
  /** Providers in force while neither file nor environment names one. */
  readonly fallback?: readonly ProviderConfig[];
}

/** The config of file and environment, checked and frozen. Throws a ConfigError that holds every problem there is. */
export function loadConfig(source: ConfigSource): Config {
  const { types, env = process.env, cwd = process.cwd() } = source;
  const reading = new Reading(env);
  const tree = readFile(source, reading);
  const file = tree && configShape(types).read(tree, reading, '');
  const settings = readEnvironmentSettings(reading);
  // A file that cannot be read says nothing of its providers, so nothing can be said of what refers to them.
  const discovered = tree && !has(tree, 'providers') ? discoverProviders(types, reading) : [];
  for (const { provider, place } of reading.unknownProviders) refuseProvider(provider, place, { types, reading });
  if (file !== undefined) {
    const clientKeys = file.keys.map(({ key }) => key);
    refuseAdminKeyAsClientKey(settings.adminKey, clientKeys, reading);
  }
  if (file === undefined || reading.problems.length > 0) throw new ConfigError(reading.problems);
  const configured = file.providers ?? discovered;
  const providers = configured.length === 0 ? (source.fallback ?? []) : configured;
  return deepFrozen(assembled({ ...file, providers }, settings, cwd));
}

/** The file that a source means, and whether it has to exist. */
export function configFile({ env = process.env, cwd = process.cwd(), file }: ConfigSource): {
  readonly path: string;
  readonly required: boolean;
} {
  const named = file ?? valueOf(env, 'PARLEY_CONFIG');
  return { path: resolve(cwd, named ?? DEFAULT_FILE), required: named !== undefined };
}

function readFile(source: ConfigSource, reading: Reading): Located | undefined {
  const { path, required } = configFile(source);
  const name = shortened(path, source.cwd ?? process.cwd());
  const start: Place = { file: name, line: 1, column: 1, path: '' };
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !required) return emptyMap(start);
    return reading.refuse(
      { ...start, line: null },
      code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`,
    );
  }
  return readYaml(text, name, reading);
}

/** Paths below the working directory read better without it. */
function shortened(path: string, cwd: string): string {
  const below = relative(cwd, path);
  return below.startsWith('..') || isAbsolute(below) ? path : below;
}

function has(tree: Located, name: string): boolean {
  return tree.kind === 'map' && tree.entries.some((entry) => entry.name === name && !isAbsent(entry.value));
}

function refuseProvider(
  provider: string,
  place: Place,
  { types, reading }: { readonly types: readonly ProviderType[]; readonly reading: Reading },
): void {
  const variables = types.find(({ type }) => type === provider)?.keyEnv ?? [];
  const hint =
    variables.length > 0
      ? ` (add it under providers, or, where the file has no such section, set ${variables.join(' or ')})`
      : '';
  const known = [...reading.providers];
  reading.refuse(place, `there is no provider "${provider}"${hint}${suggestion(provider, known)}`);
}

function assembled(file: FileConfig, environment: EnvironmentSettings, cwd: string): Config {
  const { host = file.server.host, port = file.server.port, adminKey, secretKey } = environment;
  const databaseUrl = environment.databaseUrl ?? file.database.url;
  const redisUrl = environment.redisUrl ?? file.redis.url;
  return {
    server: { ...file.server, host, port },
    database: databaseUrl === undefined ? {} : { url: databaseUrl },
    redis: redisUrl === undefined ? {} : { url: redisUrl },
    dataDir: resolve(cwd, environment.dataDir ?? file.dataDir),
    logLevel: environment.logLevel ?? 'info',
    ...(adminKey !== undefined && { adminKey }),
    ...(secretKey !== undefined && { secretKey }),
    providers: file.providers ?? [],
    models: file.models,
    keys: file.keys,
    teams: file.teams,
    prices: file.prices,
    limits: file.limits,
    usage: file.usage,
  };
}

function deepFrozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) deepFrozen(inner);
  return Object.freeze(value);
}
