import { stringEnd } from './json-source.js';
import type { Secret } from './secret.js';

/** What a text must not tell. */
export interface Confidential {
  readonly credential: Secret | undefined;
  /** Where the provider is; the paths below it are no secret. */
  readonly baseUrl: string;
}

/** JSON text with every string in it masked, keys too. */
export function maskStrings(json: string, confidential: Confidential): string {
  return withStrings(json, masker(confidential));
}

/**
 * JSON text with another text in the place of every string, keys too. Not by a regular expression: a string of some
 * million escapes overflows the stack of its engine.
 */
export function withStrings(json: string, change: (text: string) => string): string {
  const parts: string[] = [];
  let done = 0;
  for (let open = json.indexOf('"'), end; open !== -1; open = json.indexOf('"', end)) {
    end = stringEnd(json, open);
    const text = JSON.parse(json.slice(open, end)) as string;
    const changed = change(text);
    if (changed === text) continue;
    parts.push(json.slice(done, open), JSON.stringify(changed));
    done = end;
  }
  return parts.length === 0 ? json : parts.join('') + json.slice(done);
}

const HOST = '[host]';
/** Model servers that want no key are given a word such as `ollama`, which is no secret. */
const SHORTEST_KEY = 8;

/** An IPv4 address, with its port where it has one. */
const ADDRESS = /(?<![\w.])(\d{1,3})\.(\d{1,3})\.\d{1,3}\.\d{1,3}(?::\d+)?(?!\w|\.\d)/g;

/** Loopback, private (RFC 1918), link-local and carrier-grade addresses: they tell only how a network is built. */
function isInternal(first: number, second: number): boolean {
  if (first === 10 || first === 127) return true;
  if (first === 172) return second >= 16 && second < 32;
  if (first === 100) return second >= 64 && second < 128;
  return (first === 192 && second === 168) || (first === 169 && second === 254);
}

function masker({ credential, baseUrl }: Confidential): (text: string) => string {
  const key = credential?.reveal() ?? '';
  const isKey = key.length >= SHORTEST_KEY;
  const host = hostPattern(baseUrl);
  return (text) => {
    const keyless = !isKey ? text : text.replaceAll(key, String(credential));
    const hostless = host === undefined ? keyless : keyless.replace(host, HOST);
    return hostless.replace(ADDRESS, (found, first: string, second: string) =>
      isInternal(Number(first), Number(second)) ? HOST : found,
    );
  };
}

/** The host with or without its port. One that is a plain word counts only where it stands as an address. */
function hostPattern(baseUrl: string): RegExp | undefined {
  if (!URL.canParse(baseUrl)) return undefined;
  const { hostname } = new URL(baseUrl);
  if (hostname === '') return undefined;
  const host = hostname.replace(/[^\w-]/g, '\\$&');
  const isWord = /^[a-z]+$/.test(hostname);
  return isWord
    ? new RegExp(`(?<=//|@)${host}(?::\\d+)?(?![\\w-])|(?<![\\w.-])${host}:\\d+`, 'gi')
    : new RegExp(`(?<![\\w.-])${host}(?::\\d+)?(?![\\w-]|\\.\\w)`, 'gi');
}
