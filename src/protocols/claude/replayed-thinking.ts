import type { ChatMessage, ContentPart } from '../../domain/chat.js';
import type { ParamReport } from '../../domain/param-change.js';
import { isObject } from '../json.js';
import type { TargetModel } from '../protocol.js';
import { blocksIn, blocksInDetails, blocksKept, CLAUDE_FORMAT, type PlacedThinking } from './thinking-state.js';

interface Replay {
  /** As in `messages[1]`. */
  readonly path: string;
  readonly target: TargetModel;
  readonly report: ParamReport;
  /** Whose thinking the model takes back; by default Claude's. */
  readonly format?: string;
}

/**
 * The signed thinking of an earlier turn: as the client gives it back, or as it was kept. Thinking that is not of this
 * family, or not signed, is never passed off as thinking (Anthropic reference §2.2).
 */
export function replayedThinking(
  message: ChatMessage,
  { path, target, report, format = CLAUDE_FORMAT }: Replay,
): readonly PlacedThinking[] {
  const own = (value: unknown) => (format === CLAUDE_FORMAT ? blocksIn(value) : []);
  const { reasoning_details: details, thinking_blocks: blocks, content, tool_calls: calls } = message;
  const sources = [
    () => blocksInDetails(details, format),
    () => own(blocks),
    () => own(content),
    ...(calls ?? []).map(
      ({ id }) =>
        () =>
          blocksKept(target.turns.get(id), format),
    ),
  ];
  const found = target.withoutState ? [] : first(sources);
  if (found.length === 0)
    for (const field of FIELDS) if (saysSomething(message[field])) report.drop(`${path}.${field}`, UNSIGNED);
  for (const [index, part] of Array.isArray(content) ? content.entries() : [])
    if (isThinking(part) && (found.length === 0 || own([part]).length === 0))
      report.drop(`${path}.content[${index}]`, UNSIGNED);
  return found;
}

function first(sources: readonly (() => readonly PlacedThinking[])[]): readonly PlacedThinking[] {
  for (const source of sources) {
    const blocks = source();
    if (blocks.length > 0) return blocks;
  }
  return [];
}

/** What a message says: thinking among its parts goes where thinking goes, the others keep their places. */
export const withoutThinking = (content: ChatMessage['content']): ChatMessage['content'] =>
  Array.isArray(content) ? content.map((part: ContentPart) => (isThinking(part) ? NOTHING_SAID : part)) : content;

const NOTHING_SAID = { type: 'text', text: '' };

/** The forms in which clients send an earlier turn's thinking back. */
const FIELDS = ['reasoning_content', 'reasoning', 'reasoning_details', 'thinking_blocks'];
const PARTS: readonly unknown[] = ['thinking', 'redacted_thinking', 'reasoning'];
const UNSIGNED = 'the model takes back only thinking that it has signed';

const isThinking = (part: unknown): boolean => isObject(part) && PARTS.includes(part['type']);

const saysSomething = (value: unknown): boolean =>
  value != null && value !== '' && !(Array.isArray(value) && value.length === 0);
