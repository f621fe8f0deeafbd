import { isObject, isShallow, type Json } from '../../json.js';
import { NO_PIECES } from '../../stream-reducer.js';
import { CLAUDE_FORMAT } from '../../claude/thinking-state.js';
import { piece, text, withBlock, type MessageState, type MessageStep } from './state.js';

/** A block grows. Deltas of kinds nobody knows yet are skipped, as the API asks of its clients (Anthropic reference §1). */
export function blockGrew(state: MessageState, index: number, delta: Json): MessageStep {
  const unchanged: MessageStep = { state, pieces: NO_PIECES };
  switch (delta['type']) {
    case 'text_delta':
      return state.open.get(index)?.kind === 'ignored' ? unchanged : saidText(state, text(delta['text']));
    case 'thinking_delta':
      return thought(state, index, { text: text(delta['thinking']) });
    case 'signature_delta':
      return thought(state, index, { signature: text(delta['signature']) });
    case 'input_json_delta':
      return inputGrew(state, index, text(delta['partial_json']));
    case 'citations_delta':
      return { state: toldCitations(state, index, [delta['citation']]), pieces: NO_PIECES };
    default:
      return unchanged;
  }
}

/** Text; where the JSON tool may yet be called it waits. */
export function saidText(state: MessageState, said: string): MessageStep {
  if (said === '' || state.calledJsonTool) return { state, pieces: NO_PIECES };
  if (state.jsonTool !== undefined) return { state: { ...state, held: state.held + said }, pieces: NO_PIECES };
  return { state: { ...state, textLength: state.textLength + said.length }, pieces: [piece({ content: said })] };
}

/**
 * Thinking as text to read and as a detail to give back. What names the detail stands in its first part alone:
 * clients join the strings of parts with one index.
 */
export function thought(
  state: MessageState,
  at: number,
  part: { readonly text?: string; readonly signature?: string },
): MessageStep {
  const block = state.open.get(at);
  const said = part.text ?? '';
  const signature = part.signature ?? '';
  if (block?.kind !== 'thinking' || (said === '' && signature === '')) return { state, pieces: NO_PIECES };
  const { index, told, place } = block;
  const grown = { ...block, text: block.text + said, signature: block.signature + signature, told: true };
  const detail = {
    type: 'reasoning.text',
    ...(said !== '' && { text: said }),
    ...(signature !== '' && { signature }),
    ...(!told && { format: CLAUDE_FORMAT, ...place }),
    index,
  };
  return {
    state: withBlock(state, at, grown),
    pieces: [piece({ ...(said !== '' && { reasoning_content: said }), reasoning_details: [detail] })],
  };
}

function inputGrew(state: MessageState, at: number, part: string): MessageStep {
  const block = state.open.get(at);
  if (part === '' || (block?.kind !== 'tool' && block?.kind !== 'json') || block.input === 'whole')
    return { state, pieces: NO_PIECES };
  const delta =
    block.kind === 'json' ? { content: part } : { tool_calls: [{ index: block.index, function: { arguments: part } }] };
  const known = block.input === 'parts' ? state : withBlock(state, at, { ...block, input: 'parts' });
  return { state: known, pieces: [piece(delta)] };
}

/** The same state with the citations kept until their block has ended: only then is it known which text they stand for. */
export function toldCitations(state: MessageState, at: number, given: unknown): MessageState {
  const block = state.open.get(at);
  const citations = Array.isArray(given) ? given.filter(isObject).filter((citation) => isShallow(citation, 4)) : [];
  if (block?.kind !== 'text' || citations.length === 0) return state;
  return withBlock(state, at, { ...block, citations: [...block.citations, ...citations] });
}
