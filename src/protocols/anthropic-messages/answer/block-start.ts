import type { Json } from '../../json.js';
import { ANSWER_BEGINS, NO_PIECES, type Piece } from '../../stream-reducer.js';
import { CLAUDE_FORMAT, placeAfter } from '../../claude/thinking-state.js';
import { saidText, thought, toldCitations } from './block-delta.js';
import { clientToolCallId, inputText, piece, text, withBlock, type MessageState, type MessageStep } from './state.js';

/** A block begins; what it holds already is said at once: a plain answer's blocks come whole. */
export function blockStarted(state: MessageState, index: number, block: Json): MessageStep {
  switch (block['type']) {
    case 'text':
      return textStarted(state, index, block);
    case 'thinking':
      return thinkingStarted(state, index, block);
    case 'redacted_thinking':
      return redactedStarted(state, index, block);
    case 'tool_use':
      return text(block['name']) === state.jsonTool
        ? jsonStarted(state, index, block)
        : toolStarted(state, index, block);
    default:
      // Tools of the provider's own and their results (Anthropic reference §3): nothing a client could answer.
      return { state: withBlock(state, index, { kind: 'ignored' }), pieces: ANSWER_BEGINS };
  }
}

function textStarted(state: MessageState, index: number, block: Json): MessageStep {
  const opened = withBlock(state, index, { kind: 'text', start: state.textLength, citations: [] });
  const said = saidText(opened, text(block['text']));
  return { state: toldCitations(said.state, index, block['citations']), pieces: said.pieces };
}

function thinkingStarted(state: MessageState, index: number, block: Json): MessageStep {
  const { counts } = state;
  const opened = withBlock({ ...state, counts: { ...counts, thoughts: counts.thoughts + 1 } }, index, {
    kind: 'thinking',
    index: counts.thoughts,
    text: '',
    signature: '',
    told: false,
    place: placeAfter(state.textLength, counts.tools),
  });
  const said = thought(opened, index, { text: text(block['thinking']) });
  const signed = thought(said.state, index, { signature: text(block['signature']) });
  return { state: signed.state, pieces: [...said.pieces, ...signed.pieces] };
}

function redactedStarted(state: MessageState, index: number, block: Json): MessageStep {
  const { counts, thinking } = state;
  const data = text(block['data']);
  const known = withBlock(state, index, { kind: 'ignored' });
  if (data === '') return { state: known, pieces: NO_PIECES };
  const place = placeAfter(state.textLength, counts.tools);
  const detail = { type: 'reasoning.encrypted', data, format: CLAUDE_FORMAT, ...place, index: counts.thoughts };
  return {
    state: {
      ...known,
      counts: { ...counts, thoughts: counts.thoughts + 1 },
      thinking: [...thinking, { type: 'redacted_thinking', data, ...place }],
    },
    pieces: [piece({ reasoning_details: [detail] })],
  };
}

function toolStarted(state: MessageState, block: number, wire: Json): MessageStep {
  const index = state.counts.tools;
  const id = clientToolCallId(wire['id'], `${state.fallbackId}:0:${index}`);
  const name = text(wire['name']);
  const input = inputText(wire['input']);
  const call = { index, id, type: 'function' as const, function: { name, arguments: input } };
  const pieces: Piece[] = [...heldText(state), piece({ tool_calls: [call] })];
  const known = {
    ...state,
    counts: { ...state.counts, tools: index + 1 },
    firstToolCall: state.firstToolCall ?? id,
    held: '',
  };
  return { state: withBlock(known, block, { kind: 'tool', index, input: input === '' ? 'none' : 'whole' }), pieces };
}

/** Text that came before the JSON tool is no part of the JSON; a second call of it would spoil the first. */
function jsonStarted(state: MessageState, index: number, wire: Json): MessageStep {
  if (state.calledJsonTool) return { state: withBlock(state, index, { kind: 'ignored' }), pieces: NO_PIECES };
  const input = inputText(wire['input']);
  const known = { ...state, held: '', calledJsonTool: true };
  return {
    state: withBlock(known, index, { kind: 'json', input: input === '' ? 'none' : 'whole' }),
    pieces: input === '' ? NO_PIECES : [piece({ content: input })],
  };
}

/** The text that waited for the JSON tool, once it is clear that it is the answer. */
export const heldText = ({ held }: MessageState): readonly Piece[] =>
  held === '' ? NO_PIECES : [piece({ content: held })];
