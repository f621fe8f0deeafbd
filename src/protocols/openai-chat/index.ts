import type { ChatProtocol } from '../protocol.js';
import { ChatStreamDecoder } from './decoder.js';
import { chatFailure } from './failure.js';
import type { Quirks } from './quirks.js';
import { chatRequest } from './request.js';
import { chatCompletion } from './response.js';

export { NAMED_QUIRKS, type Quirks } from './quirks.js';

/** OpenAI's own dialect as one provider speaks it. With no quirks it changes only what must differ. */
export function openaiChat(quirks: Quirks): ChatProtocol {
  const { thinkTags = false } = quirks;
  return {
    request: (request, target) => chatRequest(quirks, request, target),
    response: (body, answer) => chatCompletion(body, answer, thinkTags),
    stream: (answer, includeUsage) => new ChatStreamDecoder(answer, includeUsage, thinkTags),
    failure: chatFailure,
  };
}
