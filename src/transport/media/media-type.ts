import { MediaRefusal } from './media-refusal.js';

const ALLOWED = /^(?:(?:image|audio|video)\/[a-z0-9][a-z0-9.+-]*|application\/pdf|text\/plain)$/;
/** What servers say that do not know. */
const UNKNOWN = new Set(['', 'application/octet-stream', 'binary/octet-stream', 'application/x-download']);

/** The type that a header names, '' where it names none that says something. Throws MediaRefusal for one that is not wanted. */
export function namedType(header: string | undefined): string {
  const [essence = ''] = (header ?? '').split(';');
  const type = essence.trim().toLowerCase();
  if (UNKNOWN.has(type)) return '';
  if (!ALLOWED.test(type)) throw new MediaRefusal('it is not an image, a PDF, plain text, audio or video');
  return type === 'image/jpg' ? 'image/jpeg' : type;
}

/** The type of a file by its name for it and its first bytes: providers refuse an image whose type is wrong. */
export function mediaType(named: string, bytes: Buffer): string {
  const seen = named === '' || named.startsWith('image/') ? sniffed(bytes) : undefined;
  const type = seen ?? named;
  if (type === '') throw new MediaRefusal('its type is not known');
  return type;
}

function sniffed(bytes: Buffer): string | undefined {
  const start = bytes.subarray(0, 16).toString('latin1');
  if (start.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (start.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (/^GIF8[79]a/.test(start)) return 'image/gif';
  if (/^RIFF.{4}WEBP/s.test(start)) return 'image/webp';
  if (start.startsWith('%PDF-')) return 'application/pdf';
  if (/^BM.{4}\0{4}/s.test(start)) return 'image/bmp';
  if (start.startsWith('II*\0') || start.startsWith('MM\0*')) return 'image/tiff';
  return isoImage(start);
}

/** The still images in the box format of ISO 14496-12, by their brand. */
function isoImage(start: string): string | undefined {
  const brand = /^.{4}ftyp(.{4})/s.exec(start)?.[1];
  if (brand === undefined) return undefined;
  if (brand === 'avif' || brand === 'avis') return 'image/avif';
  if (brand === 'mif1' || brand === 'msf1') return 'image/heif';
  return /^he(ic|ix|im|is|vc|vx)$/.test(brand) ? 'image/heic' : undefined;
}
