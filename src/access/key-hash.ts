import { hash } from 'node:crypto';

/** SHA-256 of a key, hex: what is stored instead of it. A plain digest will do, for nobody can guess 32 random bytes. */
export function keyHash(key: string): string {
  return hash('sha256', key, 'hex');
}
