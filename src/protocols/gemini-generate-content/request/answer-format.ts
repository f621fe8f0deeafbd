import { isObject, type Json } from '../../json.js';
import type { Asked, JsonDemand } from '../../protocol.js';
import { type Part } from '../wire.js';
import { answerSchema } from './schema.js';
import { invalidValue, unsupportedValue, type Scope } from './scope.js';
import type { Calling, Tools } from './tools.js';

/** How JSON is asked for: members of `generationConfig`, or what stands in for them beside functions. */
export interface AnswerFormat {
  readonly config: Json;
  readonly tools: Tools;
  /** What the model has to be told in words. */
  readonly instruction: readonly Part[];
  readonly asked: Asked;
}

/** `response_format` (Gemini reference §2.5). */
export function answerFormat(scope: Scope, tools: Tools): AnswerFormat {
  const plain = { config: {}, tools, instruction: [], asked: {} };
  const format = wantedFormat(scope);
  if (format === undefined) return plain;
  const { facts } = scope;
  const { functions, calling } = tools;
  if (!facts.schemaWithTools && functions.length === 0 && tools.builtIn.length > 0)
    return { ...plain, ...inWords(format, scope) };
  if (functions.length === 0) return { ...plain, ...direct(format, scope) };
  if (calling?.mode === 'ANY') {
    // The answer is a call and no text.
    scope.report.drop('response_format', 'The model is held to a call of a tool.');
    return plain;
  }
  if (!facts.schemaWithTools) return emulated(format, scope, tools);
  if (calling?.mode === 'VALIDATED' && calling.allowedFunctionNames === undefined) {
    scope.report.adapt('tools', 'AUTO', 'Gemini does not hold calls to their schemas beside a schema for the answer.');
    return { ...plain, ...direct(format, scope), tools: { ...tools, calling: { mode: 'AUTO' } } };
  }
  return { ...plain, ...direct(format, scope) };
}

interface WantedFormat {
  /** Absent: any JSON object. */
  readonly schema?: Json;
}

function wantedFormat({ request }: Scope): WantedFormat | undefined {
  const format = request.response_format;
  if (format == null || format.type === 'text') return undefined;
  if (format.type === 'json_object') return {};
  if (format.type !== 'json_schema')
    throw unsupportedValue('response_format.type', 'Gemini answers in text, or in JSON of a schema or of none.');
  const schema: unknown = format.json_schema?.schema;
  return isObject(schema) ? { schema } : {};
}

const JSON_TYPE = { responseMimeType: 'application/json' };

function direct({ schema }: WantedFormat, scope: Scope): Pick<AnswerFormat, 'config' | 'asked'> {
  if (schema === undefined) return { config: JSON_TYPE, asked: {} };
  const known = answerSchema(schema);
  if (known === undefined) throw invalidValue(SCHEMA_PATH, 'The schema is nested too deeply.');
  const config = { ...JSON_TYPE, responseJsonSchema: known.schema };
  if (!known.loose) return { config, asked: {} };
  scope.report.adapt(SCHEMA_PATH, undefined, 'Gemini does not know some of its words; the gateway checks them.');
  return { config, asked: { json: { schema } } };
}

const SCHEMA_PATH = 'response_format.json_schema.schema';

/**
 * Older models answer either with calls or with JSON. Where calls are possible, an answer with a schema is one more
 * function, and one of them must be called; without a schema the model is asked in words.
 */
function emulated({ schema }: WantedFormat, scope: Scope, tools: Tools): AnswerFormat {
  if (schema === undefined) return { config: {}, tools, ...inWords({}, scope) };
  const { type = 'object' } = schema;
  if (type !== 'object')
    throw unsupportedValue(SCHEMA_PATH, 'Beside functions, this model answers only with JSON objects.');
  scope.report.adapt('response_format', 'tool', 'This model has no JSON schema beside functions.');
  const name = scope.names.free('json');
  const declared = [...tools.functions, { name, description: AS_TOOL, parametersJsonSchema: { type, ...schema } }];
  return {
    config: {},
    tools: { ...tools, functions: declared, calling: heldTo(name, tools.calling) },
    instruction: [],
    asked: { jsonTool: name, json: { schema } },
  };
}

/** The gateway sees to it that the model did as it was told. */
function inWords({ schema }: WantedFormat, { report }: Scope): Pick<AnswerFormat, 'instruction' | 'asked'> {
  report.adapt('response_format', 'words', 'This model has no JSON mode beside tools.');
  const json: JsonDemand = schema === undefined ? {} : { schema };
  const words = schema === undefined ? IN_WORDS : `${IN_WORDS} Its JSON schema is: ${JSON.stringify(schema)}`;
  return { instruction: [{ text: words }], asked: { json } };
}

/** A call of one of the functions that may be called, or the answer. */
function heldTo(answer: string, calling: Calling | undefined): Calling {
  if (calling?.mode === 'NONE') return { mode: 'ANY', allowedFunctionNames: [answer] };
  const allowed = calling?.allowedFunctionNames;
  return { mode: 'ANY', ...(allowed !== undefined && { allowedFunctionNames: [...allowed, answer] }) };
}

const AS_TOOL = 'Gives the final answer to the user. Call it when no other function is needed.';
const IN_WORDS = 'When you answer without calling a function, answer with one JSON object and nothing else.';
