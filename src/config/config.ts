import type { Budget } from '../domain/limit.js';
import type { Team } from '../domain/limit.js';
import type { TokenRates } from '../domain/price.js';
import type { Secret } from '../domain/secret.js';
import type { Hedge, Strategy, Timeouts } from '../domain/deployment.js';

/** Everything an operator can set: file and environment, checked and frozen. Durations are milliseconds, sizes bytes. */
export interface Config {
  readonly server: ServerConfig;
  /** PostgreSQL; absent: the embedded database under `dataDir`. */
  readonly database: { readonly url?: Secret };
  readonly redis: { readonly url?: Secret };
  readonly dataDir: string;
  readonly logLevel: LogLevel;
  readonly adminKey?: Secret;
  readonly secretKey?: Secret;
  /** In the order of the file; where it has none, those found in the environment, in the order of the provider types. */
  readonly providers: readonly ProviderConfig[];
  readonly models: readonly ModelConfig[];
  readonly keys: readonly StaticKeyConfig[];
  readonly teams: readonly Team[];
  /** What models cost where the catalogue is not to be believed, by `provider/model` as they stand in this config. */
  readonly prices: Readonly<Record<string, TokenRates>>;
  readonly limits: {
    /** A stream is ended where the budget runs out in the middle of it. */
    readonly cutOff: boolean;
  };
  readonly usage: {
    /** How long records of single requests are kept, and their sums; absent: for ever. */
    readonly keepRequests?: number;
    readonly keepSums?: number;
  };
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

export interface ServerConfig {
  readonly host: string;
  readonly port: number;
  readonly adminPort?: number;
  readonly bodyLimit: number;
  readonly workers: number | 'auto';
  readonly drainTimeout: number;
  readonly earlyHeaders: boolean;
  readonly cors: { readonly origins: readonly string[] };
}

export interface ProviderConfig {
  readonly name: string;
  readonly type: string;
  /** Absent: the type's own. */
  readonly baseUrl?: string;
  readonly apiKeys: readonly Secret[];
  readonly headers: Readonly<Record<string, string>>;
  readonly timeouts: Partial<Timeouts>;
  readonly concurrency?: number | 'auto';
  readonly quirks: readonly string[];
  /** The models it has been found to serve; absent: those the catalogue gives to its type. */
  readonly models?: readonly string[];
  /** Keys that one adapter understands: `region`, `project`, `apiVersion`, `deployments`, `baseModel` … */
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface ModelConfig {
  readonly name: string;
  readonly targets: readonly TargetConfig[];
  readonly strategy: Strategy;
  readonly retries: number;
  readonly fallbacks: readonly string[];
  readonly contextWindowFallbacks: readonly string[];
  readonly contentPolicyFallbacks: readonly string[];
  readonly timeouts: Partial<Timeouts>;
  readonly hedge?: Hedge;
  readonly defaults: Readonly<Record<string, unknown>>;
  /** What all who ask for this name may use together. */
  readonly rpm?: number;
  readonly tpm?: number;
  readonly concurrency?: number;
  readonly budget?: Budget;
}

export interface TargetConfig {
  readonly provider: string;
  readonly model: string;
  readonly weight: number;
  readonly baseModel?: string;
}

export interface StaticKeyConfig {
  readonly name: string;
  readonly key: Secret;
  readonly owner?: string;
  readonly tags: readonly string[];
  readonly models: readonly string[] | null;
  readonly allowedIps: readonly string[] | null;
  readonly rpm?: number;
  readonly tpm?: number;
  readonly concurrency?: number;
  readonly budget?: Budget;
  readonly expiresAt?: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = { connect: 5_000, firstToken: 300_000, idle: 120_000, total: 600_000 };

/** Further attempts at one target. */
export const DEFAULT_RETRIES = 2;
