import type { ChatMessage } from '../../../domain/chat.js';
import { isObject } from '../../json.js';
import { earlierCalls, type EarlierCall } from '../../request/earlier-calls.js';
import { textOf } from '../answer-reading.js';
import { replayedThinking, withoutThinking } from '../../claude/replayed-thinking.js';
import { inOrder } from '../../claude/turn-order.js';
import { reasoningContent } from '../reasoning-state.js';
import type { WireCallIds } from '../tool-ids.js';
import type { Block } from '../wire.js';
import type { Call } from './conversation.js';
import { invalid } from './draft.js';
import { cachePoint, contentBlocks, isBlank, type Place } from './parts.js';
import type { ToolNames } from './tool-names.js';

type AssistantPlace = Place & { readonly names: ToolNames; readonly ids: WireCallIds };

/** A turn of the model's own, given back to it. */
export interface AssistantTurn {
  readonly blocks: readonly Block[];
  readonly calls: readonly Call[];
  readonly carriesState: boolean;
}

/** The blocks in the order in which the model made them. */
export function assistantTurn(message: ChatMessage, place: AssistantPlace): AssistantTurn {
  reportUnsaid(message, place);
  const { draft, path } = place;
  const { stateFormat: format, target } = draft;
  const thinking = replayedThinking(message, { path, target, report: draft, format });
  const toolUses = earlierCalls(message, { path, report: draft, deepest: DEEPEST_INPUT }).map((call) =>
    toolUse(call, place),
  );
  const said = saidBy(message, place);
  const { content } = message;
  // An answer of nothing but reasoning has a blank text, which belongs to what was signed.
  const blank = typeof content === 'string' && isBlank(content) && thinking.length > 0 && toolUses.length === 0;
  const blocks = inOrder<Block>(
    { thinking, content: blank ? [{ text: content }] : said, uses: toolUses.map(({ block }) => block) },
    {
      thinking: (block) => reasoningContent(block, format),
      text: (text) => (isBlank(text) ? [] : [{ text }]),
      plainText: ({ text }) => (typeof text === 'string' ? text : undefined),
    },
  );
  return {
    blocks: blocks.length === 0 ? blocks : [...blocks, ...cachePoint(message, place)],
    calls: toolUses.map(({ call }) => call),
    carriesState: thinking.length > 0,
  };
}

function saidBy(message: ChatMessage, place: Place): readonly Block[] {
  const parts: unknown = withoutThinking(message.content);
  if (Array.isArray(parts)) {
    const strange = parts.findIndex((part: unknown) => !isObject(part) || !SAYABLE.has(textOf(part['type'])));
    if (strange !== -1)
      throw invalid(`${place.path}.content[${strange}].type`, 'An assistant message is made of text.', 'invalid_value');
  }
  const refusal = textOf(message['refusal']);
  return [...contentBlocks(parts, place), ...(isBlank(refusal) ? [] : [{ text: refusal }])];
}

const SAYABLE: ReadonlySet<string> = new Set(['text', 'refusal']);

const KNOWN_IN_CALLS: ReadonlySet<string> = new Set(['id', 'type', 'index', 'function', 'custom']);

function reportUnsaid({ tool_calls: calls }: ChatMessage, { draft, path }: Place): void {
  if (!Array.isArray(calls)) return;
  calls.forEach((call: unknown, index) => {
    for (const [field, value] of isObject(call) ? Object.entries(call) : [])
      if (!KNOWN_IN_CALLS.has(field) && value != null)
        draft.drop(`${path}.tool_calls[${index}].${field}`, 'Converse has no place for it');
  });
}

interface ToolUse {
  readonly call: Call;
  readonly block: Block;
}

function toolUse({ key, name, input }: EarlierCall, { names, ids }: AssistantPlace): ToolUse {
  const id = ids.next(key);
  return { call: { key, id }, block: { toolUse: { toolUseId: id, name: names.sent(name), input } } };
}

const DEEPEST_INPUT = 500;
