import { Logger } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.js';
import { Secret } from '../domain/secret.js';

const FILE = 'secret.key';
const SECRET_BYTES = 32;

/** The secret that turn states are sealed with: the one given, else one of this data folder's own. */
export function secretOf({ secretKey, dataDir, database }: SecretPlaces): Secret {
  if (secretKey !== undefined) return secretKey;
  if (database.url !== undefined)
    new Logger('TurnState').warn(
      'PARLEY_SECRET_KEY is not set, and the database is PostgreSQL: replicas that share it need one secret, or none of them can read what another has kept between turns.',
    );
  return ownSecret(dataDir);
}

type SecretPlaces = Pick<Config, 'secretKey' | 'dataDir' | 'database'>;

/** The secret of a gateway that is given none: made once, kept in the data folder for its owner alone. */
export function ownSecret(dataDir: string): Secret {
  const path = join(dataDir, FILE);
  try {
    const kept = read(path);
    if (kept !== undefined) return new Secret(kept);
    create(path, dataDir);
    return new Secret(read(path) ?? fresh());
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    new Logger('TurnState').warn(
      `The secret in ${path} cannot be used (${code}): what is kept between turns will not outlast this process.`,
    );
    return new Secret(fresh());
  }
}

const fresh = (): string => randomBytes(SECRET_BYTES).toString('base64url');

/** Undefined: there is no such file. */
function read(path: string): string | undefined {
  try {
    const text = readFileSync(path, 'utf8').trim();
    if (text.length < SECRET_BYTES) throw Object.assign(new Error(), { code: 'too short' });
    return text;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The file appears whole or not at all, and of two starts at once the first one's stays. */
function create(path: string, dataDir: string): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  const options = { flag: 'wx', mode: 0o600, flush: true };
  const text = `${fresh()}\n`;
  writeFileSync(draft, text, options);
  try {
    unlessThere(() => linkSync(draft, path));
  } catch {
    // Some network file systems know no links; then the name itself must do.
    unlessThere(() => writeFileSync(path, text, options));
  } finally {
    rmSync(draft, { force: true });
  }
}

function unlessThere(make: () => void): void {
  try {
    make();
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;
