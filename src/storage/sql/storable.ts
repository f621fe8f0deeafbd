/** No model name or error code is longer; an index entry of PostgreSQL holds no more than 2,700 bytes. */
const LONGEST = 512;

/** Looked for first, because it is quick and next to no text has any: U+0000 and what may be half a character. */
const SUSPICIOUS = /[\0\ud800-\udfff]/;
/** U+0000 and halves of a character. */
const UNSTORABLE = /[\0\p{Surrogate}]/gu;

/**
 * Text as both databases take it: PostgreSQL refuses U+0000, half a character, and too long a text in an index.
 * What a client wrote must not make the whole batch fail that it is recorded with.
 */
export function storable(text: string): string {
  const short = text.length > LONGEST ? text.slice(0, LONGEST) : text;
  return SUSPICIOUS.test(short) ? short.replace(UNSTORABLE, '\uFFFD') : short;
}

/** The same for a column that may be empty. */
export function storableOrNull(text: string | null): string | null {
  return text === null ? null : storable(text);
}

/** A count or a time as a BIGINT takes it; what is no number at all counts as 0. */
export function integer(value: number): number {
  const whole = Math.round(value);
  if (Number.isSafeInteger(whole)) return whole;
  return whole > 0 ? Number.MAX_SAFE_INTEGER : 0;
}
