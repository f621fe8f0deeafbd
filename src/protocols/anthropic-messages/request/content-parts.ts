import type { ChatMessage } from '../../../domain/chat.js';
import { isObject, type Json } from '../../json.js';
import type { ContentBlock, NativeBlock, Source, TextBlock } from '../wire.js';
import { cacheControlOf, marked } from './cache.js';
import { fileBlock, imageBlock } from './media.js';
import { unsupportedValue } from '../../claude/claude-request.js';
import type { Translation } from './translation.js';

/** The blocks of a message's content. Text without anything in it is refused upstream, so it is left out. */
export function contentBlocks(content: ChatMessage['content'], path: string, translation: Translation): ContentBlock[] {
  if (typeof content === 'string') return textBlocks(content);
  return (content ?? []).flatMap((part, index) => partBlocks(part, `${path}[${index}]`, translation));
}

export const textBlocks = (text: unknown): TextBlock[] =>
  typeof text === 'string' && text.trim() !== '' ? [{ type: 'text', text }] : [];

function partBlocks(part: Json, path: string, translation: Translation): ContentBlock[] {
  const mark = cacheControlOf(part);
  switch (part['type']) {
    case 'text':
      return textBlocks(part['text']).map((block) => marked(block, mark));
    case 'refusal':
      return textBlocks(part['refusal']).map((block) => marked(block, mark));
    case 'image_url':
      return [marked(imageOf(part['image_url'], path, translation), mark)];
    case 'file':
      return [marked(fileOf(part, path, translation), mark)];
    case 'image':
    case 'document':
    case 'search_result':
      if (isObject(part['source']) || typeof part['source'] === 'string') return [part as NativeBlock];
      throw unsupportedValue(`${path}.type`, 'This part has no source.');
    default:
      throw unsupportedValue(`${path}.type`, 'The model that serves this request does not take parts of this type.');
  }
}

/** Mistral's clients give the URL itself. */
function imageOf(given: unknown, path: string, translation: Translation): ContentBlock {
  const image = isObject(given) ? given : { url: given };
  const { url, detail } = image;
  if (detail !== undefined && detail !== null && detail !== 'auto') translation.drop(`${path}.image_url.detail`);
  if (typeof url === 'string' && (translation.host === 'anthropic' || !/^https?:/i.test(url)))
    return imageBlock(url, `${path}.image_url`);
  throw unsupportedValue(`${path}.image_url`, 'The model that serves this request takes images as data only.');
}

function fileOf(part: Json, path: string, translation: Translation): ContentBlock {
  const file = isObject(part['file']) ? part['file'] : {};
  const { file_id: id, filename } = file;
  const data = file['file_data'] ?? file['file_url'] ?? file['url'];
  const name = typeof filename === 'string' ? filename : undefined;
  const citations = isObject(part['citations']) ? { citations: part['citations'] } : {};
  if (typeof data === 'string' && data !== '') {
    if (translation.host !== 'anthropic' && /^https?:/i.test(data))
      throw unsupportedValue(`${path}.file`, 'The model that serves this request takes files as data only.');
    const block = fileBlock({ data, name, path: `${path}.file` });
    return block.type === 'document' ? { ...block, ...citations } : block;
  }
  const title = name === undefined ? {} : { title: name };
  return { type: 'document', source: storedFile(id, path, translation), ...title, ...citations };
}

/** Ids of files are each provider's own: Anthropic's begin with `file_`, OpenAI's with `file-`. */
function storedFile(id: unknown, path: string, translation: Translation): Source {
  if (typeof id !== 'string' || !id.startsWith('file_') || translation.host !== 'anthropic')
    throw unsupportedValue(`${path}.file.file_id`, 'The provider that serves this request does not have this file.');
  translation.needs('files-api-2025-04-14');
  return { type: 'file', file_id: id };
}
