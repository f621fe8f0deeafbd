import type { PlacedThinking, ThinkingBlock } from './thinking-state.js';

/** What the client's message gives of a turn of the assistant. */
export interface TurnParts<Block> {
  readonly thinking: readonly PlacedThinking[];
  readonly content: readonly Block[];
  readonly uses: readonly Block[];
}

/** How a dialect writes what a turn is made of. */
export interface TurnForm<Block> {
  readonly thinking: (block: ThinkingBlock) => Block;
  /** None for text that says nothing, which is refused upstream. */
  readonly text: (text: string) => readonly Block[];
  /** Text that may be cut without a cache mark losing its place; undefined for any other block. */
  readonly plainText: (block: Block) => string | undefined;
}

/** The blocks of a turn as the model made them, where that is known; else its thinking comes first (Anthropic reference §2.2). */
export function inOrder<Block>({ thinking, content, uses }: TurnParts<Block>, form: TurnForm<Block>): readonly Block[] {
  const thinkingFirst = [...thinking.map((block) => form.thinking(bare(block))), ...content, ...uses];
  const [only, another] = content;
  if (another !== undefined || thinking.every(({ after }) => after === undefined)) return thinkingFirst;
  const text = only === undefined ? '' : form.plainText(only);
  if (text === undefined) return thinkingFirst;
  const blocks: Block[] = [];
  const told = { content: 0, tool_calls: 0 };
  const tellUpTo = (units: number, calls: number): void => {
    for (const block of form.text(text.slice(told.content, units))) blocks.push(block);
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
    blocks.push(form.thinking(bare(block)));
  }
  const left = blocks.length;
  tellUpTo(text.length, uses.length);
  return blocks.length > left ? blocks : thinkingFirst; // a turn does not end with thinking
}

/** Without its place, which is no field of the API's. */
const bare = ({ after: _after, ...block }: PlacedThinking): ThinkingBlock => block;
