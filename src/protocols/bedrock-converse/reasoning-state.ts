import { CLAUDE_FORMAT, type Placed, type ThinkingBlock } from '../claude/thinking-state.js';
import type { Json } from '../json.js';

/** What models other than Claude want back with their turns. */
export const CONVERSE_STATE = 'bedrock-converse-v1';

/** Reasoning as it stands in an answer of Converse. */
export interface Reasoning {
  readonly text: string;
  readonly signature: string;
  /** The bytes of a block whose text is not shown, each as one character: streams send them piece by piece. */
  readonly redacted: string;
}

/** An entry of `reasoning_details`, as clients get and return it. */
export type ReasoningDetail = Json & { readonly index: number };

/** What a client must send back of this reasoning; undefined: nothing, as nobody signed it. */
export function reasoningDetail(
  { text, signature, redacted }: Reasoning,
  entry: Placed & { readonly format: string; readonly index: number },
): ReasoningDetail | undefined {
  if (redacted !== '') return { type: 'reasoning.encrypted', data: dataOf(redacted, entry.format), ...entry };
  return signature === '' ? undefined : { type: 'reasoning.text', text, signature, ...entry };
}

/** Claude's own dialect has text here, which Converse takes for bytes. */
const dataOf = (redacted: string, format: string): string =>
  Buffer.from(redacted, 'latin1').toString(format === CLAUDE_FORMAT ? 'utf8' : 'base64');

/** The block as Converse wants it back (Bedrock reference §2.2); signed text is not touched. */
export function reasoningContent(block: ThinkingBlock, format: string): Json {
  switch (block.type) {
    case 'thinking':
      return { reasoningContent: { reasoningText: { text: block.thinking, signature: block.signature } } };
    case 'redacted_thinking': {
      const data = format === CLAUDE_FORMAT ? Buffer.from(block.data).toString('base64') : block.data;
      return { reasoningContent: { redactedContent: data } };
    }
    default:
      return block satisfies never;
  }
}
