import { type Json } from '../../json.js';
import { NO_PIECES, type Piece } from '../../stream-reducer.js';
import { piece, text, withoutBlock, type MessageState, type MessageStep, type OpenBlock } from './state.js';

/** A block ends: what can only now be said of it is said. */
export function blockEnded(state: MessageState, index: number): MessageStep {
  const block = state.open.get(index);
  if (block === undefined) return { state, pieces: NO_PIECES };
  const known = withoutBlock(state, index);
  switch (block.kind) {
    case 'text':
      return citedText(known, block);
    case 'thinking':
      return { state: keptThinking(known, block), pieces: NO_PIECES };
    case 'tool':
      // A call without arguments would be no JSON.
      return noInputYet(known, block.input, { tool_calls: [{ index: block.index, function: { arguments: '{}' } }] });
    case 'json':
      return noInputYet(known, block.input, { content: '{}' });
    case 'ignored':
      return { state: known, pieces: NO_PIECES };
  }
}

function noInputYet(state: MessageState, input: string, delta: Json): MessageStep {
  return { state, pieces: input === 'none' ? [piece(delta)] : NO_PIECES };
}

/** Unsigned thinking cannot be given back. */
function keptThinking(state: MessageState, block: OpenBlock & { kind: 'thinking' }): MessageState {
  const { text: thinking, signature, place } = block;
  if (signature === '') return state;
  return { ...state, thinking: [...state.thinking, { type: 'thinking', thinking, signature, ...place }] };
}

/** Pages of the web become OpenAI's annotations of the text; citations of documents have no such form and stay as they are. */
function citedText(state: MessageState, { start, citations }: OpenBlock & { kind: 'text' }): MessageStep {
  if (citations.length === 0) return { state, pieces: NO_PIECES };
  const pages = citations.filter(isPage);
  const others = citations.filter((citation) => !isPage(citation));
  const { counts, textLength: end } = state;
  const annotations = pages.map((citation, n) => ({
    index: counts.annotations + n,
    type: 'url_citation',
    url_citation: { start_index: start, end_index: end, url: text(citation['url']), title: text(citation['title']) },
  }));
  const quotes = others.map((citation, n) => ({ ...citation, index: counts.citations + n }));
  const pieces: Piece[] = [];
  if (annotations.length > 0) pieces.push(piece({ annotations }));
  if (quotes.length > 0) pieces.push(piece({ citations: quotes }));
  const next = {
    ...counts,
    annotations: counts.annotations + annotations.length,
    citations: counts.citations + quotes.length,
  };
  return { state: { ...state, counts: next }, pieces };
}

const isPage = ({ type }: Json): boolean => type === 'web_search_result_location';
