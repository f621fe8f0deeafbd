import type { Config } from './config.js';

/** Paths of what is configured and checked, but not acted on by this version: the start must not keep quiet about it. */
export function notYetInForce(config: Config): string[] {
  const { server } = config;
  return [
    ...(server.workers === 1 ? [] : ['server.workers']),
    ...(server.adminPort === undefined ? [] : ['server.adminPort']),
  ];
}

/**
 * Fallbacks that are neither a name under `models` nor `provider/model`: they work only where the catalogue
 * knows the id, so they are worth a word, but no reason to refuse the config.
 */
export function unresolvedFallbacks({ models, providers }: Config): string[] {
  const names = new Set(models.map(({ name }) => name));
  const prefixes = providers.map(({ name }) => `${name}/`);
  const isKnown = (name: string) => names.has(name) || prefixes.some((prefix) => name.startsWith(prefix));
  return models.flatMap(({ name, fallbacks, contextWindowFallbacks, contentPolicyFallbacks }) =>
    [...new Set([...fallbacks, ...contextWindowFallbacks, ...contentPolicyFallbacks])]
      .filter((fallback) => !isKnown(fallback))
      .map((fallback) => `models.${name} falls back to ${fallback}`),
  );
}
