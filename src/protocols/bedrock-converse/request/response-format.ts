import type { JsonSchema } from '../../../domain/chat.js';
import { strictSchema } from '../../claude/strict-schema.js';
import { isObject, type Json } from '../../json.js';
import type { Asked } from '../../protocol.js';
import { textOf } from '../answer-reading.js';
import { unsupported, type ConverseDraft } from './draft.js';
import { inputSchema } from './input-schema.js';
import { isForced, type ToolUse } from './tools.js';

/** How JSON is asked for, and what the reader of the answer must know of it. */
export interface FormatUse {
  readonly asked: Asked;
  readonly tools: ToolUse;
  readonly outputConfig?: Json;
  /** What is said to the model in so many words. */
  readonly words?: string;
}

/** `response_format`: the provider's own way, a forced tool, or words, in this order (Bedrock reference §2.5). */
export function translateFormat(draft: ConverseDraft, tools: ToolUse, mayForce: boolean): FormatUse {
  const format = draft.request.response_format;
  if (format === null || format === undefined || format.type === 'text') return { asked: {}, tools };
  if (format.type !== 'json_object' && format.type !== 'json_schema')
    throw unsupported('response_format.type', 'this response format', 'unsupported_value');
  const given: Json = format.type === 'json_schema' && isObject(format.json_schema) ? format.json_schema : {};
  const schema = isObject(given['schema']) ? given['schema'] : undefined;
  const own = schema && ownFormat(draft, given, schema);
  return own === undefined ? emulated(draft, tools, { schema, mayForce }) : { ...own, tools };
}

interface Wanted {
  readonly schema: JsonSchema | undefined;
  readonly mayForce: boolean;
}

function emulated(draft: ConverseDraft, tools: ToolUse, { schema, mayForce }: Wanted): FormatUse {
  if (isForced(tools.choice)) {
    draft.drop('response_format', 'the answer is the call of a tool');
    return { asked: {}, tools };
  }
  const byItself = mayForce && tools.tools.length === 0;
  return schema !== undefined && byItself && canBeTool(draft, schema)
    ? byTool(draft, schema)
    : inWords(draft, tools, schema);
}

function ownFormat(draft: ConverseDraft, given: Json, schema: JsonSchema): Omit<FormatUse, 'tools'> | undefined {
  const strict = draft.facts.structuredOutput ? strictSchema(schema) : undefined;
  if (strict === undefined) return undefined;
  const [name, description] = [textOf(given['name']), textOf(given['description'])];
  const jsonSchema = {
    schema: JSON.stringify(strict.schema),
    ...(name !== '' && { name }),
    ...(description.trim() !== '' && { description }),
  };
  return {
    // What the decoder does not check of the schema, the gateway does.
    asked: strict.exact ? {} : { json: { schema } },
    outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema } } },
  };
}

const canBeTool = ({ facts, claude }: ConverseDraft, schema: JsonSchema): boolean =>
  facts.tools && facts.toolChoice.length > 0 && claude?.forcedTools !== false && schema['type'] === 'object';

const JSON_TOOL = 'json';
const TOOL_WORDS = 'Gives the answer. Its input is all that is answered; nothing is said beside it.';

/** A tool that the model must call, and whose input is the answer. */
function byTool(draft: ConverseDraft, schema: JsonSchema): FormatUse {
  draft.adapt('response_format', 'a tool', 'the model has no JSON mode for this schema');
  const json = inputSchema(schema, { draft, path: 'response_format.json_schema.schema' });
  const toolSpec = { name: JSON_TOOL, description: TOOL_WORDS, inputSchema: { json } };
  const named = draft.facts.toolChoice.includes('tool');
  return {
    asked: { jsonTool: JSON_TOOL, json: { schema } },
    tools: {
      tools: [{ toolSpec }],
      choice: named ? { kind: 'tool', name: JSON_TOOL } : { kind: 'any' },
      single: draft.isClaude,
    },
  };
}

const OBJECT_WORDS = 'Answer with one JSON object and nothing else: no other text, no code fence.';
const SCHEMA_WORDS =
  'Answer with one JSON value and nothing else: no other text, no code fence. It must be valid against this JSON schema:';

function inWords(draft: ConverseDraft, tools: ToolUse, schema: JsonSchema | undefined): FormatUse {
  draft.adapt('response_format', 'an instruction', 'the model has no JSON mode for this');
  const words = schema === undefined ? OBJECT_WORDS : `${SCHEMA_WORDS}\n${JSON.stringify(schema)}`;
  return { asked: { json: schema === undefined ? {} : { schema } }, tools, words };
}
