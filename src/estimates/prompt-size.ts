import type { ChatMessage, ChatRequest, ContentPart } from '../domain/chat.js';
import { rawMember } from '../domain/json-source.js';

/**
 * Characters of all that a model reads of a request: texts, calls, what is declared. An image, a sound or a file stands
 * for as many as such things usually come to: the length of its base64 says nothing of its tokens.
 */
export function promptSize(request: ChatRequest): number {
  let size = declaredSize(request, 'tools') + declaredSize(request, 'functions');
  if (request.response_format?.json_schema != null) size += declaredSize(request, 'response_format');
  for (const message of request.messages) size += messageSize(message);
  return size;
}

/** Some 1,000 tokens. */
const MEDIA_SIZE = 4_000;
const MEDIA: ReadonlySet<unknown> = new Set(['image_url', 'input_audio', 'file']);

function messageSize({ content, tool_calls: calls }: ChatMessage): number {
  let size = 0;
  if (typeof content === 'string') size = content.length;
  else if (Array.isArray(content)) for (const part of content as readonly ContentPart[]) size += partSize(part);
  if (calls != null)
    for (const { function: called, custom } of calls) {
      size += lengthOf(called?.name) + lengthOf(called?.arguments) + lengthOf(custom?.name) + lengthOf(custom?.input);
    }
  return size;
}

const partSize = ({ type, text }: ContentPart): number => lengthOf(text) + (MEDIA.has(type) ? MEDIA_SIZE : 0);

const lengthOf = (text: unknown): number => (typeof text === 'string' ? text.length : 0);

/** As it was written, where that is known: a tool may be longer than the conversation, and is not serialised to be measured. */
function declaredSize(request: ChatRequest, field: string): number {
  const value = request[field];
  if (value == null) return 0;
  return (rawMember(request, field)?.text ?? JSON.stringify(value)).length;
}
