import type { ChatMessage, ChatRequest, ContentPart } from '../domain/chat.js';
import { InvalidRequestError } from '../domain/errors.js';
import { isObject, type Json } from '../protocols/json.js';
import type { Media, MediaFetcher } from '../transport/media-fetcher.js';
import { MediaRefusal } from '../transport/media/media-refusal.js';

/** Where parts of a message hold a URL: a field, which is the URL itself or holds it in one of these. */
const HOLDERS = [
  ['image_url', ['url']],
  ['file', ['file_data', 'file_url', 'url']],
  ['video_url', ['url']],
  ['audio_url', ['url']],
] as const;

type Holder = (typeof HOLDERS)[number][0];

const CODES: Readonly<Record<Holder, string>> = {
  image_url: 'invalid_image_url',
  file: 'invalid_file_url',
  video_url: 'invalid_video_url',
  audio_url: 'invalid_audio_url',
};

const MAX_FILES = 20;
const AT_ONCE = 4;
/** Of all files together, each counted as often as it stands in the request. */
const MAX_TOTAL_BYTES = 50 * 1024 * 1024;

/** A URL in a request and where it stands. */
interface Link {
  readonly url: string;
  readonly holder: Holder;
  readonly path: string;
}

interface Fetching {
  readonly media: MediaFetcher;
  readonly signal: AbortSignal;
}

interface WantedFile {
  /** Where it stands first. */
  readonly link: Link;
  /** How often it stands in the request. */
  times: number;
}

const NONE: readonly never[] = [];

/** The URLs in a request that its provider cannot fetch itself, each once. */
export function urlsToFetch(request: ChatRequest, mustFetch: (url: string) => boolean): readonly string[] {
  const links = linksIn(request);
  if (links.length === 0) return NONE;
  return [...new Set(links.map(({ url }) => url))].filter(mustFetch);
}

/**
 * The request with these URLs replaced by what stands behind them, as data URLs. What another field of a `file` names
 * becomes its `file_data`, which every dialect knows. Throws InvalidRequestError for what cannot be had.
 */
export async function inlineMedia(
  request: ChatRequest,
  urls: readonly string[],
  fetching: Fetching,
): Promise<ChatRequest> {
  const fetched = await fetchAll(wantedFiles(request, urls), fetching);
  return { ...request, messages: request.messages.map((message) => inlinedMessage(message, fetched)) };
}

function wantedFiles(request: ChatRequest, urls: readonly string[]): readonly WantedFile[] {
  const asked = new Set(urls);
  const wanted = new Map<string, WantedFile>();
  for (const link of linksIn(request)) {
    if (!asked.has(link.url)) continue;
    const known = wanted.get(link.url);
    if (known !== undefined) known.times += 1;
    else if (wanted.size < MAX_FILES) wanted.set(link.url, { link, times: 1 });
    else throw refusal(link, `a request may hold the URLs of ${MAX_FILES} files`);
  }
  return [...wanted.values()];
}

/** A few at a time; the first that cannot be had ends them all. */
async function fetchAll(
  wanted: readonly WantedFile[],
  { media, signal }: Fetching,
): Promise<ReadonlyMap<string, string>> {
  const dataUrls = new Map<string, string>();
  const failed = new AbortController();
  const ended = AbortSignal.any([signal, failed.signal]);
  const queue = wanted.values();
  let total = 0;
  const work = async (): Promise<void> => {
    for (const { link, times } of queue) {
      const file = await fetchOne(link, media, ended);
      total += file.bytes.length * times;
      if (total > MAX_TOTAL_BYTES)
        throw refusal(link, `the files of one request are larger than ${MAX_TOTAL_BYTES / 1024 / 1024} MB`);
      dataUrls.set(link.url, `data:${file.mediaType};base64,${file.bytes.toString('base64')}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, wanted.length) }, work));
  } finally {
    failed.abort();
  }
  return dataUrls;
}

async function fetchOne(link: Link, media: MediaFetcher, signal: AbortSignal): Promise<Media> {
  try {
    return await media.fetch(link.url, signal);
  } catch (error) {
    throw error instanceof MediaRefusal ? refusal(link, error.message) : error;
  }
}

function refusal({ holder, path }: Link, reason: string): InvalidRequestError {
  return new InvalidRequestError(`The URL at \`${path}\` cannot be fetched: ${reason}.`, {
    code: CODES[holder],
    param: path,
  });
}

function inlinedMessage(message: ChatMessage, dataUrls: ReadonlyMap<string, string>): ChatMessage {
  const { content } = message;
  if (!Array.isArray(content)) return message;
  return { ...message, content: content.map((part: ContentPart) => inlinedPart(part, dataUrls)) };
}

function inlinedPart(part: ContentPart, dataUrls: ReadonlyMap<string, string>): ContentPart {
  let inlined = part;
  for (const [holder, fields] of HOLDERS) {
    const held = part[holder];
    if (held === undefined) continue;
    const now = typeof held === 'string' ? dataUrls.get(held) : isObject(held) && inlinedHolder(held, fields, dataUrls);
    if (now !== undefined && now !== false) inlined = { ...inlined, [holder]: now };
  }
  return inlined;
}

/** Undefined: it stays as it is. */
function inlinedHolder(held: Json, fields: readonly string[], dataUrls: ReadonlyMap<string, string>): Json | undefined {
  // The first of the fields is the one that may hold data.
  const [first = ''] = fields;
  for (const field of fields) {
    const url = held[field];
    const dataUrl = typeof url === 'string' ? dataUrls.get(url) : undefined;
    if (dataUrl === undefined) continue;
    const { [field]: _url, ...others } = held;
    return { ...others, [first]: dataUrl };
  }
  return undefined;
}

/** Every request of some providers passes here, and most hold no URL: then nothing is made. */
function linksIn({ messages }: ChatRequest): readonly Link[] {
  let links: Link[] | undefined;
  for (let at = 0; at < messages.length; at += 1) {
    const content: unknown = messages[at]?.content;
    if (!Array.isArray(content)) continue;
    for (let place = 0; place < content.length; place += 1) {
      const part: unknown = content[place];
      if (!isObject(part) || part['type'] === 'text') continue;
      for (const [holder, fields] of HOLDERS) {
        const found = linkIn(part[holder], fields);
        if (found === undefined) continue;
        const path = `messages[${at}].content[${place}].${holder}${found.field === '' ? '' : `.${found.field}`}`;
        (links ??= []).push({ url: found.url, holder, path });
      }
    }
  }
  return links ?? NONE;
}

/** The URL in a field of a part; its own field is '' where the holder is the URL itself. */
function linkIn(
  held: unknown,
  fields: readonly string[],
): { readonly url: string; readonly field: string } | undefined {
  if (typeof held === 'string') return isHttp(held) ? { url: held, field: '' } : undefined;
  if (!isObject(held)) return undefined;
  for (const field of fields) {
    const url = held[field];
    if (typeof url === 'string' && isHttp(url)) return { url, field };
  }
  return undefined;
}

const isHttp = (text: string): boolean => /^\s*https?:/i.test(text);
