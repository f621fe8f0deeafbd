import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);

/**
 * A CommonJS package that is loaded when it is first used: those named here take a tenth of a second and some megabytes
 * at the start, and most gateways never use them.
 */
export function lazily<Package>(name: string): () => Package {
  let loaded: Package | undefined;
  return () => (loaded ??= load(name) as Package);
}
