import type { IncomingHttpHeaders } from 'node:http';

/** The headers besides `authorization` in which clients send their key. */
const KEY_HEADERS = ['x-api-key', 'api-key'] as const;

/** The key a client presents, from the first header that has one. A key may itself contain spaces. */
export function presentedKey(headers: IncomingHttpHeaders): string | undefined {
  const bearer = bearerToken(headers.authorization);
  if (bearer !== undefined) return bearer;
  for (const name of KEY_HEADERS) {
    const value = headers[name];
    const key = (Array.isArray(value) ? value[0] : value)?.trim();
    if (key !== undefined && key !== '') return key;
  }
  return undefined;
}

function bearerToken(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined;
  const key = /^\s*bearer\s(.*)$/is.exec(authorization)?.[1]?.trim();
  return key === '' ? undefined : key;
}
