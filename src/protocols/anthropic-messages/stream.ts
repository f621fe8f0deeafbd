import type { FinishReason } from '../../domain/chat.js';
import { UpstreamError } from '../../domain/errors.js';
import type { JsonEvent } from '../framing/sse-json.js';
import { isObject, type Json } from '../json.js';
import { NO_PIECES, type Piece, type StreamReducer } from '../stream-reducer.js';
import { blockGrew } from './answer/block-delta.js';
import { blockStarted, heldText } from './answer/block-start.js';
import { blockEnded } from './answer/block-stop.js';
import { initialState, piece, text, type MessageState, type MessageStep } from './answer/state.js';
import { reportedFailure } from './failure.js';
import { turnStateOf } from '../claude/thinking-state.js';
import { mergedUsage, serviceTier, usageFrom } from './usage.js';

/** The events of a message (Anthropic reference §4); a plain answer is read as the events it would have come in. */
export const messageReducer: StreamReducer<MessageState, JsonEvent> = {
  initial: initialState,
  step: (state, { event, data }) => step(state, typeOf(data, event), data),
  close: (state) => (state.ended ? NO_PIECES : ended(state).pieces),
  isComplete: ({ stop }) => stop !== undefined,
  isOver: ({ ended }) => ended,
  model: ({ model }) => model,
  usage: ({ usage }) => usageFrom(usage),
  serviceTier: ({ usage }) => serviceTier(usage),
  grow: (state, run) => ({ ...state, textLength: state.textLength + run.text.length }),
  kept: ({ firstToolCall, thinking }) => turnStateOf(firstToolCall, thinking),
};

/** Servers that only look like Anthropic's may leave the names out. */
const typeOf = (data: Json, event: string): string =>
  text(data['type']) || event || (isObject(data['error']) ? 'error' : '');

function step(state: MessageState, type: string, data: Json): MessageStep {
  const index = typeof data['index'] === 'number' ? data['index'] : 0;
  switch (type) {
    case 'message_start':
      return messageStarted(state, isObject(data['message']) ? data['message'] : {});
    case 'content_block_start':
      return blockStarted(state, index, isObject(data['content_block']) ? data['content_block'] : {});
    case 'content_block_delta':
      return isObject(data['delta']) ? blockGrew(state, index, data['delta']) : { state, pieces: NO_PIECES };
    case 'content_block_stop':
      return blockEnded(state, index);
    case 'message_delta':
      return { state: messageGrew(state, data), pieces: NO_PIECES };
    case 'message_stop':
      return state.stop === undefined ? { state, pieces: NO_PIECES } : ended(state);
    case 'error':
      throw reportedFailure(data);
    default:
      return { state, pieces: NO_PIECES }; // `ping`, and what is added within a version
  }
}

/** Blocks that stand in the start itself have no events of their own. */
function messageStarted(state: MessageState, message: Json): MessageStep {
  const id = text(message['id']);
  if (state.id !== undefined) {
    if (id === state.id) return { state, pieces: NO_PIECES };
    throw new UpstreamError('The provider began a second answer in one stream.', { code: 'invalid_upstream_answer' });
  }
  const model = text(message['model']);
  const known: MessageState = {
    ...state,
    id,
    ...(model !== '' && { model }),
    usage: mergedUsage(state.usage, message['usage']),
    stop: stopIn(message) ?? state.stop,
  };
  const blocks = Array.isArray(message['content']) ? message['content'].filter(isObject) : [];
  const pieces: Piece[] = [piece({})]; // the role
  let next = known;
  for (const [index, block] of blocks.entries()) {
    const started = blockStarted(next, index, block);
    const ended = blockEnded(started.state, index);
    next = ended.state;
    pieces.push(...started.pieces, ...ended.pieces);
  }
  return { state: next, pieces };
}

function messageGrew(state: MessageState, data: Json): MessageState {
  const stop = isObject(data['delta']) ? stopIn(data['delta']) : undefined;
  return { ...state, usage: mergedUsage(state.usage, data['usage']), stop: stop ?? state.stop };
}

function stopIn(from: Json): MessageState['stop'] {
  const reason = text(from['stop_reason']);
  if (reason === '') return undefined;
  const details = isObject(from['stop_details']) ? from['stop_details'] : {};
  return { reason, details, text: text(from['stop_sequence']) };
}

/** The end is the end of blocks that have none of their own, too. */
function ended(state: MessageState): MessageStep {
  let last = state;
  const pieces: Piece[] = [];
  for (const index of state.open.keys()) {
    const step = blockEnded(last, index);
    last = step.state;
    for (const each of step.pieces) pieces.push(each);
  }
  return { state: { ...last, ended: true }, pieces: [...pieces, ...ending(last)] };
}

function ending(state: MessageState): readonly Piece[] {
  const { reason, details, text: matched } = state.stop ?? { reason: '', details: {}, text: '' };
  const refusal = text(details['explanation']) || 'The model declined to answer.';
  const end: Piece = { index: 0, delta: {}, finish: finishReason(reason, state.counts.tools > 0), native: reason };
  return [
    ...heldText(state),
    ...(reason === 'refusal' ? [piece({ refusal })] : []),
    matched === '' ? end : { ...end, beside: { matched_stop: matched } },
  ];
}

/** Agent loops in many clients go by `tool_calls`, so calls are announced however the message ended (Anthropic reference §3). */
function finishReason(native: string, calledTools: boolean): FinishReason {
  switch (native) {
    case 'refusal':
      return 'content_filter';
    case 'max_tokens':
    case 'model_context_window_exceeded':
      return 'length';
    default:
      return calledTools ? 'tool_calls' : 'stop';
  }
}
