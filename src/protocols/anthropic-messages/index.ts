import { ReducerDecoder } from '../reducer-decoder.js';
import { SseTextRunFraming } from '../framing/sse-text-runs.js';
import type { ChatProtocol } from '../protocol.js';
import { messagesFailure } from './failure.js';
import { messagesRequest } from './request/request.js';
import { messageCompletion } from './response.js';
import { messageReducer } from './stream.js';
import { turnStatesIn } from '../claude/thinking-state.js';
import type { Host } from './wire.js';

/** Anthropic's Messages API as it is spoken at one of its hosts. */
export function anthropicMessages({ host = 'anthropic' }: { readonly host?: Host } = {}): ChatProtocol {
  return {
    request: (request, target) => messagesRequest(host, request, target),
    response: messageCompletion,
    stream: (answer, includeUsage) => new ReducerDecoder(new SseTextRunFraming(), messageReducer, answer, includeUsage),
    failure: messagesFailure,
    kept: turnStatesIn,
  };
}
