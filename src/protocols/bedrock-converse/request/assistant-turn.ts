import type { ChatMessage, ToolCall } from '../../../domain/chat.js';
import { isObject, isShallow, parsedJson, type Json } from '../../json.js';
import { textOf } from '../answer-reading.js';
import { blocksIn, blocksInDetails, keptBlocks, reasoningContent, type ReasoningBlock } from '../reasoning-state.js';
import { wireToolCallId } from '../tool-ids.js';
import type { Block } from '../wire.js';
import { calledTool } from './conversation.js';
import { invalid, type ConverseDraft } from './draft.js';
import { cachePoint, contentBlocks, isBlank, type Place } from './parts.js';
import type { ToolNames } from './tool-names.js';

type AssistantPlace = Place & { readonly names: ToolNames };

/** A turn of the model's own, given back to it. */
export interface AssistantTurn {
  readonly blocks: readonly Block[];
  readonly calls: readonly (readonly [id: string, name: string])[];
  readonly carriesState: boolean;
}

/** Reasoning first, then what was said, then the calls: the order in which models answer. */
export function assistantTurn(message: ChatMessage, place: AssistantPlace): AssistantTurn {
  const reasoning = reasoningOf(message, place);
  const toolUses = callsOf(message).map((call, index) => toolUse(call, index, place));
  const said = saidBy(message, place);
  const { content } = message;
  // An answer of nothing but reasoning has a blank text, which belongs to what was signed.
  const blank = typeof content === 'string' && isBlank(content) && reasoning.length > 0 && toolUses.length === 0;
  const blocks = [
    ...reasoning.map((block) => reasoningContent(block, place.draft.stateFormat)),
    ...(blank ? [{ text: content }] : said),
    ...toolUses.map(({ block }) => block),
  ];
  return {
    blocks: blocks.length === 0 ? blocks : [...blocks, ...cachePoint(message, place)],
    calls: toolUses.map(({ id, name }) => [id, name]),
    carriesState: reasoning.length > 0,
  };
}

function saidBy(message: ChatMessage, place: Place): readonly Block[] {
  const { content } = message;
  if (Array.isArray(content)) {
    const strange = content.findIndex((part: unknown) => !isObject(part) || !SAYABLE.has(textOf(part['type'])));
    if (strange !== -1)
      throw invalid(`${place.path}.content[${strange}].type`, 'An assistant message is made of text.', 'invalid_value');
  }
  const refusal = textOf(message['refusal']);
  return [...contentBlocks(content, place), ...(isBlank(refusal) ? [] : [{ text: refusal }])];
}

const SAYABLE: ReadonlySet<string> = new Set(['text', 'refusal']);

/** Calls in today's form; the one of the legacy form gets an id of its own. */
function callsOf(message: ChatMessage): readonly ToolCall[] {
  const { tool_calls: calls, function_call: legacy } = message;
  if (Array.isArray(calls)) return calls as readonly ToolCall[];
  if (!isObject(legacy)) return [];
  const { name, arguments: input } = legacy;
  return [{ id: 'call_function', type: 'function', function: { name: textOf(name), arguments: textOf(input) } }];
}

interface ToolUse {
  readonly id: string;
  /** The client's own. */
  readonly name: string;
  readonly block: Block;
}

const KNOWN_IN_CALLS: ReadonlySet<string> = new Set(['id', 'type', 'index', 'function', 'custom']);

function toolUse(call: ToolCall, index: number, { draft, names, path }: AssistantPlace): ToolUse {
  const at = `${path}.tool_calls[${index}]`;
  for (const field of Object.keys(call))
    if (!KNOWN_IN_CALLS.has(field) && call[field] != null) draft.drop(`${at}.${field}`, 'Converse has no place for it');
  const { name, input } = calledTool(call);
  const id = wireToolCallId(textOf(call.id), draft.facts.shortToolCallIds);
  const client = textOf(name);
  return { id, name: client, block: { toolUse: { toolUseId: id, name: names.sent(client), input: inputOf(input) } } };
}

/** Deeper arguments would overflow the stack of whoever writes them. */
const DEEPEST_INPUT = 500;

/** A tool's input must be an object; a model that wrote anything else gets it back inside one. */
function inputOf(input: unknown): Json {
  if (isObject(input)) return input;
  const text = textOf(input);
  if (isBlank(text)) return {};
  const parsed = parsedJson(text);
  return isObject(parsed) && isShallow(parsed, DEEPEST_INPUT) ? parsed : { _raw: text };
}

/** What was signed by this family of models: as the client returns it, else as the gateway has kept it. */
function reasoningOf(message: ChatMessage, { draft, path }: Place): readonly ReasoningBlock[] {
  const blocks = draft.target.withoutState ? [] : foundReasoning(message, draft);
  const told = REASONING.find((field) => saysSomething(message[field]));
  if (blocks.length === 0 && told !== undefined)
    draft.drop(`${path}.${told}`, 'the model takes back only reasoning that it has signed');
  return blocks;
}

function foundReasoning(
  message: ChatMessage,
  { stateFormat, isClaude, target }: ConverseDraft,
): readonly ReasoningBlock[] {
  const returned = blocksInDetails(message['reasoning_details'], stateFormat);
  if (returned.length > 0) return returned;
  const other = isClaude ? blocksIn(message['thinking_blocks']) : [];
  if (other.length > 0) return other;
  const first = callsOf(message)[0]?.id;
  return first === undefined ? [] : keptBlocks(target.turns.get(first), stateFormat);
}

/** The forms in which clients send an earlier turn's reasoning back. */
const REASONING = ['reasoning_content', 'reasoning', 'reasoning_details', 'thinking_blocks'] as const;

const saysSomething = (value: unknown): boolean =>
  value != null && value !== '' && !(Array.isArray(value) && value.length === 0);
