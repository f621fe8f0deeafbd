import type { ChatCompletion } from '../../domain/chat.js';
import { TruncatedStreamError, UpstreamError } from '../../domain/errors.js';
import { SseJsonFraming, type JsonEvent } from '../framing/sse-json.js';
import { checkedCompletion } from '../json-answer/checked-completion.js';
import { isObject, parsedJson, type Json } from '../json.js';
import type { AnswerFacts } from '../protocol.js';
import type { Piece } from '../stream-reducer.js';
import { foldedChoice } from './answer/folded-choice.js';
import { reportedFailure } from './failure.js';
import { messageReducer } from './stream.js';
import { serviceTier } from './usage.js';

/**
 * A message as a completion: read as the events it would have come in, so that a stream of it says the same. Long
 * answers come as a stream although their client wants none. Throws UpstreamError, and TruncatedStreamError for half of one.
 */
export function messageCompletion(body: Buffer, answer: AnswerFacts): ChatCompletion {
  let state = messageReducer.initial(answer);
  const pieces: Piece[] = [];
  for (const event of isStream(body) ? streamed(body) : eventsOf(messageIn(body))) {
    const next = messageReducer.step(state, event);
    state = next.state;
    for (const piece of next.pieces) pieces.push(piece);
  }
  if (!messageReducer.isComplete(state)) throw new TruncatedStreamError();
  const choice = foldedChoice([...pieces, ...messageReducer.close(state)]);
  const usage = messageReducer.usage(state);
  const tier = serviceTier(state.usage);
  const completion: ChatCompletion = {
    id: answer.id,
    object: 'chat.completion',
    created: answer.created,
    model: messageReducer.model(state) ?? answer.model,
    choices: [choice],
    ...(usage && { usage }),
    ...(tier !== undefined && { service_tier: tier }),
  };
  return checkedCompletion(completion, answer.asked);
}

/** Events begin with the name of a field, or with a colon; JSON does not. */
const isStream = (body: Buffer): boolean => /^\s*(event|data|id|retry)?:/.test(body.toString('latin1', 0, 64));

function* streamed(body: Buffer): Iterable<JsonEvent> {
  const framing = new SseJsonFraming();
  yield* framing.take(body);
  yield* framing.rest();
}

function messageIn(body: Buffer): Json {
  const wire = parsedJson(body.toString('utf8'));
  if (isObject(wire) && (wire['type'] === 'error' || isObject(wire['error']))) throw reportedFailure(wire);
  if (isObject(wire) && Array.isArray(wire['content'])) return wire;
  throw new UpstreamError('The provider answered with something that is not a message.', {
    code: 'invalid_upstream_answer',
  });
}

function* eventsOf(message: Json): Iterable<JsonEvent> {
  const { stop_reason: reason } = message;
  yield { event: '', data: { type: 'message_start', message } };
  // A plain answer is whole: one that does not say why it ended just ended.
  const delta = { ...message, stop_reason: typeof reason === 'string' ? reason : 'end_turn' };
  yield { event: '', data: { type: 'message_delta', delta } };
  yield { event: '', data: { type: 'message_stop' } };
}
