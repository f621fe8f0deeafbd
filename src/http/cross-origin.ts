import type { IncomingMessage, ServerResponse } from 'node:http';

const METHODS = 'GET, POST, PATCH, DELETE, OPTIONS';
const EXPOSED = [
  'x-request-id',
  'x-client-request-id',
  'openai-processing-ms',
  'openai-version',
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  ...[
    'provider',
    'model',
    'attempts',
    'overhead-ms',
    'dropped-params',
    'adapted-params',
    'cost-usd',
    'replayed',
    'cut-off',
  ].map((name) => `x-parley-${name}`),
  ...['limit', 'remaining', 'reset'].flatMap((what) => [`x-ratelimit-${what}-requests`, `x-ratelimit-${what}-tokens`]),
].join(', ');

/** Lets pages of the listed origins (`*`: all) call the gateway. With none listed, browsers are told nothing. */
export function crossOrigin({ headers }: IncomingMessage, response: ServerResponse, origins: readonly string[]): void {
  const { origin } = headers;
  if (origins.length === 0 || origin === undefined) return;
  const allowed = origins.includes('*') ? '*' : origins.includes(origin) ? origin : undefined;
  if (allowed === undefined) return;
  response.setHeader('access-control-allow-origin', allowed);
  response.setHeader('vary', 'origin');
  response.setHeader('access-control-expose-headers', EXPOSED);
  if (headers['access-control-request-method'] === undefined) return;
  response.setHeader('access-control-allow-methods', METHODS);
  // SDKs send a dozen headers of their own, and more with every version.
  const asked = headers['access-control-request-headers'];
  if (asked !== undefined) response.setHeader('access-control-allow-headers', asked);
  response.setHeader('access-control-max-age', '600');
}
