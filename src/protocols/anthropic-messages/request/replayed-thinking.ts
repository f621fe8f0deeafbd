import type { ChatMessage } from '../../../domain/chat.js';
import { blocksIn, blocksInDetails, blocksKept } from '../../claude/thinking-state.js';
import type { PlacedThinking } from '../../claude/thinking-state.js';
import type { Translation } from './translation.js';

/**
 * The signed thinking of an earlier turn: as the client gives it back, or as it was kept. Thinking that is not
 * Anthropic's own, or not signed, is never passed off as thinking (Anthropic reference §2.2).
 */
export function replayedThinking(
  message: ChatMessage,
  index: number,
  translation: Translation,
): readonly PlacedThinking[] {
  const { turns, withoutState } = translation.target;
  const ids = (message.tool_calls ?? []).map(({ id }) => id);
  const given = GIVEN.filter((field) => message[field] != null);
  const blocks = withoutState ? [] : (explicit(message) ?? keptFor(ids, turns));
  if (blocks.length === 0)
    for (const field of given)
      translation.drop(`messages[${index}].${field}`, 'it is not thinking the model has signed');
  return blocks;
}

const GIVEN = ['reasoning_content', 'reasoning', 'reasoning_details', 'thinking_blocks'];

function explicit(message: ChatMessage): readonly PlacedThinking[] | undefined {
  const { reasoning_details: details, thinking_blocks: own, content } = message;
  return [blocksInDetails(details), blocksIn(own), blocksIn(content)].find(({ length }) => length > 0);
}

function keptFor(ids: readonly string[], turns: Translation['target']['turns']): readonly PlacedThinking[] {
  for (const id of ids) {
    const blocks = blocksKept(turns.get(id));
    if (blocks.length > 0) return blocks;
  }
  return [];
}
