import type { ChatTool, JsonSchema } from '../../../domain/chat.js';
import { InvalidRequestError } from '../../../domain/errors.js';
import { isObject, type Json } from '../../json.js';
import type { FunctionTool, Tool, ToolChoice } from '../wire.js';
import { cacheControlOf, marked } from './cache.js';
import { strictSchema } from '../../claude/strict-schema.js';
import { unsupportedValue } from '../../claude/claude-request.js';
import type { Translation } from './translation.js';

/** The tools of a request and how they are to be used. */
export interface ToolUse {
  readonly tools: readonly Tool[];
  readonly choice: Choice;
  /** The field in which the client says so. */
  readonly param: string;
  /** The client said `functions`, and is answered so. */
  readonly legacy: boolean;
  /** More than one call at a time is not wanted. */
  readonly single: boolean;
}

export type Choice =
  | { readonly kind: 'open' }
  | { readonly kind: 'none' | 'auto' | 'any' }
  | { readonly kind: 'tool'; readonly name: string };

export const isForced = ({ kind }: Choice): boolean => kind === 'any' || kind === 'tool';

/** Tools and choice of a request (Anthropic reference §2.1). `called`: tools the history has calls of. */
export function toolUseOf(translation: Translation, called: readonly string[]): ToolUse {
  const given = toolsOf(translation);
  const legacy = translation.get('functions') !== undefined && translation.get('tools') === undefined;
  const saysCall = translation.get('tool_choice') === undefined && translation.get('function_call') !== undefined;
  const param = saysCall ? 'function_call' : 'tool_choice';
  const wanted = translation.get(param);
  const single = translation.get('parallel_tool_calls') === false;
  if (given.length === 0) {
    if (wanted !== undefined && wanted !== 'none' && wanted !== 'auto')
      throw new InvalidRequestError(`'${param}' is only allowed when 'tools' are specified.`, { param });
    // Calls of tools that are not there are refused upstream.
    const stubs = called.map((name): Tool => ({ name, input_schema: NO_ARGUMENTS }));
    return { tools: stubs, choice: { kind: stubs.length > 0 ? 'none' : 'open' }, param, legacy, single: false };
  }
  const { tools, choice } = chosen(given, wanted, param);
  if (isForced(choice) && !translation.claude.forcedTools)
    throw unsupportedValue(param, `The model that serves this request cannot be made to call a tool.`);
  return { tools, choice, param, legacy, single };
}

/** The choice as it is sent; nothing where it is the provider's default. */
export function wireChoice({ tools, choice, single }: ToolUse): ToolChoice | undefined {
  if (tools.length === 0) return undefined;
  const alone = single ? { disable_parallel_tool_use: true as const } : {};
  switch (choice.kind) {
    case 'open':
      return single ? { type: 'auto', ...alone } : undefined;
    case 'none':
      return { type: 'none' };
    case 'auto':
    case 'any':
      return { type: choice.kind, ...alone };
    case 'tool':
      return { type: 'tool', name: choice.name, ...alone };
  }
}

const NO_ARGUMENTS: JsonSchema = { type: 'object', properties: {} };

function toolsOf(translation: Translation): readonly Tool[] {
  const tools = translation.request.tools ?? [];
  const functions = translation.get('functions');
  return [
    ...tools.map((tool, index) => toolOf(tool, `tools[${index}]`, translation)),
    ...(Array.isArray(functions) ? functions.filter(isObject) : []).map((fn, index) =>
      functionTool(fn, {}, { path: `functions[${index}]`, translation }),
    ),
  ];
}

function toolOf(tool: ChatTool, path: string, translation: Translation): Tool {
  if (isObject(tool.function)) return functionTool(tool.function, tool, { path: `${path}.function`, translation });
  // Anthropic's own tools are named with a date.
  if (/_\d{8}$/.test(tool.type) && typeof tool['name'] === 'string') return tool;
  throw unsupportedValue(`${path}.type`, 'The model that serves this request takes tools of type function only.');
}

interface Place {
  readonly path: string;
  readonly translation: Translation;
}

function functionTool(fn: Json, tool: Json, place: Place): FunctionTool {
  const { name, description, parameters, strict } = fn;
  const schema = inputSchema(parameters);
  const strictly = strict === true ? strictInput(schema, place) : undefined;
  const eager = tool['eager_input_streaming'] === true ? { eager_input_streaming: true } : {};
  return marked<FunctionTool>(
    {
      name: typeof name === 'string' ? name : '',
      ...(typeof description === 'string' && description.trim() !== '' && { description }),
      input_schema: strictly ?? schema,
      ...(strictly && { strict: true as const }),
      ...eager,
    },
    cacheControlOf(tool) ?? cacheControlOf(fn),
  );
}

/** The schema must be an object's, and say so; it may not name itself. */
export function inputSchema(parameters: unknown): JsonSchema {
  if (!isObject(parameters)) return NO_ARGUMENTS;
  const { $schema: _schema, $id: _id, ...rest } = parameters;
  if (Object.keys(rest).length === 0) return NO_ARGUMENTS;
  return { ...rest, type: 'object' };
}

/** A schema the provider's own decoder can hold the model to, word for word; else the tool is a plain one. */
function strictInput(schema: JsonSchema, { path, translation }: Place): JsonSchema | undefined {
  const offered = translation.claude.structuredOutput && translation.host === 'anthropic';
  const strict = offered ? strictSchema(schema) : undefined;
  if (strict?.exact === true) return strict.schema;
  translation.drop(`${path}.strict`, 'the model cannot be held to this schema');
  return undefined;
}

function chosen(tools: readonly Tool[], wanted: unknown, param: string): Pick<ToolUse, 'tools' | 'choice'> {
  if (wanted === undefined) return { tools, choice: { kind: 'open' } };
  if (wanted === 'none' || wanted === 'auto') return { tools, choice: { kind: wanted } };
  if (wanted === 'required' || wanted === 'any') return { tools, choice: { kind: 'any' } };
  if (!isObject(wanted)) throw unsupportedValue(param, `This choice of tools is not known.`);
  if (wanted['type'] === 'allowed_tools') return allowed(tools, wanted['allowed_tools'], param);
  const named = [wanted['function'], wanted['custom'], wanted].find(isObject)?.['name'];
  if (typeof named !== 'string') throw unsupportedValue(param, `This choice of tools is not known.`);
  return { tools, choice: { kind: 'tool', name: named } };
}

/** Only these tools are sent. */
function allowed(tools: readonly Tool[], subset: unknown, param: string): Pick<ToolUse, 'tools' | 'choice'> {
  const { mode, tools: listed } = isObject(subset) ? subset : { mode: undefined, tools: undefined };
  const entries = Array.isArray(listed) ? listed.filter(isObject) : [];
  const names = new Set(entries.map((entry) => [entry['function'], entry].find(isObject)?.['name']));
  const left = tools.filter(({ name }) => names.has(name));
  if (left.length === 0) throw unsupportedValue(`${param}.allowed_tools`, 'None of these tools is among `tools`.');
  return { tools: left, choice: { kind: mode === 'required' ? 'any' : 'auto' } };
}
