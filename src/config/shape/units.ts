import { isIP } from 'node:net';
import { Secret } from '../../domain/secret.js';
import { mapped, numberOf, parsedText, scalar, textOf, textLike } from './scalar.js';
import { converted, type Shape } from './shape.js';

/** Longer timers fire at once: setTimeout counts in 32 bits. */
const LONGEST_MS = 2 ** 31 - 1;
const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const MB = 1_024 ** 2;
const BYTES: Readonly<Record<string, number>> = { b: 1, kb: 1_024, mb: MB, gb: 1_024 * MB };

/** Milliseconds, written `250ms`, `5s`, `5m` or `2h`; a bare number is milliseconds. */
export function duration(least = 1): Shape<number> {
  return quantity({
    units: MILLISECONDS,
    wanted: `a duration such as 250ms, 5s, 5m or 2h${least > 0 ? ', longer than 0 and' : ','} of at most 24 days`,
    least,
    most: LONGEST_MS,
  });
}

/** A stretch of the past in milliseconds, written `36h` or `90d`. */
export function age(): Shape<number> {
  return quantity({
    units: { h: 3_600_000, d: 86_400_000 },
    wanted: 'a time such as 36h or 90d, from 1h to 100 years',
    least: 3_600_000,
    most: 36_525 * 86_400_000,
  });
}

/** Bytes, written `512kb` or `32mb` (of 1024); a bare number is bytes. */
export function size(least: number, most: number): Shape<number> {
  return quantity({
    units: BYTES,
    wanted: `a size such as 512kb or 32mb, from ${least} bytes to ${most / MB}mb`,
    least,
    most,
  });
}

interface Quantity {
  readonly units: Readonly<Record<string, number>>;
  readonly wanted: string;
  readonly least: number;
  readonly most: number;
}

function quantity({ units, wanted, least, most }: Quantity): Shape<number> {
  const names = Object.keys(units).join('|');
  const pattern = new RegExp(`^(\\d+(?:\\.\\d+)?) ?(${names})$`, 'i');
  const fits = (read: number) => (read >= least && read <= most ? Math.round(read) : undefined);
  return scalar({
    schema: {
      anyOf: [
        { type: 'number', minimum: least, maximum: most },
        { type: 'string', pattern: `^\\d+(\\.\\d+)? ?(${names}|${names.toUpperCase()})$|\\$\\{` },
      ],
    },
    wanted,
    parse: (value) => {
      const [, count, unit = ''] = pattern.exec(textOf(value)?.trim() ?? '') ?? [];
      const factor = units[unit.toLowerCase()];
      const written = count === undefined || factor === undefined ? undefined : Number(count) * factor;
      return mapped(written ?? numberOf(value), fits);
    },
  });
}

/** An address to listen on. */
export function host(): Shape<string> {
  return parsedText({
    wanted: 'an address or a host name to listen on',
    parse: (written) => (isIP(written) > 0 || /^[a-z\d]([a-z\d.-]*[a-z\d])?$/i.test(written) ? written : undefined),
  });
}

/** An http or https URL that paths are added to; slashes at its end are dropped. */
export function baseUrl(): Shape<string> {
  return parsedText({
    wanted: 'an http:// or https:// URL without user name, query, fragment or braces',
    // The value may hold a password, which is why it is refused in the first place.
    secret: true,
    parse: (written) => {
      const url = parsedUrl(written, ['http:', 'https:']);
      // Braces stand for settings, in the addresses that the types have of their own.
      const plain = url?.username === '' && url.password === '' && url.search === '' && !/[{}#]/.test(written);
      return plain ? written.trim().replace(/\/+$/, '') : undefined;
    },
  });
}

/** A URL that may hold a password, of one of these schemes. */
export function secretUrl(schemes: readonly string[]): Shape<Secret> {
  const shape = parsedText({
    wanted: `a ${schemes.map((scheme) => `${scheme}://`).join(' or ')} URL`,
    secret: true,
    parse: (written) =>
      parsedUrl(
        written,
        schemes.map((scheme) => `${scheme}:`),
      ) && written.trim(),
  });
  return converted(shape, (url) => new Secret(url));
}

/** What a browser sends as `Origin`, or `*`. */
export function origin(): Shape<string> {
  return parsedText({
    wanted: 'an origin such as https://app.example.com, or *',
    parse: (written) =>
      written === '*' || parsedUrl(written, ['http:', 'https:'])?.origin === written ? written : undefined,
  });
}

/** An IP address, or a block of them as `10.0.0.0/8`. */
export function addressBlock(): Shape<string> {
  return parsedText({
    wanted: 'an IP address or a block such as 10.0.0.0/8',
    parse: (written) => {
      const [address = '', bits] = written.split('/', 2);
      const width = { 4: 32, 6: 128 }[isIP(address)];
      const fits = width !== undefined && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= width));
      return fits && written.split('/').length <= 2 ? written : undefined;
    },
  });
}

/** Epoch milliseconds, written as an ISO date or, with its time zone, an ISO time. */
export function instant(): Shape<number> {
  return parsedText({
    wanted: 'a date such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z',
    parse: (written) => {
      const iso = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(written);
      const time = iso ? Date.parse(written) : Number.NaN;
      return Number.isNaN(time) ? undefined : time;
    },
  });
}

/** The value of an HTTP header; spaces and line breaks around it are dropped. */
export function headerValue(): Shape<string> {
  return converted(textLike(/^\s*[\x20-\x7e]*\s*$/, 'text in printable ASCII (put numbers in quotes)'), (value) =>
    value.trim(),
  );
}

function parsedUrl(written: string, protocols: readonly string[]): URL | undefined {
  const url = URL.canParse(written.trim()) ? new URL(written.trim()) : undefined;
  return url !== undefined && protocols.includes(url.protocol) && url.host !== '' ? url : undefined;
}
