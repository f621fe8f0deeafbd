import type { ChatTool } from '../../../domain/chat.js';
import { isObject, type Json } from '../../json.js';
import { objectOf, objectsOf, textOf } from '../wire.js';
import { CACHE_MARKS, CACHES_BY_ITSELF } from './parts.js';
import { invalidValue, unsupportedValue, type Scope } from './scope.js';

/** A function as Gemini is told of it. */
export interface Declaration {
  readonly name: string;
  readonly description?: string;
  readonly parametersJsonSchema?: Json;
}

/** Which functions the model may or must call (Gemini reference §2.4). */
export interface Calling {
  readonly mode: 'AUTO' | 'VALIDATED' | 'ANY' | 'NONE';
  readonly allowedFunctionNames?: readonly string[];
}

export interface Tools {
  readonly functions: readonly Declaration[];
  /** Undefined: the model decides. */
  readonly calling: Calling | undefined;
  /** Google's own tools. */
  readonly builtIn: readonly Json[];
}

/** The client's names of its functions, in either form of the API. */
export const declaredNames = (request: Scope['request']): readonly string[] =>
  [...objectsOf(request.tools).map(({ function: fn }) => fn), ...objectsOf(request['functions'])].flatMap(
    (fn) => textOf(objectOf(fn)['name']) ?? [],
  );

export function toolsOf(scope: Scope): Tools {
  const given = objectsOf(scope.request.tools) as unknown as readonly ChatTool[];
  const functions = [...given.flatMap((tool, index) => functionIn(tool, index, scope)), ...legacyFunctions(scope)];
  const builtIn = [
    ...given.map(builtInTool).filter((tool) => tool !== undefined),
    ...webSearch(scope, functions.length > 0),
  ];
  reportParallel(scope, functions.length > 0);
  return { functions, calling: callingOf(scope, functions), builtIn };
}

function functionIn(tool: ChatTool, index: number, scope: Scope): readonly Declaration[] {
  const path = `tools[${index}]`;
  for (const mark of CACHE_MARKS) if (tool[mark] != null) scope.report.drop(`${path}.${mark}`, CACHES_BY_ITSELF);
  if (isObject(tool.function)) return [declarationOf(tool.function, `${path}.function`, scope)];
  if (builtInTool(tool) !== undefined) return [];
  throw unsupportedValue(`${path}.type`, `Gemini has no tools of the type '${String(tool.type).slice(0, 100)}'.`);
}

/** The old form of tools. */
const legacyFunctions = (scope: Scope): readonly Declaration[] =>
  objectsOf(scope.request['functions']).map((fn, index) => declarationOf(fn, `functions[${index}]`, scope));

/** Nothing but the old form was used, so the answer is to have it too. */
export const usesLegacyFunctions = ({ functions, tools }: Scope['request']): boolean =>
  objectsOf(functions).length > 0 && objectsOf(tools).length === 0;

function declarationOf(fn: Json, path: string, scope: Scope): Declaration {
  const own = String(fn['name']);
  const name = scope.names.sent(own);
  if (name !== own) scope.report.adapt(`${path}.name`, name, 'Gemini does not take such a name.');
  const description = textOf(fn['description']);
  const schema = parametersOf(fn['parameters']);
  return {
    name,
    ...(description !== undefined && { description }),
    ...(schema !== undefined && { parametersJsonSchema: schema }),
  };
}

/** A function without parameters has no schema: one of an object without properties is refused. */
function parametersOf(parameters: unknown): Json | undefined {
  if (!isObject(parameters)) return undefined;
  const { $schema: _dialect, ...schema } = parameters;
  const { type = 'object', properties, ...others } = schema;
  const isEmpty = type === 'object' && (!isObject(properties) || Object.keys(properties).length === 0);
  const meaningful = Object.keys(others).filter(
    (key) => !SAYS_LITTLE.has(key) && (key !== 'additionalProperties' || others[key] !== false),
  );
  if (isEmpty && meaningful.length === 0) return undefined;
  return 'type' in schema || meaningful.some((key) => /^(\$ref|anyOf|oneOf|allOf)$/.test(key))
    ? schema
    : { type, ...schema };
}

/** What may stand in the schema of a function without parameters. */
const SAYS_LITTLE: ReadonlySet<string> = new Set(['required', 'title', 'description', '$defs', 'definitions', '$id']);

const BUILT_IN: Readonly<Record<string, string>> = {
  google_search: 'googleSearch',
  url_context: 'urlContext',
  code_execution: 'codeExecution',
};

/** `{type: "code_execution"}`, or Google's own `{codeExecution: {}}`. */
function builtInTool(tool: ChatTool): Json | undefined {
  if (isObject(tool.function)) return undefined;
  for (const [type, name] of Object.entries(BUILT_IN)) {
    const options = tool[name] ?? tool[type];
    if (tool.type === type || tool.type === name || isObject(options)) return { [name]: objectOf(options) };
  }
  return undefined;
}

function webSearch({ request, report, facts, host }: Scope, hasFunctions: boolean): readonly Json[] {
  const options = request['web_search_options'];
  if (options == null) return [];
  if (hasFunctions && (!facts.signedCalls || host === 'vertex')) {
    report.drop('web_search_options', 'This model does not search beside functions.');
    return [];
  }
  for (const [name, value] of Object.entries(objectOf(options)))
    if (value != null) report.drop(`web_search_options.${name}`, 'Google decides where and how much it searches.');
  return [{ googleSearch: {} }];
}

function reportParallel({ request, report }: Scope, hasFunctions: boolean): void {
  if (request.parallel_tool_calls === false && hasFunctions)
    report.drop('parallel_tool_calls', 'Gemini cannot be told to make one call at a time.');
}

function callingOf(scope: Scope, functions: readonly Declaration[]): Calling | undefined {
  const { request } = scope;
  const choice: unknown = request.tool_choice ?? legacyChoice(request['function_call']);
  if (functions.length === 0) {
    if (isForced(choice) || isObject(choice))
      throw invalidValue('tool_choice', "'tool_choice' is only allowed when 'tools' are specified.");
    return undefined;
  }
  const free = holdsStrictly(request) ? 'VALIDATED' : 'AUTO';
  if (choice === 'none') return { mode: 'NONE' };
  if (isForced(choice)) return { mode: 'ANY' };
  if (isObject(choice)) return chosen(choice, free, scope);
  if (choice != null && choice !== 'auto') throw invalidValue('tool_choice', 'This choice of tools is not known.');
  return free === 'VALIDATED' || choice === 'auto' ? { mode: free } : undefined;
}

const isForced = (choice: unknown): boolean => choice === 'required' || choice === 'any';

const holdsStrictly = ({ tools }: Scope['request']): boolean =>
  objectsOf(tools).some((tool) => objectOf(tool['function'])['strict'] === true);

const legacyChoice = (choice: unknown): unknown => (isObject(choice) ? { type: 'function', function: choice } : choice);

function chosen(choice: Json, free: 'AUTO' | 'VALIDATED', scope: Scope): Calling {
  const sent = (fn: unknown) => scope.names.sent(String(objectOf(fn)['name']));
  if (choice['type'] === 'function') return { mode: 'ANY', allowedFunctionNames: [sent(choice['function'])] };
  if (choice['type'] !== 'allowed_tools')
    throw unsupportedValue(
      'tool_choice',
      `Gemini cannot be held to a tool of the type '${String(choice['type']).slice(0, 100)}'.`,
    );
  const { mode, tools } = objectOf(choice['allowed_tools']);
  const names = objectsOf(tools).map(({ function: fn }) => sent(fn));
  if (names.length === 0) throw invalidValue('tool_choice.allowed_tools.tools', 'Expected at least one tool.');
  // AUTO takes no list of names, VALIDATED leaves the choice as free.
  if (mode !== 'required' && free === 'AUTO') scope.report.adapt('tool_choice', 'VALIDATED');
  return { mode: mode === 'required' ? 'ANY' : 'VALIDATED', allowedFunctionNames: names };
}
