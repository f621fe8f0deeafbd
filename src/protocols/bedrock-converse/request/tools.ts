import type { JsonSchema } from '../../../domain/chat.js';
import { strictSchema } from '../../claude/strict-schema.js';
import { isObject, type Json } from '../../json.js';
import { textOf } from '../answer-reading.js';
import type { Turn } from '../wire.js';
import { invalid, unsupported, type ConverseDraft } from './draft.js';
import { inputSchema } from './input-schema.js';
import { cachePoint } from './parts.js';
import type { ToolNames } from './tool-names.js';

export type Choice =
  | { readonly kind: 'auto' | 'any' | 'none' }
  /** By the client's own name. */
  | { readonly kind: 'tool'; readonly name: string };

/** The tools of a request, and which of them must be called. */
export interface ToolUse {
  /** As they are sent, with the cache points behind them. */
  readonly tools: readonly Json[];
  readonly choice: Choice;
  /** One call at a time. */
  readonly single: boolean;
}

export const isForced = ({ kind }: Choice): boolean => kind === 'any' || kind === 'tool';

interface NamedTool {
  readonly name: string;
  readonly blocks: readonly Json[];
}

/** `tools` and `tool_choice`, or their older forms (Bedrock reference §2.3). */
export function translateTools(draft: ConverseDraft, names: ToolNames, turns: readonly Turn[]): ToolUse {
  const { request } = draft;
  const tools = [
    ...definitions(request.tools, 'tools', { draft, names }),
    ...definitions(request['functions'], 'functions', { draft, names }),
  ];
  const single = request.parallel_tool_calls === false;
  if (single && (!draft.isClaude || tools.length === 0))
    draft.drop('parallel_tool_calls', 'the model calls as many tools as it likes');
  if (tools.length === 0) {
    if (isForced(wishedChoice(request.tool_choice)))
      throw invalid('tool_choice', "'tool_choice' is only allowed when 'tools' are specified.");
    const stubs = stubsFor(turns);
    return { tools: stubs, choice: { kind: stubs.length === 0 ? 'auto' : 'none' }, single: false };
  }
  const legacy = request['function_call'];
  const { choice, allowed } = chosen(request.tool_choice ?? (isObject(legacy) ? { function: legacy } : legacy));
  if (!draft.facts.tools && choice.kind !== 'none') throw unsupported('tools', '`tools`');
  const offered = allowed === undefined ? tools : tools.filter(({ name }) => allowed.has(name));
  if (offered.length === 0) throw invalid('tool_choice.allowed_tools', 'None of these tools is among `tools`.');
  return { ...permitted(draft, choice, offered), single };
}

interface Naming {
  readonly draft: ConverseDraft;
  readonly names: ToolNames;
}

function definitions(list: unknown, field: 'tools' | 'functions', naming: Naming): readonly NamedTool[] {
  if (!Array.isArray(list)) return [];
  return list.map((tool: unknown, index) => {
    const path = `${field}[${index}]`;
    if (field === 'functions') return definition(isObject(tool) ? tool : {}, path, naming);
    const { type, function: called } = isObject(tool) ? tool : {};
    if (type !== 'function' || !isObject(called)) throw unsupported(`${path}.type`, 'such a tool', 'unsupported_value');
    const { name, blocks } = definition(called, `${path}.function`, naming);
    return { name, blocks: [...blocks, ...cachePoint(isObject(tool) ? tool : {}, { draft: naming.draft, path })] };
  });
}

function definition(tool: Json, path: string, { draft, names }: Naming): NamedTool {
  const name = textOf(tool['name']);
  const sent = names.sent(name);
  if (sent !== name) draft.adapt(`${path}.name`, sent, 'names of tools are letters, digits, _ and -');
  const description = textOf(tool['description']);
  const json = inputSchema(tool['parameters'], { draft, path: `${path}.parameters` });
  const strict = tool['strict'] === true ? strictInput(json, draft) : undefined;
  if (tool['strict'] === true && strict === undefined)
    draft.drop(`${path}.strict`, 'not for this model or this schema');
  const toolSpec = {
    name: sent,
    ...(description.trim() !== '' && { description }),
    inputSchema: { json: strict ?? json },
    ...(strict && { strict: true }),
  };
  return { name, blocks: [{ toolSpec }] };
}

/** What the decoder can hold the model to, word for word; else the tool is a plain one. */
function strictInput(schema: JsonSchema, { facts }: ConverseDraft): JsonSchema | undefined {
  const strict = facts.strictTools ? strictSchema(schema) : undefined;
  return strict?.exact === true ? strict.schema : undefined;
}

/** Results of tools that the request no longer offers are refused unless the tools are there. */
function stubsFor(turns: readonly Turn[]): readonly Json[] {
  const used = new Set<string>();
  for (const { content } of turns)
    for (const { toolUse } of content) if (isObject(toolUse)) used.add(textOf(toolUse['name']));
  return [...used].map((name) => ({ toolSpec: { name, inputSchema: { json: { type: 'object' } } } }));
}

/** OpenAI's words for a choice, before it is known what the model takes. */
function chosen(wish: unknown): { readonly choice: Choice; readonly allowed?: ReadonlySet<string> } {
  const { allowed_tools: subset } = isObject(wish) ? wish : {};
  if (!isObject(subset)) return { choice: wishedChoice(wish) };
  const list = Array.isArray(subset['tools']) ? (subset['tools'] as readonly unknown[]) : [];
  const allowed = new Set(list.map(nameIn));
  return { choice: { kind: subset['mode'] === 'required' ? 'any' : 'auto' }, allowed };
}

function wishedChoice(wish: unknown): Choice {
  if (wish === null || wish === undefined || wish === 'auto') return { kind: 'auto' };
  if (wish === 'none') return { kind: 'none' };
  if (wish === 'required' || wish === 'any') return { kind: 'any' };
  const name = nameIn(wish);
  if (name === '') throw invalid('tool_choice', 'This `tool_choice` is not known.', 'invalid_value');
  return { kind: 'tool', name };
}

/** Some clients name the tool at once. */
function nameIn(choice: unknown): string {
  if (!isObject(choice)) return '';
  return textOf((isObject(choice['function']) ? choice['function'] : choice)['name']);
}

const specs = (tools: readonly NamedTool[]): readonly Json[] => tools.flatMap(({ blocks }) => blocks);

/** A client that forces a tool waits for its call: a model that cannot be forced must not be asked. */
function permitted(draft: ConverseDraft, choice: Choice, tools: readonly NamedTool[]): Omit<ToolUse, 'single'> {
  if (!isForced(choice)) return { choice, tools: specs(tools) };
  const { facts, claude } = draft;
  const refused = () => unsupported('tool_choice', 'a tool to be forced', 'unsupported_value');
  if (claude?.forcedTools === false) throw refused();
  if (choice.kind !== 'tool') {
    if (!facts.toolChoice.includes('any')) throw refused();
    return { choice, tools: specs(tools) };
  }
  const named = tools.filter(({ name }) => name === choice.name);
  if (named.length === 0)
    throw invalid('tool_choice', `The tool \`${choice.name.slice(0, 100)}\` is not among \`tools\`.`);
  if (facts.toolChoice.includes('tool')) return { choice, tools: specs(tools) };
  if (!facts.toolChoice.includes('any')) throw refused();
  // The only tool there is, when one must be called, is the one that is called.
  draft.adapt('tool_choice', 'required, of this tool alone', 'the model cannot be told which of several');
  return { choice: { kind: 'any' }, tools: specs(named) };
}
