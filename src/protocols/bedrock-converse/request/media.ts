import type { Block } from '../wire.js';
import { invalid } from './draft.js';

/** The formats of Converse by what data URLs call them (Bedrock reference §2.2). */
const IMAGES: ReadonlyMap<string, string> = formats({
  'image/png': 'png',
  'image/jpeg': 'jpeg',
  'image/jpg': 'jpeg',
  'image/gif': 'gif',
  'image/webp': 'webp',
});
const DOCUMENTS: ReadonlyMap<string, string> = formats({
  'application/pdf': 'pdf',
  'text/csv': 'csv',
  'application/msword': 'doc',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.ms-excel': 'xls',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'text/html': 'html',
  'text/plain': 'txt',
  'application/json': 'txt',
  'text/markdown': 'md',
  'text/x-markdown': 'md',
});
const VIDEOS: ReadonlyMap<string, string> = formats({
  'video/mp4': 'mp4',
  'video/quicktime': 'mov',
  'video/x-matroska': 'mkv',
  'video/webm': 'webm',
  'video/x-flv': 'flv',
  'video/mpeg': 'mpeg',
  'video/x-ms-wmv': 'wmv',
  'video/3gpp': 'three_gp',
});
const AUDIOS: ReadonlyMap<string, string> = formats({ wav: 'wav', mp3: 'mp3' });

const MOST_IMAGES = 20;
const MOST_DOCUMENTS = 5;

function formats(table: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(table));
}

/** Images, documents and recordings as blocks, counted over the whole request. */
export class Media {
  #images = 0;
  #documents = 0;
  readonly #names = new Set<string>();

  image(url: string, param: string): Block {
    this.#images += 1;
    if (this.#images > MOST_IMAGES)
      throw invalid(param, `There may be ${MOST_IMAGES} images at most.`, 'too_many_images');
    return { image: sourceOf(url, IMAGES, param) };
  }

  video(url: string, param: string): Block {
    return { video: sourceOf(url, VIDEOS, param) };
  }

  audio(data: string, format: string, param: string): Block {
    const known = AUDIOS.get(format);
    if (known === undefined) throw badFormat(format, AUDIOS, param);
    return { audio: { format: known, source: { bytes: data } } };
  }

  /** A document's name must be the same each time, as a new one would be a new prompt to every cache, and no other's. */
  document(url: string, param: string, filename = ''): Block {
    this.#documents += 1;
    if (this.#documents > MOST_DOCUMENTS)
      throw invalid(param, `There may be ${MOST_DOCUMENTS} documents at most.`, 'too_many_files');
    const { format, source } = sourceOf(url, DOCUMENTS, param);
    const wanted = documentName(filename);
    const name = wanted === '' || this.#names.has(wanted) ? `document-${this.#documents}` : wanted;
    this.#names.add(name);
    return { document: { format, name, source } };
  }
}

/** A file's name as Converse takes it: without its ending, and without most signs; '' where nothing is left. */
export const documentName = (filename: string): string =>
  filename
    .replace(/\.[a-z0-9]{1,5}$/i, '')
    .replace(/[^A-Za-z0-9\s()[\]-]+/g, '-')
    .replace(/\s+/g, ' ')
    .slice(0, 200)
    .trim();

interface Source {
  readonly format: string;
  readonly source: Block;
}

/** What a URL stands for: its bytes are in it, or it is an object in S3, which Bedrock reads itself. */
function sourceOf(url: string, known: ReadonlyMap<string, string>, param: string): Source {
  if (url.startsWith('s3://')) return { format: formatByName(url, known, param), source: { s3Location: { uri: url } } };
  const comma = url.indexOf(',');
  const head = /^data:([^;,]*)((?:;[^;,]*)*)$/i.exec(url.slice(0, Math.min(comma, LONGEST_HEAD)));
  if (comma === -1 || head === null)
    throw invalid(param, `\`${param}\` is no data URL, and no URL that can be fetched.`);
  const [, mime = '', parameters = ''] = head;
  const format = known.get(mime.toLowerCase());
  if (format === undefined) throw badFormat(mime, known, param);
  const data = url.slice(comma + 1);
  const bytes = /;base64$/i.test(parameters) ? data : Buffer.from(decoded(data)).toString('base64');
  return { format, source: { bytes } };
}

const LONGEST_HEAD = 500;

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a lone percent sign: the text was not encoded
  }
}

function formatByName(url: string, known: ReadonlyMap<string, string>, param: string): string {
  const ending = /\.([a-z0-9]+)$/i.exec(url)?.[1]?.toLowerCase() ?? '';
  const format = { jpg: 'jpeg', htm: 'html', '3gp': 'three_gp', mpg: 'mpeg' }[ending] ?? ending;
  if ([...known.values()].includes(format)) return format;
  throw badFormat(ending, known, param);
}

function badFormat(given: string, known: ReadonlyMap<string, string>, param: string) {
  const wanted = [...new Set(known.values())].join(', ');
  return invalid(
    param,
    `The format \`${given.slice(0, 100)}\` is not supported; supported: ${wanted}.`,
    'unsupported_value',
  );
}
