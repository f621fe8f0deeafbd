import type { JsonSchema } from '../../../domain/chat.js';
import { isObject } from '../../json.js';
import type { Asked } from '../../protocol.js';
import type { TextBlock, Tool } from '../wire.js';
import { strictSchema } from '../../claude/strict-schema.js';
import { inputSchema, isForced, type ToolUse } from './tools.js';
import { unsupportedValue } from '../../claude/claude-request.js';
import type { Translation } from './translation.js';

/** How JSON is asked for, and what the reader of the answer must know of it. */
export interface FormatUse {
  readonly asked: Asked;
  readonly toolUse: ToolUse;
  /** `output_config.format`. */
  readonly format?: { readonly type: 'json_schema'; readonly schema: JsonSchema };
  /** What is said in the system prompt. */
  readonly words: readonly TextBlock[];
}

export interface Circumstances {
  readonly toolUse: ToolUse;
  /** Thinking that allows no tool to be forced. */
  readonly noForcing: boolean;
  readonly prefilled: boolean;
}

/** `response_format`: the provider's own way, a forced tool, or words, in this order (Anthropic reference §2.6). */
export function formatUseOf(translation: Translation, around: Circumstances): FormatUse {
  const { toolUse } = around;
  const format = translation.get('response_format');
  const type = isObject(format) ? format['type'] : undefined;
  if (type === undefined || type === 'text') return { asked: {}, toolUse, words: [] };
  if (type !== 'json_object' && type !== 'json_schema')
    throw unsupportedValue('response_format.type', 'This response format is not known.');
  const schema = type === 'json_schema' ? schemaIn(format) : undefined;
  const own = schema && native(translation, around, schema);
  if (own !== undefined) return own;
  if (isForced(toolUse.choice)) {
    translation.drop('response_format', 'the answer is the call of a tool');
    return { asked: {}, toolUse, words: [] };
  }
  return (schema && byTool(translation, around, schema)) ?? inWords(translation, toolUse, schema);
}

function schemaIn(format: unknown): JsonSchema | undefined {
  const wrapped = isObject(format) ? format['json_schema'] : undefined;
  if (!isObject(wrapped) || !isObject(wrapped['schema'])) return undefined;
  const { schema, description } = wrapped;
  // The API has no place for it beside the schema.
  return typeof description === 'string' && description !== '' ? { description, ...schema } : schema;
}

function native(translation: Translation, around: Circumstances, given: JsonSchema): FormatUse | undefined {
  const offered = translation.claude.structuredOutput && translation.host === 'anthropic' && !around.prefilled;
  const strict = offered ? strictSchema(given) : undefined;
  if (strict === undefined) return undefined;
  return {
    // What the decoder does not check of the schema, the gateway does.
    asked: strict.exact ? {} : { json: { schema: given } },
    toolUse: around.toolUse,
    format: { type: 'json_schema', schema: strict.schema },
    words: [],
  };
}

/** A tool whose input is the answer. */
function byTool(translation: Translation, around: Circumstances, given: JsonSchema): FormatUse | undefined {
  const { toolUse, noForcing, prefilled } = around;
  if (!translation.claude.forcedTools || noForcing || prefilled || given['type'] !== 'object') return undefined;
  const name = freeName(toolUse.tools);
  const description = 'Gives the answer. The input is the whole answer to the user, and nothing is said beside it.';
  const tool: Tool = { name, description, input_schema: inputSchema(given) };
  const alone = toolUse.tools.length === 0 || toolUse.choice.kind === 'none';
  translation.adapt('response_format', 'a tool', 'the model has no JSON mode for this schema');
  return {
    asked: { jsonTool: name, json: { schema: given } },
    toolUse: {
      ...toolUse,
      tools: [...toolUse.tools, tool],
      choice: alone ? { kind: 'tool', name } : { kind: 'any' },
      single: true,
    },
    words: [],
  };
}

function freeName(tools: readonly Tool[]): string {
  const taken = new Set(tools.map(({ name }) => name));
  for (let n = 1; ; n += 1) {
    const name = n === 1 ? 'json' : `json_${n}`;
    if (!taken.has(name)) return name;
  }
}

function inWords(translation: Translation, toolUse: ToolUse, schema: JsonSchema | undefined): FormatUse {
  translation.adapt('response_format', 'an instruction', 'the model has no JSON mode for this');
  const words =
    schema === undefined
      ? 'Answer with one JSON object and nothing else: no other text, no code fence.'
      : `Answer with one JSON value and nothing else: no other text, no code fence. It must be valid against this JSON schema:\n${JSON.stringify(schema)}`;
  return {
    asked: { json: schema === undefined ? {} : { schema } },
    toolUse,
    words: [{ type: 'text', text: words }],
  };
}
