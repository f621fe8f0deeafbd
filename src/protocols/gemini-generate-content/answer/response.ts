import type { ChatCompletion } from '../../../domain/chat.js';
import { UpstreamError } from '../../../domain/errors.js';
import { checkedCompletion } from '../../json-answer/checked-completion.js';
import { isObject, parsedJson, type Json } from '../../json.js';
import type { AnswerFacts } from '../../protocol.js';
import type { Piece } from '../../stream-reducer.js';
import { textOf } from '../wire.js';
import { foldedChoices } from './fold.js';
import { geminiReducer } from './stream.js';
import { serviceTier } from './usage.js';

/**
 * A whole answer is a stream of one event, so that both are read alike (Gemini reference §3). Throws UpstreamError for
 * an error inside a 200, a refused prompt and an answer of nothing.
 */
export function geminiCompletion(body: Buffer, answer: AnswerFacts): ChatCompletion {
  const events = eventsIn(body);
  let state = geminiReducer.initial(answer);
  const pieces: Piece[] = [];
  for (const data of events) {
    const step = geminiReducer.step(state, { data });
    state = step.state;
    for (const piece of step.pieces) pieces.push(piece);
  }
  if (state.blocked !== undefined && [...state.choices.values()].every(({ said }) => !said.saidSomething))
    throw new UpstreamError(state.blocked, {
      status: 400,
      type: 'invalid_request_error',
      code: 'content_policy_violation',
      upstreamStatus: 200,
    });
  if (state.choices.size === 0)
    throw new UpstreamError('The provider answered without a candidate.', { code: 'empty_response' });
  pieces.push(...geminiReducer.close(state));
  const usage = geminiReducer.usage(state);
  const completion: ChatCompletion = {
    id: answer.id,
    object: 'chat.completion',
    created: answer.created,
    model: state.model ?? answer.model,
    choices: foldedChoices(pieces),
    ...(usage && { usage }),
    ...beside(events.at(-1) ?? {}),
  };
  return checkedCompletion(completion, answer.asked);
}

/** One answer, or the list of them that a stream would be. */
function eventsIn(body: Buffer): readonly Json[] {
  const value = parsedJson(body.toString('utf8').replace(/^\ufeff/, ''));
  const events: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (events.length > 0 && events.every(isObject)) return events;
  throw new UpstreamError('The provider answered with something that is not JSON of the right kind.', {
    code: 'invalid_upstream_answer',
  });
}

/** The tier that served it, and Google's id of the answer. */
function beside(event: Json): Json {
  const tier = serviceTier(event['usageMetadata']);
  const id = textOf(event['responseId']);
  return { ...(tier !== undefined && { service_tier: tier }), ...(id !== undefined && { provider_response_id: id }) };
}
