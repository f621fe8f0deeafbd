import type { ProviderEndpoint } from '../domain/deployment.js';
import { secretsOf } from '../routing/shown-request.js';

/** What is shorter is a word, which may stand in an address by chance. */
const SHORTEST_SECRET = 8;

/** Where a provider is, without what an address may hold to prove who calls; null where it has none. */
export function shownAddress(endpoint: ProviderEndpoint): string | null {
  if (!URL.canParse(endpoint.baseUrl)) return null;
  const { protocol, host, pathname } = new URL(endpoint.baseUrl);
  const address = `${protocol}//${host}${pathname.replace(/\/+$/, '')}`;
  return secretsOf(endpoint)
    .filter(({ length }) => length >= SHORTEST_SECRET)
    .flatMap((secret) => [secret, encodeURIComponent(secret)])
    .reduce((shown, secret) => shown.replaceAll(secret, '[secret]'), address);
}
