import type { ChatCompletion } from '../../domain/chat.js';
import type { TurnState } from '../../domain/turn-state.js';
import { blocksIn, CLAUDE_FORMAT, type ThinkingBlock } from '../claude/thinking-state.js';
import { isObject, parsedJson, type Json } from '../json.js';

/** Claude's signed thinking, which any host of that model reads: the same words as in its own dialect. */
export const CLAUDE_STATE = CLAUDE_FORMAT;
/** What other models served here want back with their turns. */
export const CONVERSE_STATE = 'bedrock-converse-v1';

/** A stretch of reasoning that its provider can recognise as its own, in the shape in which it is kept. */
export type ReasoningBlock = ThinkingBlock;

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
  format: string,
  index: number,
): ReasoningDetail | undefined {
  if (redacted !== '') return { type: 'reasoning.encrypted', data: dataOf(redacted, format), format, index };
  if (signature === '') return undefined;
  return { type: 'reasoning.text', text, signature, format, index };
}

/** Claude's own dialect has text here, which Converse takes for bytes. */
const dataOf = (redacted: string, format: string): string =>
  Buffer.from(redacted, 'latin1').toString(format === CLAUDE_STATE ? 'utf8' : 'base64');

/** The block as Converse wants it back (Bedrock reference §2.2); signed text is not touched. */
export function reasoningContent(block: ReasoningBlock, format: string): Json {
  switch (block.type) {
    case 'thinking':
      return { reasoningContent: { reasoningText: { text: block.thinking, signature: block.signature } } };
    case 'redacted_thinking': {
      const data = format === CLAUDE_STATE ? Buffer.from(block.data).toString('base64') : block.data;
      return { reasoningContent: { redactedContent: data } };
    }
    default:
      return block satisfies never;
  }
}

/** The blocks in the details that a client returns; those of other formats and those without a signature are no use. */
export function blocksInDetails(details: unknown, format: string): readonly ReasoningBlock[] {
  if (!Array.isArray(details)) return [];
  const whole = joinedByIndex(details.filter(isObject));
  // Those who do not say whose it is mean Claude's, which was there first.
  const own = whole.filter((detail) => (detail['format'] ?? CLAUDE_STATE) === format);
  return own.flatMap((detail) => blockIn(detail) ?? []);
}

/** Some clients return a stream's details piece by piece: the pieces of one block have one index. */
function joinedByIndex(details: readonly Json[]): readonly Json[] {
  const joined: Json[] = [];
  for (const detail of details) {
    const last = joined.at(-1);
    const goesOn =
      last !== undefined &&
      typeof detail['index'] === 'number' &&
      last['index'] === detail['index'] &&
      last['type'] === detail['type'];
    if (!goesOn) joined.push(detail);
    else joined[joined.length - 1] = { ...last, ...concatenated(last, detail) };
  }
  return joined;
}

function concatenated(first: Json, second: Json): Json {
  return Object.fromEntries(
    ['text', 'signature', 'data'].flatMap((field) => {
      const text = textOf(first[field]) + textOf(second[field]);
      return text === '' ? [] : [[field, text]];
    }),
  );
}

function blockIn(detail: Json): ReasoningBlock | undefined {
  const [text, signature, data] = [textOf(detail['text']), textOf(detail['signature']), textOf(detail['data'])];
  if (detail['type'] === 'reasoning.encrypted') return data === '' ? undefined : { type: 'redacted_thinking', data };
  if (detail['type'] !== 'reasoning.text' || signature === '') return undefined;
  return { type: 'thinking', thinking: text, signature };
}

/** The blocks that were kept of a turn; none where they are another family's. */
export const keptBlocks = (state: TurnState | undefined, format: string): readonly ReasoningBlock[] =>
  state?.format === format ? blocksIn(parsedJson(state.value)) : [];

/** What must be kept of a turn that calls tools: the calls' results are sent back with it. */
export function turnStates(toolCallId: string | undefined, details: unknown): readonly TurnState[] {
  const format = formatOf(details);
  if (toolCallId === undefined || format === undefined) return [];
  const blocks = blocksInDetails(details, format);
  return blocks.length === 0 ? [] : [{ toolCallId, format, value: JSON.stringify(blocks) }];
}

function formatOf(details: unknown): string | undefined {
  const first: unknown = Array.isArray(details) ? details[0] : undefined;
  const format = isObject(first) ? first['format'] : undefined;
  return typeof format === 'string' ? format : undefined;
}

/** What must be kept of a whole answer. */
export function keptOf({ choices }: ChatCompletion): readonly TurnState[] {
  const message = choices[0]?.message;
  return turnStates(message?.tool_calls?.[0]?.id, message?.['reasoning_details']);
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
