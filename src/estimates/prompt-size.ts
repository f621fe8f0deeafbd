import type { ChatRequest } from '../domain/chat.js';
import { sourceText } from '../domain/json-source.js';

/** Characters of a request that a model reads: of its JSON, without images and files. */
export function promptSize(request: ChatRequest): number {
  return sourceText(request).length;
}
