import type { Delta } from '../../domain/chat.js';
import { placeAfter } from '../claude/thinking-state.js';
import { isObject, type Json } from '../json.js';
import { ANSWER_BEGINS, NO_PIECES, type Piece, type Step } from '../stream-reducer.js';
import { inputText, isClientTool, reasoningIn, textOf, toolName } from './answer-reading.js';
import { citedBy } from './citations.js';
import { CONVERSE_STATE, reasoningDetail, type Reasoning } from './reasoning-state.js';
import { withBlock, withoutBlock, type OpenBlock, type StreamState } from './stream-state.js';
import { distinctToolCallId } from './tool-ids.js';

type BlockStep = Step<StreamState>;
type Block<Kind extends OpenBlock['kind']> = Extract<OpenBlock, { readonly kind: Kind }>;

const nothing = (state: StreamState): BlockStep => ({ state, pieces: NO_PIECES });
const piece = (delta: Delta): readonly Piece[] => [{ index: 0, delta }];

/** Only tools say how they begin; the kind of any other block is told by its first delta. */
export function openBlock(state: StreamState, index: number, start: Json): BlockStep {
  const { toolUse, toolResult } = start;
  if (isObject(toolUse)) return openTool(state, index, toolUse);
  return isObject(toolResult) ? nothing(withBlock(state, index, { kind: 'ignored' })) : nothing(state);
}

function openTool(state: StreamState, index: number, wire: Json): BlockStep {
  const { answer, toolCallIds } = state;
  if (!isClientTool(wire)) return { state: withBlock(state, index, { kind: 'ignored' }), pieces: ANSWER_BEGINS };
  const name = textOf(wire['name']);
  if (name === answer.asked.jsonTool) return openJson(state, index);
  const place = toolCallIds.length;
  const id = distinctToolCallId(wire['toolUseId'], `${answer.id}:${place}`, new Set(toolCallIds));
  const opened = withBlock(state, index, { kind: 'tool', index: place, hasInput: false });
  const call = {
    index: place,
    id,
    type: 'function' as const,
    function: { name: toolName(name, answer), arguments: '' },
  };
  return { state: { ...opened, toolCallIds: [...toolCallIds, id] }, pieces: piece({ tool_calls: [call] }) };
}

/** The answer is one JSON value: a second call of the tool would make it none. */
const openJson = (state: StreamState, index: number): BlockStep =>
  nothing({
    ...withBlock(state, index, state.jsonBegun ? { kind: 'ignored' } : { kind: 'json', hasInput: false }),
    jsonBegun: true,
  });

export function addDelta(state: StreamState, index: number, delta: Json): BlockStep {
  const block = state.blocks.get(index);
  if (typeof delta['text'] === 'string') return addText(state, index, delta['text']);
  if (isObject(delta['toolUse'])) return addInput(state, index, inputPart(delta['toolUse']['input']));
  if (isObject(delta['reasoningContent'])) return addReasoning(state, index, reasoningIn(delta['reasoningContent']));
  if (!isObject(delta['citation']) || block?.kind === 'ignored') return nothing(state);
  const text = textBlock(state, index);
  return nothing(withBlock(state, index, { ...text, citations: [...text.citations, delta['citation']] }));
}

function textBlock({ blocks, written }: StreamState, index: number): Block<'text'> {
  const block = blocks.get(index);
  return block?.kind === 'text' ? block : { kind: 'text', start: written, citations: [] };
}

function addText(state: StreamState, index: number, text: string): BlockStep {
  const known = state.blocks.get(index)?.kind === 'text' ? state : withBlock(state, index, textBlock(state, index));
  if (state.answer.asked.jsonTool !== undefined) return nothing({ ...known, held: known.held + text });
  if (text === '') return nothing(known);
  return { state: { ...known, written: known.written + text.length }, pieces: piece({ content: text }) };
}

/** A stretch of JSON text; some models send all of it at once, as a value. */
const inputPart = (input: unknown): string => (isObject(input) ? inputText(input) : textOf(input));

function addInput(state: StreamState, index: number, input: string): BlockStep {
  const block = state.blocks.get(index);
  if (input === '' || (block?.kind !== 'tool' && block?.kind !== 'json')) return nothing(state);
  return {
    state: block.hasInput ? state : withBlock(state, index, { ...block, hasInput: true }),
    pieces: inputPiece(block, input),
  };
}

const inputPiece = (block: Block<'tool'> | Block<'json'>, input: string): readonly Piece[] =>
  block.kind === 'json'
    ? piece({ content: input })
    : piece({ tool_calls: [{ index: block.index, function: { arguments: input } }] });

function addReasoning(state: StreamState, index: number, { text, signature, redacted }: Reasoning): BlockStep {
  const block = state.blocks.get(index);
  const place = placeAfter(state.written, state.toolCallIds.length);
  const before = block?.kind === 'reasoning' ? block : { text: '', signature: '', redacted: '', place };
  const grown: Block<'reasoning'> = {
    ...before,
    kind: 'reasoning',
    text: before.text + text,
    signature: before.signature + signature,
    redacted: before.redacted + redacted,
  };
  return {
    state: withBlock(state, index, grown),
    pieces: text === '' ? NO_PIECES : piece({ reasoning_content: text }),
  };
}

/** What is known of a block only at its end: that a tool got no input, who signed the reasoning, what a text rests on. */
export function closeBlock(state: StreamState, index: number): BlockStep {
  const block = state.blocks.get(index);
  if (block === undefined) return nothing(state);
  const closed = withoutBlock(state, index);
  switch (block.kind) {
    case 'tool':
    case 'json':
      return { state: closed, pieces: block.hasInput ? NO_PIECES : inputPiece(block, '{}') };
    case 'reasoning':
      return closeReasoning(closed, block);
    case 'text':
      return closeText(closed, block);
    case 'ignored':
      return nothing(closed);
    default:
      return block satisfies never;
  }
}

function closeReasoning(state: StreamState, block: Block<'reasoning'>): BlockStep {
  const format = state.answer.asked.stateFormat ?? CONVERSE_STATE;
  const detail = reasoningDetail(block, { format, ...block.place, index: state.details.length });
  if (detail === undefined) return nothing(state);
  return { state: { ...state, details: [...state.details, detail] }, pieces: piece({ reasoning_details: [detail] }) };
}

function closeText(state: StreamState, { start, citations }: Block<'text'>): BlockStep {
  if (citations.length === 0) return nothing(state);
  const cited = citedBy(citations, { start, end: state.written }, state.cited);
  const told = (cited.annotations?.length ?? 0) + (cited.citations?.length ?? 0);
  if (told === 0) return nothing(state);
  return { state: { ...state, cited: state.cited + told }, pieces: piece({ ...cited }) };
}
