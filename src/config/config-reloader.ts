import { Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { existsSync, unwatchFile, watchFile, type Stats } from 'node:fs';
import { Secret } from '../domain/secret.js';
import type { Config } from './config.js';
import type { LiveConfig } from './live-config.js';
import { configFile, loadConfig, type ConfigSource } from './load-config.js';

/** What a reload did. */
export interface Reload {
  /** The top-level parts that are in force with new values. */
  readonly changed: readonly string[];
  /** The parts that differ in the file, and stay as they are until the next start. */
  readonly needsRestart: readonly string[];
}

/** Sockets, stores and keys are made of these once, at the start. */
const FIXED: readonly (keyof Config)[] = [
  'server',
  'database',
  'redis',
  'dataDir',
  'logLevel',
  'adminKey',
  'secretKey',
];
const FREE: readonly (keyof Config)[] = ['providers', 'models', 'keys'];

/** Editors write in several steps; a file is read once it has been left alone for so long. */
const SETTLED_MS = 250;

/**
 * Keeps the config in force in step with its file: on a change, on SIGHUP, and when asked.
 * A config with faults is refused as a whole, and the last good one stays.
 */
export class ConfigReloader implements OnModuleInit, OnModuleDestroy {
  readonly #logger = new Logger('Config');
  readonly #path: string;
  #settling: NodeJS.Timeout | undefined;
  #source: ConfigSource;

  constructor(
    private readonly live: LiveConfig,
    source: ConfigSource,
    private readonly pollMs = 1_000,
  ) {
    this.#path = configFile(source).path;
    this.#source = this.#requiringFile(source);
  }

  onModuleInit(): void {
    process.on('SIGHUP', this.#onHangup);
    // Polling sees what watching misses: editors that rename, Kubernetes that swaps links, network file systems.
    watchFile(this.#path, { interval: this.pollMs, persistent: false }, this.#onChange);
  }

  onModuleDestroy(): void {
    process.off('SIGHUP', this.#onHangup);
    unwatchFile(this.#path, this.#onChange);
    clearTimeout(this.#settling);
  }

  /** Loads the config again and puts it in force. Throws a ConfigError, and changes nothing, where it has faults. */
  reload(): Reload {
    this.#source = this.#requiringFile(this.#source);
    const loaded = loadConfig(this.#source);
    const current = this.live.current;
    const differing = (parts: readonly (keyof Config)[]) =>
      parts.filter((part) => fingerprint(loaded[part]) !== fingerprint(current[part]));
    const [changed, needsRestart] = [differing(FREE), differing(FIXED)];
    if (changed.length > 0) {
      const { providers, models, keys } = loaded;
      this.live.replace(Object.freeze({ ...current, providers, models, keys }));
      this.#logger.log(`The configuration was loaded again; changed: ${changed.join(', ')}.`);
    }
    if (needsRestart.length > 0) {
      this.#logger.warn(`These changes of the configuration need a restart: ${needsRestart.join(', ')}.`);
    }
    return { changed, needsRestart };
  }

  /** A file that is there once must stay: a moment without it, as it is replaced, would throw away all providers. */
  #requiringFile(source: ConfigSource): ConfigSource {
    return existsSync(this.#path) ? { ...source, file: this.#path } : source;
  }

  readonly #onHangup = (): void => this.#reloadLoudly('SIGHUP');

  readonly #onChange = (now: Stats, before: Stats): void => {
    if (now.ino === before.ino && now.mtimeMs === before.mtimeMs && now.size === before.size) return; // told of a file that is not there
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#reloadLoudly('a change of the file'), SETTLED_MS).unref();
  };

  #reloadLoudly(reason: string): void {
    try {
      const { changed, needsRestart } = this.reload();
      if (changed.length + needsRestart.length === 0) this.#logger.log(`The configuration is unchanged (${reason}).`);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#logger.error(`After ${reason} the configuration was refused; the last good one stays in force. ${message}`);
    }
  }
}

/** Equal for equal values; secrets count by what they hold. It never leaves this file. */
function fingerprint(part: unknown): string | undefined {
  return JSON.stringify(part, function reveal(this: Record<string, unknown>, key: string, value: unknown) {
    const raw = this[key];
    return raw instanceof Secret ? raw.reveal() : value;
  });
}
