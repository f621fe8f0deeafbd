import { isIP, type LookupFunction } from 'node:net';
import { Client, type Dispatcher } from 'undici';
import { fetchableUrl, literalAddress } from './media/fetchable-url.js';
import { MediaRefusal, notPublic } from './media/media-refusal.js';
import { mediaType, namedType } from './media/media-type.js';
import { isPublicAddress } from './media/public-address.js';
import { resolveHost } from './media/resolve-host.js';

/** A file that stood behind a URL. */
export interface Media {
  /** Without parameters: `image/png`. As the server named it, but for an image that is of another type. */
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** What may be fetched, from where, and how much of it. */
export interface MediaRules {
  /** All addresses of a host; none: there is no such host. */
  readonly resolve: (host: string, signal: AbortSignal) => Promise<readonly string[]>;
  readonly mayConnect: (address: string) => boolean;
  readonly maxBytes: number;
  /** From the first question to the last byte, redirects included. */
  readonly totalMs: number;
}

const MAX_REDIRECTS = 3;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const CONNECT_MS = 5_000;

const PUBLIC_ONLY: MediaRules = {
  resolve: resolveHost,
  mayConnect: isPublicAddress,
  maxBytes: 20 * 1024 * 1024,
  totalMs: 10_000,
};

/** Fixed: nothing of ours or of the client goes to a place that the client chose. */
const HEADERS = { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'parley' };

type Answer = Dispatcher.ResponseData;

/**
 * Fetches what clients point at, and nothing that is not for them to see: each host is resolved once, all its
 * addresses are checked, and a connection is made to no others. Nothing is shared between two fetches.
 */
export class MediaFetcher {
  readonly #rules: MediaRules;

  constructor(rules: Partial<MediaRules> = {}) {
    this.#rules = { ...PUBLIC_ONLY, ...rules };
  }

  /** Throws MediaRefusal where the fault is the URL's, and the reason of the signal once that is aborted. */
  async fetch(url: string, signal: AbortSignal): Promise<Media> {
    const { totalMs } = this.#rules;
    const late = AbortSignal.timeout(totalMs);
    const ended = AbortSignal.any([signal, late]);
    try {
      ended.throwIfAborted();
      return await this.#follow(url, ended);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (late.aborted) throw new MediaRefusal(`it took longer than ${totalMs / 1_000} seconds`);
      if (error instanceof MediaRefusal) throw error;
      throw new MediaRefusal('its server could not be reached, or broke off', { cause: error });
    }
  }

  async #follow(start: string, signal: AbortSignal): Promise<Media> {
    let url = fetchableUrl(start);
    for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
      const there = await this.#visit(url, signal);
      if (!(there instanceof URL)) return there;
      // Whoever wrote https does not expect a file that anybody on the way could have exchanged.
      if (url.protocol === 'https:' && there.protocol === 'http:')
        throw new MediaRefusal('it redirects from https to http');
      url = there;
    }
    throw new MediaRefusal(`it redirects more than ${MAX_REDIRECTS} times`);
  }

  /** The file, or where it is said to be. */
  async #visit(url: URL, signal: AbortSignal): Promise<Media | URL> {
    const lookup = pinned(await this.#addresses(url, signal));
    const client = new Client(url.origin, { connect: { lookup, timeout: CONNECT_MS }, maxHeaderSize: 16_384 });
    try {
      const path = url.pathname + url.search;
      const answer = await client.request({ method: 'GET', path, headers: HEADERS, signal });
      // Whatever becomes of a body that is not read to its end, nobody is left to hear of it.
      answer.body.on('error', () => undefined);
      return REDIRECTS.has(answer.statusCode) ? target(answer, url) : await this.#read(answer);
    } finally {
      await client.destroy();
    }
  }

  /** One bad address among good ones is enough: such a host means no good. */
  async #addresses(url: URL, signal: AbortSignal): Promise<readonly string[]> {
    const literal = literalAddress(url);
    const { resolve, mayConnect } = this.#rules;
    const addresses = literal === undefined ? await abortable(resolve(url.hostname, signal), signal) : [literal];
    if (addresses.length === 0 || !addresses.every(mayConnect)) throw notPublic();
    return addresses;
  }

  async #read({ statusCode, headers, body }: Answer): Promise<Media> {
    const { maxBytes } = this.#rules;
    if (statusCode !== 200) throw new MediaRefusal(`its server answered with status ${statusCode}`);
    const named = namedType(single(headers['content-type']));
    const encoding = single(headers['content-encoding']) ?? 'identity';
    if (encoding.toLowerCase() !== 'identity') throw new MediaRefusal('its server sent it compressed');
    const tooLarge = new MediaRefusal(`it is larger than ${maxBytes / 1024 / 1024} MB`);
    if (Number(single(headers['content-length']) ?? 0) > maxBytes) throw tooLarge;
    const pieces: Buffer[] = [];
    let size = 0;
    for await (const piece of body as AsyncIterable<Buffer>) {
      size += piece.length;
      if (size > maxBytes) throw tooLarge;
      pieces.push(piece);
    }
    if (size === 0) throw new MediaRefusal('it is empty');
    const bytes = Buffer.concat(pieces, size);
    return { mediaType: mediaType(named, bytes), bytes };
  }
}

function target({ headers }: Answer, from: URL): URL {
  const location = single(headers['location']);
  if (location === undefined) throw new MediaRefusal('it redirects to nowhere');
  return fetchableUrl(location, from);
}

const single = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header[0] : header;

/** Whatever is asked for, these are the addresses: the name is not resolved a second time. */
function pinned(addresses: readonly string[]): LookupFunction {
  const known = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, options, callback) => {
    if (options.all === true) callback(null, known);
    else callback(null, known[0]?.address ?? '', known[0]?.family);
  };
}

/** A resolver that does not heed the signal must not hold anybody up. */
function abortable<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new Error('aborted', { cause: signal.reason }));
    signal.addEventListener('abort', stop, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
