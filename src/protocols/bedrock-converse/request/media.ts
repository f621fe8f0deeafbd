import { dataUrl, seenType } from '../../request/data-url.js';
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
    return { image: sourceOf(url, IMAGES, { param }) };
  }

  video(url: string, param: string): Block {
    return { video: sourceOf(url, VIDEOS, { param }) };
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
    const { format, source } = sourceOf(url, DOCUMENTS, { param, filename });
    return { document: { format, name: this.#freeName(documentName(filename)), source } };
  }

  #freeName(wanted: string): string {
    let name = wanted;
    for (let count = this.#documents; name === '' || this.#names.has(name); count += 1) name = `document-${count}`;
    this.#names.add(name);
    return name;
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

/** Where it stands, and what the client calls it. */
interface Given {
  readonly param: string;
  readonly filename?: string;
}

/** What a URL stands for: its bytes are in it, or it is an object in S3, which Bedrock reads itself. */
function sourceOf(url: string, known: ReadonlyMap<string, string>, { param, filename = '' }: Given): Source {
  if (url.startsWith('s3://')) {
    const format = formatByName(url, known);
    if (format === undefined) throw badFormat(url.slice(-20), known, param);
    return { format, source: { s3Location: { uri: url } } };
  }
  const inline = dataUrl(url);
  if (inline === undefined) throw invalid(param, `\`${param}\` is no data URL, and no URL that can be fetched.`);
  const { type: mime, data: bytes } = inline;
  const told = known.get(mime) ?? formatByName(TEXT.test(mime) ? '.txt' : filename, known);
  const format = known.get(seenType(bytes) ?? '') ?? told;
  if (format === undefined) throw badFormat(mime, known, param);
  return { format, source: { bytes } };
}

/** What is text, whatever it is the text of. */
const TEXT = /^(text\/.+|application\/(xml|yaml|x-yaml|javascript|x-ndjson))$/;

function formatByName(name: string, known: ReadonlyMap<string, string>): string | undefined {
  const ending = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? '';
  const format = { jpg: 'jpeg', htm: 'html', json: 'txt', '3gp': 'three_gp', mpg: 'mpeg' }[ending] ?? ending;
  return [...known.values()].includes(format) ? format : undefined;
}

function badFormat(given: string, known: ReadonlyMap<string, string>, param: string) {
  const wanted = [...new Set(known.values())].join(', ');
  return invalid(
    param,
    `The format \`${given.slice(0, 100)}\` is not supported; supported: ${wanted}.`,
    'unsupported_value',
  );
}
