import { randomBytes } from 'node:crypto';

/** How every key of ours begins. */
export const KEY_START = 'sk-parley-';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const BASE = BigInt(DIGITS.length);
const RANDOM_BYTES = 32;
/** 62^43 is the first power of 62 above 2^256. */
const RANDOM_DIGITS = 43;
const SHOWN = KEY_START.length + 4;

/** `sk-parley-` and 32 random bytes in base62, always 53 characters: one number written out, so no digit is favoured. */
export function newKey(): string {
  let rest = BigInt(`0x${randomBytes(RANDOM_BYTES).toString('hex')}`);
  let text = '';
  for (let place = 0; place < RANDOM_DIGITS; place += 1) {
    text = DIGITS.charAt(Number(rest % BASE)) + text;
    rest /= BASE;
  }
  return KEY_START + text;
}

/** `key_` and 24 hex digits. */
export const newKeyId = (): string => `key_${randomBytes(12).toString('hex')}`;

/** As much of a key as may be kept and shown. */
export const keyPrefix = (key: string): string => key.slice(0, SHOWN);
