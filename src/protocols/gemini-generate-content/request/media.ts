import { dataUrl } from '../../request/data-url.js';
import type { Blob, Part } from '../wire.js';

/** A file as a part: the bytes of a data URL inline, anything else by its address; undefined for a broken data URL. */
export function mediaPart(url: string, fallbackType: string | undefined): Part | undefined {
  if (url.slice(0, 5).toLowerCase() === 'data:') {
    const inlineData = blobIn(url);
    return inlineData && { inlineData };
  }
  const mimeType = typeByName(url) ?? (isKnownToGoogle(url) ? undefined : fallbackType);
  return { fileData: { fileUri: url, ...(mimeType !== undefined && { mimeType }) } };
}

/** Google knows the type of what was uploaded to it, and of its own videos. */
const isKnownToGoogle = (url: string): boolean => isFilesApi(url) || isYouTube(url);

const isFilesApi = (url: string): boolean =>
  /^https:\/\/generativelanguage\.googleapis\.com\/[^?#]*\/?files\//i.test(url);

const isYouTube = (url: string): boolean =>
  /^https?:\/\/((www|m|music)\.)?(youtube\.com\/(watch\?|shorts\/|live\/|embed\/)|youtu\.be\/)/i.test(url);

/** Whether Google fetches this URL itself: whatever else is on the web the gateway has to fetch (Gemini reference §2.3). */
export const isWithGoogle = (url: string): boolean => !/^https?:/i.test(url) || isFilesApi(url) || isYouTube(url);

function blobIn(url: string): Blob | undefined {
  const inline = dataUrl(url);
  return inline && { mimeType: rightType(inline.type || 'text/plain'), data: inline.data };
}

/** Names that are common and that Google does not know. */
const SYNONYMS: Readonly<Record<string, string>> = {
  'image/jpg': 'image/jpeg',
  'audio/mpeg': 'audio/mp3',
  'audio/x-wav': 'audio/wav',
  'audio/wave': 'audio/wav',
  'application/json': 'text/plain',
};

const rightType = (type: string): string => (Object.hasOwn(SYNONYMS, type) ? (SYNONYMS[type] ?? type) : type);

const TYPES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    png: 'image/png',
    jpg: 'image/jpeg',
    jpeg: 'image/jpeg',
    webp: 'image/webp',
    gif: 'image/gif',
    heic: 'image/heic',
    heif: 'image/heif',
    pdf: 'application/pdf',
    txt: 'text/plain',
    md: 'text/markdown',
    csv: 'text/csv',
    html: 'text/html',
    json: 'text/plain',
    mp3: 'audio/mp3',
    wav: 'audio/wav',
    m4a: 'audio/m4a',
    ogg: 'audio/ogg',
    flac: 'audio/flac',
    mp4: 'video/mp4',
    mov: 'video/mov',
    mpeg: 'video/mpeg',
    webm: 'video/webm',
  }),
);

/** The type that the end of a name or URL stands for. */
export function typeByName(name: string): string | undefined {
  const ending = /\.([a-z0-9]{2,5})(?:[?#]|$)/i.exec(name.slice(-300))?.[1];
  return ending === undefined ? undefined : TYPES.get(ending.toLowerCase());
}
