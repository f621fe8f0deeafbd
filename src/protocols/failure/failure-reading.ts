import type { WireFailure } from '../protocol.js';
import { UNTOLD } from './failure-kinds.js';

/** `retry-after-ms` counts before `retry-after`, which is seconds or a date (the clock is the provider's own `date`). */
export function retryAfterMs(headers: WireFailure['headers']): number | undefined {
  const ms = Number(first(headers['retry-after-ms']));
  if (ms > 0) return ms;
  const after = first(headers['retry-after']);
  if (after === undefined) return undefined;
  const seconds = Number(after);
  if (seconds > 0) return seconds * 1000;
  const wait = Date.parse(after) - Date.parse(first(headers['date']) ?? '');
  return wait > 0 ? wait : undefined;
}

/** A header may stand several times. */
export const first = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value;

/** The words of a page, without its mark-up. */
export function plainText(body: string): string {
  const words = body
    .slice(0, 20_000)
    .replace(/<(style|script)[^<>]{0,1000}>[^<]*<\/\1>/gi, ' ')
    .replace(/<[^<>]{0,1000}>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return words === '' ? UNTOLD.message : words.slice(0, 500);
}
