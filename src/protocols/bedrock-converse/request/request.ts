import type { ChatRequest } from '../../../domain/chat.js';
import { isObject, type Json } from '../../json.js';
import type { TargetModel, WireRequest } from '../../protocol.js';
import type { Block, ConverseRequest, ToolConfig, Turn } from '../wire.js';
import { ConverseDraft } from './draft.js';
import { inferenceConfig, ownWords, refuseMeaningful, reportUnread, surroundings } from './fields.js';
import { translateMessages } from './messages.js';
import { translateFormat } from './response-format.js';
import { thinksByBudget, translateThinking } from './thinking.js';
import { ToolNames } from './tool-names.js';
import { isForced, translateTools, type Choice, type ToolUse } from './tools.js';

/**
 * A chat request in Converse's words (Bedrock reference §2). Throws InvalidRequestError for what it cannot say and whose
 * loss would change the answer's meaning.
 */
export function converseRequest(request: ChatRequest, target: TargetModel): WireRequest {
  const draft = new ConverseDraft(request, target);
  refuseMeaningful(draft);
  ownWords(draft);
  const names = new ToolNames(request);
  const { system, turns, carriesState } = translateMessages(draft, names);
  const wanted = translateTools(draft, names, turns);
  const { asked, tools, outputConfig, words } = translateFormat(draft, wanted, !thinksByBudget(draft));
  const thinking = translateThinking(draft, { turns, carriesState, forced: isForced(tools.choice) });
  const { toolConfig, words: toolWords } = toolConfigOf(draft, tools, { names, turns });
  const spoken = { system, turns, words: [toolWords, words].filter((text) => text !== undefined) };
  const config = inferenceConfig(draft, thinking);
  const body: ConverseRequest = {
    ...conversationWith(draft, spoken),
    ...(Object.keys(config).length > 0 && { inferenceConfig: config }),
    ...(toolConfig && { toolConfig }),
    ...(outputConfig && { outputConfig }),
    ...(Object.keys(draft.additional).length > 0 && { additionalModelRequestFields: draft.additional }),
    ...surroundings(draft),
  };
  reportUnread(draft);
  const streams = request.stream === true && (draft.facts.toolStreaming || toolConfig === undefined);
  return {
    path: `/model/${encodeURIComponent(target.model)}/${streams ? 'converse-stream' : 'converse'}`,
    headers: { accept: streams ? 'application/vnd.amazon.eventstream' : 'application/json' },
    body: JSON.stringify(body),
    changes: draft.changes,
    asked: {
      ...asked,
      stateFormat: draft.stateFormat,
      ...(names.changed !== undefined && { toolNames: names.changed }),
      ...(Array.isArray(request['functions']) && request.tools == null && { legacyFunctions: true }),
    },
    carriesState,
  };
}

interface Spoken {
  readonly system: readonly Block[];
  readonly turns: readonly Turn[];
  /** What the gateway has to add. */
  readonly words: readonly string[];
}

/** Where a model takes no instructions, the first turn of the user begins with them. */
function conversationWith(
  { facts }: ConverseDraft,
  { system, turns, words }: Spoken,
): Pick<ConverseRequest, 'messages' | 'system'> {
  const instructions = [...system, ...words.map((text) => ({ text }))];
  if (instructions.length === 0) return { messages: turns };
  if (facts.system) return { messages: turns, system: instructions };
  const [first, ...others] = turns;
  if (first?.role === 'user')
    return { messages: [{ role: 'user', content: [...instructions, ...first.content] }, ...others] };
  return { messages: [{ role: 'user', content: instructions }, ...turns] };
}

interface ToolPlace {
  readonly names: ToolNames;
  readonly turns: readonly Turn[];
}

const NO_TOOLS = 'Do not call any tool.';

/** Converse has no word for `none`: Claude has one of its own, and others get no tools, or are told. */
function toolConfigOf(
  draft: ConverseDraft,
  { tools, choice, single }: ToolUse,
  { names, turns }: ToolPlace,
): { readonly toolConfig?: ToolConfig; readonly words?: string } {
  if (tools.length === 0) return {};
  if (choice.kind === 'none' && !draft.isClaude) {
    if (!usesTools(turns)) return {};
    if (draft.request.tool_choice === 'none')
      draft.adapt('tool_choice', 'an instruction', 'Converse has no such choice');
    return { toolConfig: { tools }, words: NO_TOOLS };
  }
  if (draft.isClaude && (single || choice.kind === 'none')) {
    draft.additional['tool_choice'] = claudeChoice(choice, names, single);
    return { toolConfig: { tools } };
  }
  if (choice.kind === 'any') return { toolConfig: { tools, toolChoice: { any: {} } } };
  if (choice.kind === 'tool') return { toolConfig: { tools, toolChoice: { tool: { name: names.sent(choice.name) } } } };
  return { toolConfig: { tools } };
}

/** Only here can a Claude model be told to call one tool at a time. */
function claudeChoice(choice: Choice, names: ToolNames, single: boolean): Json {
  const one = single ? { disable_parallel_tool_use: true } : {};
  if (choice.kind === 'none') return { type: 'none' };
  return choice.kind === 'tool'
    ? { type: 'tool', name: names.sent(choice.name), ...one }
    : { type: choice.kind, ...one };
}

const usesTools = (turns: readonly Turn[]): boolean =>
  turns.some(({ content }) => content.some(({ toolUse, toolResult }) => isObject(toolUse) || isObject(toolResult)));
