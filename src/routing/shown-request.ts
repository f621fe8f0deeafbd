import type { ProviderEndpoint } from '../domain/deployment.js';
import type { ShownRequest } from '../domain/explanation.js';
import { withStrings } from '../domain/masking.js';
import type { UpstreamRequest } from '../providers/provider.js';

const MASK = '[secret]';

/** Headers and query parameters that prove who calls: by name, as an operator may have named a few of his own. */
const SECRET_NAME = /auth|key|token|secret|cookie|pass|pwd|credential|signature|session|^(?:code|jwt|pw|sig)$/i;
/** Under whatever name: how credentials are written in headers. */
const SECRET_VALUE = /^(?:basic|bearer|digest)\s/i;
/** What is shorter is a word such as `none`, given to servers that want no key. */
const SHORTEST_SECRET = 8;

/** A request as it may be shown: no credential is left in it, wherever it stands. */
export function shownRequest(request: UpstreamRequest, credentials: readonly string[]): ShownRequest {
  const { method, url, headers, body } = request;
  const hide = hider([...credentials, ...secretsIn(url, headers)]);
  const shown: [string, string][] = Object.entries(headers).map((header) => [
    header[0],
    isSecret(header) ? MASK : hide(header[1]),
  ]);
  return { method, url: shownUrl(url, hide), headers: Object.fromEntries(shown), body: shownBody(body, hide) };
}

const isSecret = ([name, value]: readonly [string, string]): boolean =>
  SECRET_NAME.test(name) || SECRET_VALUE.test(value);

/** What an endpoint is called with, and settings that are a secret by their name. */
export function secretsOf({ credentials, settings }: ProviderEndpoint): readonly string[] {
  const named = Object.entries(settings).flatMap(([name, value]) =>
    typeof value === 'string' && SECRET_NAME.test(name) ? [value] : [],
  );
  return [...credentials.map((credential) => credential.reveal()), ...named];
}

type Hide = (text: string) => string;

function hider(known: readonly string[]): Hide {
  const secrets = [...new Set(known.flatMap((secret) => [secret, encodeURIComponent(secret)]))]
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .toSorted((a, b) => b.length - a.length); // one may be the beginning of another
  return (text) => secrets.reduce((hidden, secret) => hidden.replaceAll(secret, MASK), text);
}

/** The secrets that are known only by where they stand. */
function secretsIn(url: string, headers: Readonly<Record<string, string>>): readonly string[] {
  const values = Object.entries(headers)
    .filter(isSecret)
    .flatMap(([, value]) => [value, value.replace(/^\w+ +/, '')]);
  if (!URL.canParse(url)) return values;
  const { password, searchParams } = new URL(url);
  const inQuery = [...searchParams].flatMap(([name, value]) => (SECRET_NAME.test(name) ? [value] : []));
  return [...values, decoded(password), ...inQuery];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a percent sign that is one
  }
}

function shownUrl(url: string, hide: Hide): string {
  return hide(url)
    .replace(/(?<=^\w+:\/\/)[^/?#]*@/, `${MASK}@`)
    .replace(/([?&])([^=&#]*)=([^&#]*)/g, (whole, mark: string, name: string) =>
      SECRET_NAME.test(name) ? `${mark}${name}=${MASK}` : whole,
    );
}

/** String by string in the text of it: bodies may be nested deeper than a walk can follow. */
function shownBody(body: unknown, hide: Hide): unknown {
  const text = JSON.stringify(body);
  const shown = withStrings(text, hide);
  return shown === text ? body : JSON.parse(shown);
}
