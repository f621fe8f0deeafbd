import { turnStateOfDetails } from '../claude/thinking-state.js';
import { isObject, type Json } from '../json.js';
import type { AwsEvent } from '../framing/aws-event-stream.js';
import { NO_PIECES, type Piece, type Step, type StreamReducer } from '../stream-reducer.js';
import { textOf } from './answer-reading.js';
import { streamFailure } from './failure.js';
import { finishReason } from './finish-reason.js';
import { addDelta, closeBlock, openBlock } from './stream-blocks.js';
import { startStream, type StreamState } from './stream-state.js';
import { serviceTier, usageFrom } from './usage.js';

/** ConverseStream (Bedrock reference §4). The end is told last, as the counts come after it. */
export const converseStream: StreamReducer<StreamState, AwsEvent> = {
  initial: startStream,
  step(state, event) {
    if (event.kind !== 'event') throw streamFailure(event);
    return stepEvent(state, event.type, event.data);
  },
  close: ({ finish, native }) =>
    finish === undefined ? [] : [{ index: 0, delta: {}, finish, ...(native !== undefined && { native }) }],
  isComplete: ({ finish }) => finish !== undefined,
  isOver: ({ finish, counted }) => finish !== undefined && counted,
  model: () => undefined,
  usage: ({ usage }) => usage,
  serviceTier: ({ tier }) => tier,
  kept: ({ toolCallIds, details }) => turnStateOfDetails(toolCallIds[0], details),
};

/** Events that are not known are ignored: new ones are added without notice. */
function stepEvent(state: StreamState, type: string, data: Json): Step<StreamState> {
  switch (type) {
    case 'messageStart':
      return { state, pieces: OPENING };
    case 'contentBlockStart':
      return isObject(data['start']) ? openBlock(state, indexOf(data), data['start']) : nothing(state);
    case 'contentBlockDelta':
      return isObject(data['delta']) ? addDelta(state, indexOf(data), data['delta']) : nothing(state);
    case 'contentBlockStop':
      return closeBlock(state, indexOf(data));
    case 'messageStop':
      return stop(state, textOf(data['stopReason']));
    case 'metadata':
      return nothing({
        ...state,
        counted: true,
        usage: usageFrom(data['usage']) ?? state.usage,
        tier: serviceTier(data) ?? state.tier,
      });
    default:
      return nothing(state);
  }
}

const nothing = (state: StreamState): Step<StreamState> => ({ state, pieces: NO_PIECES });

/** The role, which the decoder puts before whatever comes first. */
const OPENING: readonly Piece[] = [{ index: 0, delta: {} }];

const indexOf = ({ contentBlockIndex: index }: Json): number => (typeof index === 'number' ? index : 0);

function stop(state: StreamState, native: string): Step<StreamState> {
  const pieces: Piece[] = [];
  let closed = state;
  for (const index of state.blocks.keys()) {
    const step = closeBlock(closed, index); // not every model says that a block has ended
    closed = step.state;
    pieces.push(...step.pieces);
  }
  if (!closed.jsonBegun && closed.held !== '') pieces.push({ index: 0, delta: { content: closed.held } });
  const { anything, toolCallIds } = closed;
  const finish = finishReason(native, { anything, toolCalls: toolCallIds.length > 0 });
  return { state: { ...closed, held: '', native: native || undefined, finish }, pieces };
}
