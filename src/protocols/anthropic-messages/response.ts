import type { ChatCompletion } from '../../domain/chat.js';
import { UpstreamError } from '../../domain/errors.js';
import type { JsonEvent } from '../framing/sse-json.js';
import { checkedCompletion } from '../json-answer/checked-completion.js';
import { isObject, parsedJson, type Json } from '../json.js';
import type { AnswerFacts } from '../protocol.js';
import type { Piece } from '../stream-reducer.js';
import { foldedChoice } from './answer/folded-choice.js';
import { reportedFailure } from './failure.js';
import { messageReducer } from './stream.js';
import { serviceTier } from './usage.js';

/** A message as a completion: read as the events it would have come in, so that a stream of it says the same. */
export function messageCompletion(body: Buffer, answer: AnswerFacts): ChatCompletion {
  const message = messageIn(body);
  let state = messageReducer.initial(answer);
  const pieces: Piece[] = [];
  for (const event of eventsOf(message)) {
    const next = messageReducer.step(state, event);
    state = next.state;
    pieces.push(...next.pieces);
  }
  const usage = messageReducer.usage(state);
  const tier = isObject(message['usage']) ? serviceTier(message['usage']) : undefined;
  const completion: ChatCompletion = {
    id: answer.id,
    object: 'chat.completion',
    created: answer.created,
    model: messageReducer.model(state) ?? answer.model,
    choices: [{ ...foldedChoice(pieces), ...matchedStop(message) }],
    ...(usage && { usage }),
    ...(tier !== undefined && { service_tier: tier }),
  };
  return checkedCompletion(completion, answer.asked);
}

/** Which of the stop texts ended the answer. */
const matchedStop = ({ stop_sequence: stop }: Json) => (typeof stop === 'string' ? { matched_stop: stop } : {});

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
