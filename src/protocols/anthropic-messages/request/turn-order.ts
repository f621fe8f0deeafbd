import type { PlacedThinking, ThinkingBlock } from '../../claude/thinking-state.js';
import type { Block, ContentBlock, ToolUseBlock } from '../wire.js';
import { textBlocks } from './content-parts.js';

/** What the client's message gives of a turn of the assistant. */
export interface TurnParts {
  readonly thinking: readonly PlacedThinking[];
  readonly content: readonly ContentBlock[];
  readonly uses: readonly ToolUseBlock[];
}

/** The blocks of a turn as the model made them, where that is known; else its thinking comes first (Anthropic reference §2.2). */
export function inOrder({ thinking, content, uses }: TurnParts): readonly Block[] {
  const thinkingFirst = [...thinking.map(bare), ...content, ...uses];
  const [only, another] = content;
  if (another !== undefined || thinking.every(({ after }) => after === undefined)) return thinkingFirst;
  const text = only === undefined ? '' : plainText(only);
  if (text === undefined) return thinkingFirst;
  const blocks: Block[] = [];
  const told = { content: 0, tool_calls: 0 };
  const tellUpTo = (units: number, calls: number): void => {
    for (const block of textBlocks(text.slice(told.content, units))) blocks.push(block);
    for (const use of uses.slice(told.tool_calls, calls)) blocks.push(use);
    told.content = units;
    told.tool_calls = calls;
  };
  for (const block of thinking) {
    const { content: units, tool_calls: calls } = block.after ?? told;
    // What the client has cut or put together anew has other places than those it was made in.
    if (units < told.content || calls < told.tool_calls || units > text.length || calls > uses.length)
      return thinkingFirst;
    tellUpTo(units, calls);
    blocks.push(bare(block));
  }
  const left = blocks.length;
  tellUpTo(text.length, uses.length);
  return blocks.length > left ? blocks : thinkingFirst; // a turn does not end with thinking
}

/** Text that may be cut without a breakpoint losing its place. */
const plainText = (block: ContentBlock): string | undefined =>
  'text' in block && typeof block.text === 'string' && block.cache_control === undefined ? block.text : undefined;

/** Without its place, which is no field of the API's. */
const bare = ({ after: _after, ...block }: PlacedThinking): ThinkingBlock => block;
