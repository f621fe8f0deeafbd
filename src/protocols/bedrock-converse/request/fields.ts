import { isObject, type Json } from '../../json.js';
import { textOf } from '../answer-reading.js';
import type { ConverseRequest } from '../wire.js';
import { invalid, unsupported, type ConverseDraft } from './draft.js';
import type { Thinking } from './thinking.js';

/** Refuses what Converse has no place for and whose loss would change the answer's meaning. */
export function refuseMeaningful({ request }: ConverseDraft): void {
  const { n, logprobs, top_logprobs: top, modalities, audio } = request;
  if (typeof n === 'number' && n > 1) throw unsupported('n', 'more than one choice');
  if (logprobs === true) throw unsupported('logprobs', '`logprobs`');
  if (typeof top === 'number' && top > 0) throw unsupported('top_logprobs', '`top_logprobs`');
  if (Array.isArray(modalities) && modalities.some((one) => one !== 'text'))
    throw unsupported('modalities', 'answers in anything but text');
  if (audio !== null && audio !== undefined) throw unsupported('audio', 'answers in sound');
}

/** `inferenceConfig`, and top_k, for which it has no place (Bedrock reference §2.1). */
export function inferenceConfig(draft: ConverseDraft, thinking: Thinking): Json {
  const maxTokens = thinking.noLimit ? dropped(draft, ['max_tokens', 'max_completion_tokens']) : limitOf(draft);
  const { temperature, topP } = sampling(draft, thinking);
  const stopSequences = stopsOf(draft);
  topK(draft, thinking);
  return {
    ...(maxTokens !== undefined && { maxTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { topP }),
    ...(stopSequences.length > 0 && { stopSequences }),
  };
}

function dropped(draft: ConverseDraft, fields: readonly string[], reason = 'not while the model thinks'): undefined {
  for (const field of fields) if (draft.request[field] != null) draft.drop(field, reason);
}

/** Both limits at once are one too many; the newer name counts. */
function limitOf(draft: ConverseDraft): number | undefined {
  const { max_tokens: old, max_completion_tokens: current } = draft.request;
  const [field, limit] =
    current == null ? (['max_tokens', old] as const) : (['max_completion_tokens', current] as const);
  if (old != null && current != null && old !== current) draft.drop('max_tokens', '`max_completion_tokens` counts');
  if (limit === null || limit === undefined) return undefined;
  const most = draft.target.facts.maxOutputTokens ?? Infinity;
  if (limit > most) draft.adapt(field, String(most), 'the most that the model writes');
  return Math.min(limit, most);
}

interface Sampling {
  readonly temperature: number | undefined;
  readonly topP: number | undefined;
}

function sampling(draft: ConverseDraft, { noSampling }: Thinking): Sampling {
  const takes = draft.facts.sampling ? (draft.claude?.sampling ?? 'free') : 'none';
  if (noSampling || takes === 'none') {
    leaveOut(draft, 'temperature', 'the model takes none');
    leaveOut(draft, 'top_p', 'the model takes none');
    return { temperature: undefined, topP: undefined };
  }
  const temperature = clamped(draft);
  const topP = draft.request.top_p ?? undefined;
  if (takes !== 'one' || temperature === undefined) return { temperature, topP };
  leaveOut(draft, 'top_p', 'not beside a temperature');
  return { temperature, topP: undefined };
}

/** One is the default: said aloud, it says nothing. */
function leaveOut(draft: ConverseDraft, field: 'temperature' | 'top_p', reason: string): void {
  if (draft.request[field] !== 1) dropped(draft, [field], reason);
}

function clamped(draft: ConverseDraft): number | undefined {
  const { temperature } = draft.request;
  if (temperature === null || temperature === undefined) return undefined;
  if (temperature > 1) draft.adapt('temperature', '1', 'from 0 to 1');
  return Math.min(temperature, 1);
}

function topK(draft: ConverseDraft, { noSampling }: Thinking): void {
  const { top_k: wished } = draft.request;
  if (wished === null || wished === undefined) return;
  const place = noSampling || draft.claude?.sampling === 'none' ? undefined : draft.facts.topK;
  if (place === undefined) draft.drop('top_k', 'the model takes none');
  else if (place === 'top_k') draft.additional['top_k'] = wished;
  else draft.addTo('inferenceConfig', { topK: wished });
}

/** Empty ones are refused, and by Claude those of blanks too. */
function stopsOf(draft: ConverseDraft): readonly string[] {
  const { stop } = draft.request;
  if (stop === null || stop === undefined) return [];
  const given = typeof stop === 'string' ? [stop] : stop;
  const stops = given.filter((one) => (draft.isClaude ? one.trim() : one) !== '');
  const sent = stops.slice(0, draft.facts.stopSequences);
  if (sent.length === 0) dropped(draft, given.length === 0 ? [] : ['stop'], 'the model takes none of them');
  else if (sent.length < given.length) draft.adapt('stop', `the first ${sent.length}`, 'the model takes no more');
  return sent;
}

/** What goes beside the conversation: nothing of it reaches the model. */
export function surroundings(draft: ConverseDraft): Partial<ConverseRequest> {
  const guardrailConfig = ownObject(draft, 'guardrailConfig');
  const performanceConfig = ownObject(draft, 'performanceConfig');
  const requestMetadata = metadataOf(draft);
  const tier = tierOf(draft);
  return {
    ...(Object.keys(requestMetadata).length > 0 && { requestMetadata }),
    ...(tier !== undefined && { serviceTier: { type: tier } }),
    ...(guardrailConfig && { guardrailConfig }),
    ...(performanceConfig && { performanceConfig }),
  };
}

/** A field in Converse's own words, sent as it is. */
function ownObject({ request }: ConverseDraft, field: string): Json | undefined {
  const own = request[field] ?? undefined;
  if (own === undefined || isObject(own)) return own;
  throw invalid(field, `\`${field}\` is an object.`, 'invalid_type');
}

const MOST_METADATA = 16;
const METADATA = /^[a-zA-Z0-9\s:_@$#=/+,\-.]{0,256}$/;

/** Who asks, for the logs of the account: there is no other place for it. */
function metadataOf(draft: ConverseDraft): Readonly<Record<string, string>> {
  const { user, safety_identifier: identifier, metadata } = draft.request;
  const pairs: [path: string, key: string, value: unknown][] = [];
  if (user != null) pairs.push(['user', 'user', user]);
  if (identifier != null) pairs.push(['safety_identifier', 'safety_identifier', identifier]);
  if (isObject(metadata))
    for (const [key, value] of Object.entries(metadata)) pairs.push([`metadata.${key}`, key, value]);
  const taken = new Map<string, string>();
  for (const [path, key, value] of pairs) {
    const fits = key !== '' && METADATA.test(key) && METADATA.test(textOf(value)) && typeof value === 'string';
    if (fits && taken.size < MOST_METADATA && !taken.has(key)) taken.set(key, value);
    else draft.drop(path, 'not in a form that `requestMetadata` takes');
  }
  return Object.fromEntries(taken);
}

/** `default` and `auto` are what is served to those who ask for nothing. */
const TIERS: ReadonlyMap<string, string> = new Map([
  ['flex', 'flex'],
  ['priority', 'priority'],
  ['fast', 'priority'],
  ['reserved', 'reserved'],
]);

function tierOf(draft: ConverseDraft): string | undefined {
  const wished = draft.request['service_tier'];
  if (wished === null || wished === undefined || wished === 'auto' || wished === 'default') return undefined;
  const tier = TIERS.get(textOf(wished));
  if (tier === undefined) draft.drop('service_tier', 'Bedrock has no such tier');
  return tier;
}

/** Fields that are read, and those that are the gateway's business. */
const READ: ReadonlySet<string> = new Set(
  (
    'model messages stream stream_options max_tokens max_completion_tokens temperature top_p top_k stop n logprobs ' +
    'top_logprobs modalities audio tools tool_choice functions function_call parallel_tool_calls response_format ' +
    'reasoning_effort thinking user safety_identifier metadata service_tier guardrailConfig performanceConfig ' +
    'additionalModelRequestFields anthropic_beta'
  ).split(' '),
);

/** What is the same said as not said. */
const DEFAULTS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['frequency_penalty', 0],
  ['presence_penalty', 0],
  ['store', false],
  ['verbosity', 'medium'],
]);

/** Tells of every field that has no place here. */
export function reportUnread(draft: ConverseDraft): void {
  for (const [field, value] of Object.entries(draft.request)) {
    if (READ.has(field) || value === null || value === undefined) continue;
    if (DEFAULTS.get(field) === value || (isObject(value) && Object.keys(value).length === 0)) continue;
    draft.drop(field, 'Converse has no place for it');
  }
}

/** What a client sends in the provider's own words goes to the model as it is. */
export function ownWords(draft: ConverseDraft): void {
  const { anthropic_beta: betas } = draft.request;
  const own = ownObject(draft, 'additionalModelRequestFields') ?? {};
  for (const key of Object.keys(own)) if (key !== '__proto__') draft.additional[key] = own[key];
  if (betas === null || betas === undefined) return;
  if (!Array.isArray(betas)) throw invalid('anthropic_beta', '`anthropic_beta` is a list of names.', 'invalid_type');
  if (draft.isClaude) draft.additional['anthropic_beta'] = betas;
  else draft.drop('anthropic_beta', 'for models of another family');
}
