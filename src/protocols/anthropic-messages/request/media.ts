import { unsupportedValue } from '../../claude/claude-request.js';
import { dataUrl, seenType, type DataUrl } from '../../request/data-url.js';
import type { DocumentBlock, ImageBlock } from '../wire.js';

const IMAGE_TYPES = ['image/jpeg', 'image/png', 'image/gif', 'image/webp'];

/** An image by URL or as data (Anthropic reference §2.3). */
export function imageBlock(url: string, path: string): ImageBlock {
  const inline = dataUrl(url);
  if (inline !== undefined) return inlineImage(inline, path);
  if (/^https?:/i.test(url)) return { type: 'image', source: { type: 'url', url } };
  throw unsupportedValue(path, 'Images are taken as http URLs or as base64 data URLs.');
}

function inlineImage({ type, data }: DataUrl, path: string): ImageBlock {
  const mediaType = seenType(data) ?? (type === 'image/jpg' ? 'image/jpeg' : type);
  if (!IMAGE_TYPES.includes(mediaType))
    throw unsupportedValue(path, `Images of type ${type.slice(0, 50)} are not taken.`);
  return { type: 'image', source: { type: 'base64', media_type: mediaType, data } };
}

type Title = Pick<DocumentBlock, 'title'>;

export interface FileGiven {
  readonly data: string;
  readonly name: string | undefined;
  readonly path: string;
}

const PDF = 'application/pdf';
const TEXT = /^(text\/|application\/(json|xml|yaml|x-yaml|csv|javascript|x-ndjson|markdown)$)/;
const TEXT_NAMES = /\.(txt|md|csv|json|xml|ya?ml|html?|tsv|log)$/i;

/** A file as data URL, bare base64 or URL: a PDF, an image, or text. */
export function fileBlock({ data, name, path }: FileGiven): DocumentBlock | ImageBlock {
  const title: Title = name !== undefined && name !== '' ? { title: name } : {};
  if (/^https?:/i.test(data)) return { type: 'document', source: { type: 'url', url: data }, ...title };
  const inline = /^data:/i.test(data) ? dataUrl(data) : { type: '', data };
  if (inline === undefined) throw unsupportedValue(path, 'Files are taken as http URLs, base64 or base64 data URLs.');
  return inlineFile(SAYS_NOTHING.includes(inline.type) ? typed(inline, name) : inline, title, path);
}

/** Types of those who do not know what it is. */
const SAYS_NOTHING = ['', 'application/octet-stream', 'binary/octet-stream'];

function inlineFile(inline: DataUrl, title: Title, path: string): DocumentBlock | ImageBlock {
  if (inline.type.startsWith('image/')) return inlineImage(inline, path);
  if (inline.type === PDF || seenType(inline.data) === PDF)
    return { type: 'document', source: { type: 'base64', media_type: PDF, data: inline.data }, ...title };
  if (!TEXT.test(inline.type)) throw unsupportedValue(path, `Files of type ${inline.type.slice(0, 50)} are not taken.`);
  const text = Buffer.from(inline.data, 'base64').toString('utf8');
  return { type: 'document', source: { type: 'text', media_type: 'text/plain', data: text }, ...title };
}

/** The same with the type that its beginning or its name tells; nearly all files are PDFs. */
function typed({ data }: DataUrl, name: string | undefined): DataUrl {
  return { type: seenType(data) ?? (name !== undefined && TEXT_NAMES.test(name) ? 'text/plain' : PDF), data };
}
