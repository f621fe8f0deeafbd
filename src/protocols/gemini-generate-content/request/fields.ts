import { isObject, type Json } from '../../json.js';
import { objectOf, textOf } from '../wire.js';
import type { Scope } from './scope.js';

/** Fields that are read somewhere, or that mean nothing to a model. */
const READ: ReadonlySet<string> = new Set([
  ...['model', 'messages', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'temperature', 'top_p'],
  ...['top_k', 'n', 'seed', 'stop', 'presence_penalty', 'frequency_penalty', 'logprobs', 'top_logprobs', 'modalities'],
  ...['audio', 'tools', 'tool_choice', 'functions', 'function_call', 'parallel_tool_calls', 'response_format'],
  ...['reasoning_effort', 'reasoning', 'include_reasoning', 'thinking', 'web_search_options', 'google'],
  ...['safety_settings', 'safetySettings', 'cached_content', 'cachedContent', 'service_tier', 'metadata'],
]);

/** Defaults said aloud. */
const DEFAULTS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['store', false],
  ['verbosity', 'medium'],
]);

/** What is left of the request, and Gemini has no word for. */
export function reportUnread({ request, report }: Scope): void {
  for (const field in request) {
    const value = request[field];
    if (READ.has(field) || value == null || DEFAULTS.get(field) === value) continue;
    if (field === 'logit_bias' && isObject(value) && Object.keys(value).length === 0) continue;
    if (field === 'extra_body' && isObject(value)) {
      for (const key in value) if (key !== 'google') report.drop(`${field}.${key}`, UNKNOWN);
      continue;
    }
    report.drop(field, UNKNOWN);
  }
  for (const field in googleFields(request)) if (!GOOGLE.has(field)) report.drop(`extra_body.google.${field}`, UNKNOWN);
}

const UNKNOWN = 'Gemini has no such parameter.';

/** What Google's own compatibility layer takes beside OpenAI's fields. */
const GOOGLE: ReadonlySet<string> = new Set(['thinking_config', 'thinkingConfig', 'cached_content']);

export const googleFields = (request: Scope['request']): Json =>
  objectOf(objectOf(request['extra_body'])['google'] ?? request['google']);

/** Members of the body beside the conversation, its tools and `generationConfig`. */
export function accountFields(scope: Scope): Json {
  const { request } = scope;
  const safety = request['safety_settings'] ?? request['safetySettings'];
  const labels = labelsOf(scope);
  const tier = scope.host === 'gemini' ? tierOf(scope) : undefined;
  return {
    ...(Array.isArray(safety) && { safetySettings: safety }),
    ...(tier !== undefined && { serviceTier: tier }),
    ...(labels !== undefined && { labels }),
  };
}

/** `cachedContents/…`: a beginning of the conversation that Google keeps, with its system text and tools. */
export function cachedContent({ request }: Scope): string | undefined {
  const google = googleFields(request);
  return textOf(request['cached_content']) ?? textOf(request['cachedContent']) ?? textOf(google['cached_content']);
}

/** Vertex AI takes the tier in headers (Gemini reference §7). */
export function tierHeaders(scope: Scope): Readonly<Record<string, string>> {
  const tier = scope.host === 'vertex' ? tierOf(scope) : undefined;
  if (tier === undefined || tier === 'standard') return {};
  return { 'x-vertex-ai-llm-request-type': 'shared', 'x-vertex-ai-llm-shared-request-type': tier };
}

const TIERS: ReadonlyMap<unknown, string> = new Map([
  ['default', 'standard'],
  ['flex', 'flex'],
  ['priority', 'priority'],
  ['fast', 'priority'],
]);

function tierOf({ request, report }: Scope): string | undefined {
  const asked = request['service_tier'];
  if (asked == null || asked === 'auto') return undefined;
  const tier = TIERS.get(asked);
  if (tier === undefined) report.drop('service_tier', 'Google has no such tier.');
  return tier;
}

function labelsOf({ request, report, host }: Scope): Json | undefined {
  const { metadata } = request;
  if (!isObject(metadata) || Object.keys(metadata).length === 0) return undefined;
  if (host === 'gemini') {
    report.drop('metadata', 'The Gemini API has no labels.');
    return undefined;
  }
  const labels = Object.entries(metadata).map(([key, value]) => [label(key), label(String(value))] as const);
  if (labels.some(([key, value]) => metadata[key] !== value))
    report.adapt('metadata', 'labels', 'Labels of Vertex AI are short and in lower case.');
  return Object.fromEntries(labels);
}

const label = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{Ll}\p{Lo}\p{N}_-]/gu, '_')
    .slice(0, 63);
