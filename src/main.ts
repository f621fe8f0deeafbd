import 'reflect-metadata';
import { ConfigError } from './config/config-error.js';
import { discoverySettings } from './config/discovery-environment.js';
import { loadConfig, type ConfigSource } from './config/load-config.js';
import { serve } from './serve.js';
import { findFallback } from './providers/discovery/fallback.js';
import { PROVIDER_TYPES } from './providers/provider-types.js';

try {
  let source: ConfigSource = { types: PROVIDER_TYPES };
  let config = loadConfig(source);
  if (config.providers.length === 0) {
    source = { ...source, fallback: await findFallback(config.server.port, discoverySettings()) };
    config = loadConfig(source);
  }
  await serve(config, source);
} catch (error) {
  process.stderr.write(
    `${error instanceof ConfigError ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exitCode = 1;
}
