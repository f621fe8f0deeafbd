import { turnStatesIn } from '../claude/thinking-state.js';
import type { ChatProtocol } from '../protocol.js';
import { ReducerDecoder } from '../reducer-decoder.js';
import { ConverseFraming } from './answer-framing.js';
import { converseFailure } from './failure.js';
import { converseRequest } from './request/request.js';
import { converseCompletion } from './response.js';
import { converseStream } from './stream.js';

export { ExpiredCredentialError } from './failure.js';

/** Amazon Bedrock's Converse API, which models of many families speak. */
export const bedrockConverse: ChatProtocol = {
  request: converseRequest,
  response: converseCompletion,
  stream: (answer, includeUsage) => new ReducerDecoder(new ConverseFraming(), converseStream, answer, includeUsage),
  failure: converseFailure,
  kept: turnStatesIn,
};
