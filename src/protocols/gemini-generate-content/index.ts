import type { ChatProtocol } from '../protocol.js';
import { ReducerDecoder } from '../reducer-decoder.js';
import { geminiCompletion } from './answer/response.js';
import { geminiReducer } from './answer/stream.js';
import { GeminiFraming } from './answer/framing.js';
import { geminiFailure } from './failure.js';
import { geminiRequest } from './request/request.js';
import { statesOf } from './turn-state.js';
import type { GeminiHost } from './wire.js';

export { isWithGoogle } from './request/media.js';

/** Google's generateContent, as the Gemini API or Vertex AI serves it. */
export function geminiGenerateContent({ host }: { readonly host: GeminiHost }): ChatProtocol {
  return {
    request: (request, target) => geminiRequest(host, request, target),
    response: geminiCompletion,
    stream: (answer, includeUsage) => new ReducerDecoder(new GeminiFraming(), geminiReducer, answer, includeUsage),
    failure: geminiFailure,
    kept: statesOf,
  };
}
