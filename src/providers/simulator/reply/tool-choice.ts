import type { ChatRequest } from '../../../domain/chat.js';
import { InvalidRequestError } from '../../../domain/errors.js';
import { isObject } from '../../../protocols/json.js';
import { calledTools, lastUserText, toolResults } from './conversation.js';

/** A tool of the request. `legacy`: it was given as one of `functions`. */
export interface Tool {
  readonly kind: 'function' | 'custom' | 'legacy';
  readonly name: string;
  /** Of a function: the schema of its arguments. */
  readonly parameters: unknown;
  /** Of a custom tool: the form of its input. */
  readonly format: unknown;
  /** Where in the request its schema stands. */
  readonly param: string;
}

/** Which tools the answer calls; with `must`, nothing else would do. */
export interface ToolChoice {
  readonly tools: readonly Tool[];
  readonly must: boolean;
}

interface Demand {
  readonly mode: 'none' | 'auto' | 'required';
  readonly among: readonly Tool[];
}

const NO_CALL: ToolChoice = { tools: [], must: false };

/**
 * The forced tool, or else the first that the user names, or else the first of all. After a tool's result the answer is
 * text, so that tool loops end; a call that is demanded goes to a tool not called yet since the user last spoke.
 */
export function chooseTools(request: ChatRequest): ToolChoice {
  const { mode, among } = demandOf(request);
  if (mode === 'none' || among.length === 0) return NO_CALL;
  const afterResult = toolResults(request).length > 0;
  if (mode === 'auto') return afterResult ? NO_CALL : { tools: fitting(request, among), must: false };
  const called = calledTools(request);
  const left = afterResult ? among.filter(({ name }) => !called.has(name)) : among;
  return left.length === 0 ? NO_CALL : { tools: fitting(request, left), must: true };
}

/** Several only where the user names several and parallel calls are not ruled out. */
function fitting(request: ChatRequest, tools: readonly Tool[]): readonly Tool[] {
  const text = lastUserText(request);
  const named = tools.filter(({ name }) => text.includes(name));
  const several = request.parallel_tool_calls !== false && named[0]?.kind !== 'legacy';
  return named.length > 0 && several ? named : [named[0] ?? tools[0]].filter((tool) => tool !== undefined);
}

function demandOf(request: ChatRequest): Demand {
  const tools = toolsOf(request.tools);
  if (tools.length > 0) return demanded(request.tool_choice, tools, 'tool_choice');
  return demanded(request['function_call'], functionsOf(request['functions']), 'function_call');
}

function demanded(choice: unknown, tools: readonly Tool[], param: string): Demand {
  if (choice === 'none' || tools.length === 0) return { mode: 'none', among: [] };
  if (choice === 'required') return { mode: 'required', among: tools };
  if (!isObject(choice)) return { mode: 'auto', among: tools };
  const allowed = choice['allowed_tools'];
  if (isObject(allowed)) {
    const listed = Array.isArray(allowed['tools']) ? (allowed['tools'] as readonly unknown[]) : [];
    return {
      mode: allowed['mode'] === 'required' ? 'required' : 'auto',
      among: listed.map((reference) => named(reference, tools, `${param}.allowed_tools.tools`)),
    };
  }
  return { mode: 'required', among: [named(choice, tools, param)] };
}

/** `{name}`, `{type, function: {name}}` or `{type, custom: {name}}`. */
function named(reference: unknown, tools: readonly Tool[], param: string): Tool {
  const outer = isObject(reference) ? reference : {};
  const inner = [outer['function'], outer['custom'], outer].find(isObject);
  const name = inner?.['name'];
  const tool = tools.find((candidate) => candidate.name === name);
  if (tool !== undefined) return tool;
  throw new InvalidRequestError(`\`${param}\` names a tool that is not among those of the request.`, {
    param,
    code: 'invalid_value',
  });
}

function toolsOf(tools: unknown): readonly Tool[] {
  return itemsOf(tools).flatMap(([tool, index]) => {
    const path = `tools[${String(index)}]`;
    if (isObject(tool['custom'])) return toolOf('custom', tool['custom'], `${path}.custom.format`);
    return isObject(tool['function']) ? toolOf('function', tool['function'], `${path}.function.parameters`) : [];
  });
}

function functionsOf(functions: unknown): readonly Tool[] {
  return itemsOf(functions).flatMap(([tool, index]) =>
    toolOf('legacy', tool, `functions[${String(index)}].parameters`),
  );
}

function toolOf(kind: Tool['kind'], definition: Readonly<Record<string, unknown>>, param: string): readonly Tool[] {
  const { name, parameters, format } = definition;
  return typeof name === 'string' ? [{ kind, name, parameters, format, param }] : [];
}

function itemsOf(list: unknown): readonly (readonly [Readonly<Record<string, unknown>>, number])[] {
  if (!Array.isArray(list)) return [];
  return (list as readonly unknown[]).flatMap((item, index) => (isObject(item) ? [[item, index] as const] : []));
}
