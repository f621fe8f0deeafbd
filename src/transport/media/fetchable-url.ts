import { MediaRefusal, notPublic } from './media-refusal.js';

const MAX_URL = 8_192;
/** Names that mean this machine or this network wherever they are asked for (RFC 6761, 6762, 8375, and ICANN for `internal`). */
const INSIDE = ['localhost', 'local', 'internal', 'intranet', 'lan', 'home.arpa'];

/** The URL, where its form allows it to be fetched. Numbers in odd notations have become plain addresses. */
export function fetchableUrl(text: string, base?: URL): URL {
  const url = text.length <= MAX_URL && URL.canParse(text, base?.href) ? new URL(text, base) : undefined;
  if (url === undefined) throw new MediaRefusal('it is not a valid URL');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new MediaRefusal('only http and https are fetched');
  if (url.username !== '' || url.password !== '') throw new MediaRefusal('it holds credentials');
  if (isInside(url.hostname)) throw notPublic();
  return url;
}

/** The address, where the URL names one instead of a host. */
export function literalAddress({ hostname }: URL): string | undefined {
  if (hostname.startsWith('[')) return hostname.slice(1, -1);
  // The URL standard takes every host whose last label is a number for an IPv4 address, and has refused it otherwise.
  return /(^|\.)\d+$/.test(hostname) ? hostname : undefined;
}

function isInside(hostname: string): boolean {
  if (hostname.startsWith('[')) return false;
  const name = hostname.replace(/\.$/, '');
  if (!name.includes('.')) return true; // a name of the search domain
  return INSIDE.some((zone) => name === zone || name.endsWith(`.${zone}`));
}
