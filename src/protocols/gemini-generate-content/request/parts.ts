import type { ContentPart } from '../../../domain/chat.js';
import { isObject } from '../../json.js';
import { objectOf, textOf, type Part } from '../wire.js';
import { mediaPart, typeByName } from './media.js';
import { invalidValue, unsupportedValue, type Scope } from './scope.js';

/** A client's content as parts, empty texts left out (Gemini reference §2.3). `path` as in `messages[0].content`. */
export function partsOf(content: unknown, path: string, scope: Scope): readonly Part[] {
  if (typeof content === 'string') return content === '' ? [] : [{ text: content }];
  if (!Array.isArray(content)) return [];
  return (content as readonly ContentPart[]).flatMap((part, index) => partOf(part, `${path}[${index}]`, scope) ?? []);
}

function partOf(part: ContentPart, path: string, scope: Scope): Part | undefined {
  for (const mark of CACHE_MARKS) if (part[mark] != null) scope.report.drop(`${path}.${mark}`, CACHES_BY_ITSELF);
  switch (part.type) {
    case 'text':
    case 'input_text':
    case 'output_text':
      return textPart(part.text);
    case 'refusal':
      return textPart(part['refusal']);
    case 'image_url':
    case 'input_image':
      return imagePart(part, path, scope);
    case 'video_url':
      return withFrames(linked(part['video_url'], `${path}.video_url`, 'video/mp4'), part['video_url']);
    case 'audio_url':
      return linked(part['audio_url'], `${path}.audio_url`, 'audio/mp3');
    case 'input_audio':
      return audioPart(objectOf(part['input_audio']), `${path}.input_audio`);
    case 'file':
      return withFrames(filePart(objectOf(part['file']), `${path}.file`), part['file']);
    default:
      throw unsupportedValue(`${path}.type`, `Gemini takes no content of the type '${part.type.slice(0, 100)}'.`);
  }
}

export const CACHE_MARKS: ReadonlySet<string> = new Set(['cache_control', 'prompt_cache_breakpoint']);
export const CACHES_BY_ITSELF = 'Gemini caches prompts by itself.';

const textPart = (text: unknown): Part | undefined => (typeof text === 'string' && text !== '' ? { text } : undefined);

function imagePart(part: ContentPart, path: string, scope: Scope): Part {
  const given = part['image_url'];
  const at = `${path}.image_url`;
  const image = linked(given, at, 'image/jpeg');
  const detail = (isObject(given) ? given['detail'] : undefined) ?? part['detail'];
  if (detail == null || detail === 'auto') return image;
  const level = detail === 'low' ? 'LOW' : detail === 'high' || detail === 'original' ? 'HIGH' : undefined;
  if (level === undefined || !scope.facts.mediaResolution) {
    scope.report.drop(`${at}.detail`, 'This model has no such control for a single image.');
    return image;
  }
  if (detail === 'original') scope.report.adapt(`${at}.detail`, 'high');
  return { ...image, mediaResolution: { level: `MEDIA_RESOLUTION_${level}` } };
}

/** Which frames of a video to look at. */
function withFrames(part: Part, given: unknown): Part {
  const frames = objectOf(given)['video_metadata'] ?? objectOf(given)['videoMetadata'];
  return isObject(frames) ? { ...part, videoMetadata: frames } : part;
}

/** Clients write `{url}` or the URL itself. */
function linked(given: unknown, path: string, fallbackType: string): Part {
  const url = textOf(isObject(given) ? given['url'] : given);
  const part = url === undefined ? undefined : mediaPart(url, fallbackType);
  if (part === undefined) throw invalidValue(`${path}.url`, 'Expected a URL or a data URL.');
  return part;
}

function audioPart({ data, format }: Readonly<Record<string, unknown>>, path: string): Part {
  const given = textOf(data);
  if (given === undefined) throw invalidValue(`${path}.data`, 'Expected audio in base64.');
  if (given.startsWith('data:')) return linked(given, path, 'audio/wav');
  const kind = textOf(format) ?? 'wav';
  return { inlineData: { mimeType: kind.includes('/') ? kind : `audio/${kind}`, data: given } };
}

function filePart(file: Readonly<Record<string, unknown>>, path: string): Part {
  const data = textOf(file['file_data']);
  const type = textOf(file['format']) ?? typeByName(textOf(file['filename']) ?? '') ?? 'application/pdf';
  if (data !== undefined)
    return /^(data|https?|gs):/i.test(data.slice(0, 6)) ? linked(data, path, type) : inline(data, type);
  const id = textOf(file['file_id']) ?? textOf(file['file_url']);
  if (id === undefined) throw invalidValue(path, 'Expected `file_data` or `file_id`.');
  const uri = /^files\/[\w-]+$/.test(id) ? `https://generativelanguage.googleapis.com/v1beta/${id}` : id;
  if (!/^(https?|gs):\/\//i.test(uri))
    throw unsupportedValue(`${path}.file_id`, 'A file must be one of the Gemini Files API or of Cloud Storage.');
  return linked(uri, path, type);
}

const inline = (data: string, mimeType: string): Part => ({ inlineData: { mimeType, data } });
