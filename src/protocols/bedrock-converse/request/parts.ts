import { isObject, type Json } from '../../json.js';
import { textOf } from '../answer-reading.js';
import type { Block } from '../wire.js';
import { invalid, type ConverseDraft } from './draft.js';
import type { Media } from './media.js';

/** Where a part of a conversation stands, and what the request is made with. */
export interface Place {
  readonly draft: ConverseDraft;
  readonly media: Media;
  /** As in `messages[1]`. */
  readonly path: string;
}

export const isBlank = (text: string): boolean => text.trim() === '';

/** The blocks of a message's content; blank text, which Converse refuses, says nothing and is left out. */
export function contentBlocks(content: unknown, place: Place): Block[] {
  if (typeof content === 'string') return isBlank(content) ? [] : [{ text: content }];
  if (!Array.isArray(content)) return [];
  const blocks: Block[] = [];
  content.forEach((part: unknown, index) => {
    if (!isObject(part)) return;
    const at = { ...place, path: `${place.path}.content[${index}]` };
    const block = partBlock(part, at);
    if (block !== undefined) blocks.push(block);
    if (blocks.length > 0) blocks.push(...cachePoint(part, at));
  });
  return blocks;
}

function partBlock(part: Json, { draft, media, path }: Place): Block | undefined {
  switch (part['type']) {
    case 'text':
    case 'input_text':
      return textBlock(part['text']);
    case 'refusal':
      return textBlock(part['refusal']);
    case 'image_url':
      return imageBlock(part['image_url'], { draft, media, path });
    case 'video_url':
      return media.video(urlIn(part['video_url']), `${path}.video_url`);
    case 'input_audio':
      return audioBlock(part['input_audio'], { draft, media, path });
    case 'file':
      return fileBlock(part, { draft, media, path });
    default:
      throw invalid(
        `${path}.type`,
        `Content of the type \`${textOf(part['type']).slice(0, 100)}\` is not supported by the model that serves this request.`,
        'unsupported_value',
      );
  }
}

function textBlock(text: unknown): Block | undefined {
  return typeof text !== 'string' || isBlank(text) ? undefined : { text };
}

/** `{url}` is OpenAI's form; some clients write the URL itself. */
const urlIn = (value: unknown): string => textOf(isObject(value) ? value['url'] : value);

function imageBlock(image: unknown, { draft, media, path }: Place): Block {
  const detail = isObject(image) ? (image['detail'] ?? 'auto') : 'auto';
  if (detail !== 'auto') draft.drop(`${path}.image_url.detail`, 'Converse has no place for it');
  return media.image(urlIn(image), `${path}.image_url`);
}

function audioBlock(audio: unknown, { media, path }: Place): Block {
  const { data, format } = isObject(audio) ? audio : {};
  return media.audio(textOf(data), textOf(format), `${path}.input_audio.format`);
}

/** The file itself, under one of the names clients have for it; those who send its bytes alone tell what they are by its name. */
function fileBlock(part: Json, { draft, media, path }: Place): Block {
  const file = isObject(part['file']) ? part['file'] : {};
  const { file_data: data, file_url: url, file_id: id, filename } = file;
  const given = textOf(data) || textOf(url) || textOf(file['url']);
  if (given === '')
    throw invalid(
      `${path}.file.${id === undefined ? 'file_data' : 'file_id'}`,
      'The provider of this model keeps no files: the file itself must be sent, in `file_data`.',
      'unsupported_value',
    );
  const whole = /^(data:|s3:)/i.test(given) ? given : `data:${BYTES};base64,${given}`;
  const name = textOf(filename);
  const { document } = media.document(whole, `${path}.file.file_data`, name);
  const sent = textOf(isObject(document) ? document['name'] : undefined);
  if (name !== '' && !name.startsWith(sent)) draft.adapt(`${path}.file.filename`, sent, 'names of documents are plain');
  const citations = isObject(part['citations']) ? { citations: part['citations'] } : {};
  return { document: { ...(document as Json), ...citations } };
}

const BYTES = 'application/octet-stream';

/** What a client marks as the end of what should be cached, in Anthropic's words or in OpenAI's (§2.2). */
export function cachePoint(marked: Json, { draft, path }: Pick<Place, 'draft' | 'path'>): readonly Block[] {
  const field = isObject(marked['cache_control']) ? 'cache_control' : 'prompt_cache_breakpoint';
  const mark = marked[field];
  if (!isObject(mark) || !draft.takeCachePoint(`${path}.${field}`)) return [];
  const ttl = draft.isClaude && mark['ttl'] === '1h' ? { ttl: '1h' } : {};
  return [{ cachePoint: { type: 'default', ...ttl } }];
}
