import type { ChatMessage } from '../../../domain/chat.js';
import type { Block, Turn } from '../wire.js';
import { resultKey } from '../../request/earlier-calls.js';
import { assistantTurn } from './assistant-turn.js';
import { Conversation } from './conversation.js';
import { invalid, unsupported, type ConverseDraft } from './draft.js';
import { Media } from './media.js';
import { cachePoint, contentBlocks, type Place } from './parts.js';
import type { ToolNames } from './tool-names.js';
import { WireCallIds } from '../tool-ids.js';

export interface Messages {
  readonly system: readonly Block[];
  readonly turns: readonly Turn[];
  /** Reasoning of earlier turns is among them. */
  readonly carriesState: boolean;
}

/** The conversation as Converse takes it (Bedrock reference §2.2). */
export function translateMessages(draft: ConverseDraft, names: ToolNames): Messages {
  const conversation = new Conversation(draft);
  const media = new Media();
  const ids = new WireCallIds(draft.facts.shortToolCallIds ? 'nine' : draft.isClaude ? 'claude' : 'converse');
  const system: Block[] = [];
  let carriesState = false;
  draft.request.messages.forEach((message, index) => {
    const place = { draft, media, path: `messages[${index}]` };
    reportUnsaid(message, place);
    switch (message.role) {
      case 'system':
      case 'developer':
        if (conversation.isEmpty && draft.facts.system) for (const block of saidIn(message, place)) system.push(block);
        else addInstruction(conversation, message, { ...place, index });
        return;
      case 'user':
        conversation.user(userBlocks(message, place), index);
        return;
      case 'assistant': {
        const turn = assistantTurn(message, { ...place, names, ids });
        conversation.assistant(turn.blocks, turn.calls);
        carriesState ||= turn.carriesState;
        return;
      }
      case 'tool':
      case 'function':
        addResult(conversation, message, { ...place, index });
        return;
      default:
        throw invalid(`${place.path}.role`, 'The role is not known.', 'invalid_value');
    }
  });
  return { system, turns: ended(draft, conversation.close()), carriesState };
}

/** What a message says, with the cache point that the message as a whole asks for. */
const saidIn = (message: ChatMessage, place: Place): readonly Block[] => {
  const blocks = contentBlocks(message.content, place);
  return blocks.length === 0 ? blocks : [...blocks, ...cachePoint(message, place)];
};

function userBlocks(message: ChatMessage, place: Place): readonly Block[] {
  const blocks = saidIn(message, place);
  if (blocks.length > 0) return blocks;
  throw invalid(`${place.path}.content`, 'The message says nothing, which the model that serves this request refuses.');
}

type IndexedPlace = Place & { readonly index: number };

/**
 * Instructions between the turns stay where they are: moved to the top they would mean something else. Where the model
 * knows no such turn, or no instructions at all, the user's turn says them.
 */
function addInstruction(conversation: Conversation, message: ChatMessage, place: IndexedPlace): void {
  const { draft, index } = place;
  const blocks = saidIn(message, place);
  if (blocks.length === 0) return;
  if (draft.claude?.systemInPlace === true && conversation.systemTurn(blocks)) return;
  const words = draft.facts.system ? blocks.map(wrapped) : blocks;
  conversation.user(words, index);
  draft.adapt(`messages[${index}].role`, 'user', 'the model takes no instructions there');
}

const wrapped = (block: Block): Block =>
  typeof block['text'] === 'string' ? { text: `<system>${block['text']}</system>` } : block;

function addResult(conversation: Conversation, message: ChatMessage, place: IndexedPlace): void {
  const { draft, index, path } = place;
  const failed = message['is_error'] === true;
  if (failed && !draft.facts.resultStatus) draft.drop(`${path}.is_error`, 'results have no status for this model');
  const blocks = contentBlocks(message.content, place);
  conversation.result({
    key: resultKey(message),
    index,
    content: blocks.filter((block) => !('cachePoint' in block)),
    failed: failed && draft.facts.resultStatus,
    after: [...blocks.filter((block) => 'cachePoint' in block), ...cachePoint(message, place)],
  });
}

/** A conversation that ends with the assistant's own words asks for more of them, which newer Claude models refuse. */
function ended(draft: ConverseDraft, turns: readonly Turn[]): readonly Turn[] {
  const last = turns.at(-1);
  if (last?.role !== 'assistant') return turns;
  if (draft.claude?.prefill === false)
    throw unsupported(
      `messages[${draft.request.messages.findLastIndex(({ role }) => role === 'assistant')}]`,
      'a last message of the assistant',
      'unsupported_value',
    );
  const trimmed = last.content
    .map((block) => (typeof block['text'] === 'string' ? { text: block['text'].trimEnd() } : block))
    .filter((block) => block['text'] !== '');
  return trimmed.length === 0 ? turns.slice(0, -1) : [...turns.slice(0, -1), { ...last, content: trimmed }];
}

/** Fields that are read, and those that say nothing to a model. */
const READ: ReadonlySet<string> = new Set([
  'role',
  'content',
  'refusal',
  'tool_calls',
  'tool_call_id',
  'function_call',
  'reasoning_content',
  'reasoning',
  'reasoning_details',
  'thinking_blocks',
  'cache_control',
  'prompt_cache_breakpoint',
  'annotations',
  'citations',
]);

function reportUnsaid(message: ChatMessage, { draft, path }: Place): void {
  for (const [field, value] of Object.entries(message)) {
    if (READ.has(field) || value === null || value === undefined || value === '') continue;
    if ((field === 'name' || field === 'is_error') && (message.role === 'tool' || message.role === 'function'))
      continue;
    draft.drop(`${path}.${field}`, 'Converse has no place for it');
  }
}
