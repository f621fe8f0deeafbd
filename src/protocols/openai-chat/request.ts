import type { ChatRequest } from '../../domain/chat.js';
import { InvalidRequestError } from '../../domain/errors.js';
import { editedJson, rawMember } from '../../domain/json-source.js';
import { PLAINLY_ASKED, type Asked, type TargetModel, type WireRequest } from '../protocol.js';
import { DOCUMENTED_FIELDS } from './documented-fields.js';
import { RequestDraft } from './request-draft.js';
import { adaptMessages } from './request-messages.js';
import { isObject } from '../json.js';
import { rulesFor, type MeaningfulField, type Quirks, type RequestQuirks } from './quirks.js';

/**
 * The request a provider of the OpenAI family gets: the client's own, with as few members touched as its quirks ask for.
 * Throws InvalidRequestError for what the provider lacks and whose loss would change the answer's meaning.
 */
export function chatRequest(
  quirks: Quirks,
  request: ChatRequest,
  target: Pick<TargetModel, 'model' | 'baseModel'>,
): WireRequest {
  const rules = rulesFor(quirks, target.baseModel);
  const draft = new RequestDraft(request);
  draft.set('model', target.model);
  leaveOutNulls(draft);
  refuseLacking(draft, rules);
  leaveOutEmpty(draft);
  adaptStream(draft, rules);
  adaptLimit(draft, rules);
  adaptTools(draft, rules);
  adaptEffort(draft, rules);
  adaptTemperature(draft, rules);
  adaptMessages(draft, rules);
  const asked = adaptSchema(draft, rules);
  dropRefused(draft, rules);
  rename(draft, rules);
  return {
    path: '/chat/completions',
    headers: {},
    body: editedJson(request, draft.edits),
    changes: draft.changes,
    asked: withChoices(asked, draft.get('n')),
  };
}

const withChoices = (asked: Asked, n: unknown): Asked =>
  typeof n === 'number' && n > 1 ? { ...asked, choices: n } : asked;

/** Null is absence; to some providers it is an error. Fields that OpenAI does not know may mean something by it. */
function leaveOutNulls(draft: RequestDraft): void {
  const { request } = draft;
  for (const field in request) if (request[field] === null && DOCUMENTED_FIELDS.has(field)) draft.remove(field);
}

const ASKED: Readonly<Record<MeaningfulField, (value: unknown) => boolean>> = {
  n: (value) => typeof value === 'number' && value > 1,
  logprobs: (value) => value === true,
  tools: (value) => Array.isArray(value) && value.length > 0,
};

function refuseLacking(draft: RequestDraft, { lacks = [] }: RequestQuirks): void {
  for (const field of lacks) {
    if (ASKED[field](draft.get(field))) throw unsupported(field);
    if (draft.has(field)) draft.remove(field); // the default, said aloud
  }
}

const unsupported = (param: string): InvalidRequestError =>
  new InvalidRequestError(`The model that serves this request does not support \`${param}\` as given.`, {
    code: 'unsupported_parameter',
    param,
  });

/** Empty lists mean absence, and so does a tool choice without tools, unless it demands one; OpenAI refuses them all. */
function leaveOutEmpty(draft: RequestDraft): void {
  for (const field of ['tools', 'functions', 'stop']) {
    const value = draft.get(field);
    if (Array.isArray(value) && value.length === 0) draft.remove(field);
  }
  if (draft.has('tools')) return;
  if (isForced(draft.get('tool_choice')))
    throw new InvalidRequestError("'tool_choice' is only allowed when 'tools' are specified.", {
      param: 'tool_choice',
    });
  if (draft.has('tool_choice')) draft.remove('tool_choice');
  if (!draft.has('parallel_tool_calls')) return;
  draft.drop('parallel_tool_calls');
  draft.remove('parallel_tool_calls');
}

/** A choice that leaves it to the model whether to call a tool is none of these. `any` is Mistral's `required`. */
const isForced = (choice: unknown): boolean =>
  choice === 'required' || choice === 'any' || (typeof choice === 'object' && choice !== null);

/** Usage is always asked for: a stream that ends without it goes unbilled. */
function adaptStream(draft: RequestDraft, { noStreamOptions = false }: RequestQuirks): void {
  const { stream, stream_options: options } = draft.request;
  if (stream !== true || noStreamOptions) {
    if (draft.has('stream_options')) draft.remove('stream_options');
    return;
  }
  if (options?.include_usage !== true) draft.set('stream_options', { ...options, include_usage: true });
}

function adaptLimit(draft: RequestDraft, { limit }: RequestQuirks): void {
  const { max_tokens: old, max_completion_tokens: current } = draft.request;
  if (old != null && current != null) {
    draft.remove('max_tokens'); // both are refused; the newer name counts
    if (old !== current) draft.drop('max_tokens');
  }
  if (limit === undefined) return;
  const other = limit === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens';
  const value = draft.get(other);
  if (value == null) return;
  draft.set(limit, value);
  draft.remove(other);
  draft.adapt(other);
}

function adaptTools(draft: RequestDraft, { toolChoice }: RequestQuirks): void {
  const choice = draft.get('tool_choice');
  if (toolChoice === undefined || !isForced(choice)) return;
  const becomes = typeof choice === 'object' ? toolChoice.named : toolChoice.required;
  if (becomes === 'auto') throw unsupported('tool_choice'); // a client that forces a tool waits for its call
  if (becomes === 'any') draft.set('tool_choice', becomes); // the same under another name, so not reported
}

function adaptEffort(draft: RequestDraft, { effort, toolsWithoutReasoning = false }: RequestQuirks): void {
  if (toolsWithoutReasoning && hasFunctions(draft.get('tools')) && draft.get('reasoning_effort') !== 'none') {
    draft.set('reasoning_effort', 'none');
    draft.adapt('reasoning_effort');
    return;
  }
  const asked = draft.request.reasoning_effort;
  const fields =
    typeof asked === 'string' && effort !== undefined && Object.hasOwn(effort, asked) ? effort[asked] : undefined;
  if (fields === undefined) return;
  draft.remove('reasoning_effort');
  for (const [field, value] of Object.entries(fields))
    if (draft.request[field] == null || field === 'reasoning_effort') draft.set(field, value);
  draft.adapt('reasoning_effort');
}

const hasFunctions = (tools: unknown): boolean =>
  Array.isArray(tools) && tools.some((tool: unknown) => isObject(tool) && tool['type'] === 'function');

function adaptTemperature(draft: RequestDraft, { temperature }: RequestQuirks): void {
  const asked = draft.request.temperature;
  if (temperature === undefined || typeof asked !== 'number') return;
  const { min = asked, max = asked } = temperature;
  const moved = Math.min(Math.max(asked, min), max);
  if (moved === asked) return;
  draft.set('temperature', moved);
  draft.adapt('temperature');
}

const SCHEMA_INTRODUCTION = 'Answer with one JSON object and nothing else. It must be valid against this JSON schema:';

/** A schema that the provider knows nothing of is asked for in words, and the answer held to it here. */
function adaptSchema(draft: RequestDraft, { schemaInWords = false }: RequestQuirks): Asked {
  const format = draft.request.response_format;
  if (!schemaInWords || format?.type !== 'json_schema') return PLAINLY_ASKED;
  const schema = format.json_schema?.schema ?? {};
  const words = `${SCHEMA_INTRODUCTION}\n${JSON.stringify(schema)}`;
  draft.set('response_format', { type: 'json_object' });
  draft.set('messages', [{ role: 'system', content: words }, ...draft.messages]);
  draft.adapt('response_format');
  return { json: { schema } };
}

function dropRefused(draft: RequestDraft, { refuses = [], refusesWhileReasoning = [] }: RequestQuirks): void {
  const reasons = draft.has('reasoning_effort') && draft.get('reasoning_effort') !== 'none';
  for (const field of reasons ? [...refuses, ...refusesWhileReasoning] : refuses) {
    if (field.includes('[')) continue; // reached into by adaptMessages
    if (draft.get(field) == null) continue;
    draft.remove(field);
    draft.drop(field);
  }
}

function rename(draft: RequestDraft, { renames = {} }: RequestQuirks): void {
  for (const [from, to] of Object.entries(renames)) {
    const value = draft.get(from);
    if (value == null) continue;
    draft.remove(from);
    if (draft.get(to) == null)
      draft.set(to, draft.request[from] === value ? (rawMember(draft.request, from) ?? value) : value);
  }
}
