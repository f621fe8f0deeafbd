import type { Secret } from '../domain/secret.js';
import type { LogLevel } from './config.js';
import { databaseUrlShape, portShape, redisUrlShape } from './config-shape.js';
import { readVariable } from './provider-environment.js';
import { variablePlace } from './shape/located.js';
import type { Reading } from './shape/reading.js';
import { choice, credential, text } from './shape/scalar.js';
import { host } from './shape/units.js';

const LOG_LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
const SHORTEST_ADMIN_KEY = 16;

/** What the environment sets; it wins over the file. */
export interface EnvironmentSettings {
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly databaseUrl: Secret | undefined;
  readonly redisUrl: Secret | undefined;
  readonly dataDir: string | undefined;
  readonly logLevel: LogLevel | undefined;
  readonly adminKey: Secret | undefined;
  readonly secretKey: Secret | undefined;
}

export function readEnvironmentSettings(reading: Reading): EnvironmentSettings {
  return {
    host: readVariable(['PARLEY_HOST'], host(), reading),
    port: readVariable(portVariables(reading), portShape, reading),
    databaseUrl: readVariable(['PARLEY_DATABASE_URL', 'DATABASE_URL'], databaseUrlShape, reading),
    redisUrl: readVariable(['PARLEY_REDIS_URL', 'REDIS_URL'], redisUrlShape, reading),
    dataDir: readVariable(['PARLEY_DATA_DIR'], text(), reading),
    logLevel: readVariable(['PARLEY_LOG_LEVEL'], choice(LOG_LEVELS), reading),
    adminKey: adminKey(reading),
    secretKey: readVariable(['PARLEY_SECRET_KEY'], credential(), reading),
  };
}

function adminKey(reading: Reading): Secret | undefined {
  return readVariable(['PARLEY_ADMIN_KEY'], credential(SHORTEST_ADMIN_KEY), reading);
}

/** Kubernetes sets `PARLEY_PORT=tcp://10.0.0.7:4100` in every pod beside a service named parley; that is no port to listen on. */
function portVariables(reading: Reading): readonly string[] {
  const isServiceAddress = /^(tcp|udp):\/\//.test(reading.variable(['PARLEY_PORT'])?.value ?? '');
  return isServiceAddress ? ['PORT'] : ['PARLEY_PORT', 'PORT'];
}

/** The admin key opens `/admin` and nothing else, so no client may have it as its own. */
export function refuseAdminKeyAsClientKey(admin: Secret | undefined, keys: readonly Secret[], reading: Reading): void {
  if (admin === undefined || keys.every((key) => key.reveal() !== admin.reveal())) return;
  reading.refuse(variablePlace('PARLEY_ADMIN_KEY'), 'must not be the key of a client as well');
}
