import { createHash } from 'node:crypto';
import { InvalidRequestError } from '../../../domain/errors.js';
import { isObject, type Json } from '../../json.js';
import type { ThinkingUse } from '../../claude/thinking.js';
import { unsupportedParameter, unsupportedValue } from '../../claude/claude-request.js';
import type { Translation } from './translation.js';

/** What would be another answer if it were left out is refused. */
export function refuseMeaningful(translation: Translation): void {
  const n = translation.get('n');
  if (typeof n === 'number' && n > 1)
    throw unsupportedValue('n', 'The model that serves this request gives one choice only.');
  const logprobs = translation.get('logprobs');
  if (logprobs === true || (typeof logprobs === 'number' && logprobs > 0)) throw unsupportedParameter('logprobs');
  const modalities = translation.get('modalities');
  if (Array.isArray(modalities) && modalities.some((modality) => modality !== 'text'))
    throw unsupportedValue('modalities', 'The model that serves this request answers in text only.');
  if (translation.get('audio') !== undefined) throw unsupportedParameter('audio');
}

/** Fields that are read here or elsewhere. */
const CARRIED = new Set(
  `model messages stream stream_options max_tokens max_completion_tokens temperature top_p top_k n stop tools tool_choice
   functions function_call parallel_tool_calls response_format reasoning_effort thinking cache_control prompt_cache_options
   prompt_cache_retention user safety_identifier service_tier logprobs modalities audio`.split(/\s+/),
);

/** What saying nothing means too. */
const DEFAULTS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['frequency_penalty', 0],
  ['presence_penalty', 0],
  ['top_logprobs', 0],
  ['store', false],
  ['verbosity', 'medium'],
]);

const EMPTY_IS_NOTHING = new Set(['logit_bias', 'metadata']);

const DROPPED: Readonly<Record<string, string>> = {
  // It has a price of its own and is none of OpenAI's searches.
  web_search_options: "the provider's own search is asked for among `tools`",
};

/** The Messages API refuses fields it does not know, so none goes along unseen. */
export function dropUnknown(translation: Translation): void {
  for (const field of Object.keys(translation.request)) {
    const value = translation.get(field);
    if (value === undefined || CARRIED.has(field) || DEFAULTS.get(field) === value) continue;
    if (EMPTY_IS_NOTHING.has(field) && isObject(value) && Object.keys(value).length === 0) continue;
    translation.drop(field, DROPPED[field] ?? 'the Messages API has no such field');
  }
}

/** The token limit, which the API demands: what the client says, within what the model has. */
export function maxTokensOf(translation: Translation): number {
  const { maxOutputTokens: most } = translation.target.facts;
  const { max_completion_tokens: current, max_tokens: old } = translation.request;
  const param = current != null ? 'max_completion_tokens' : 'max_tokens';
  if (current != null && old != null && current !== old) translation.drop('max_tokens', 'max_completion_tokens counts');
  const wanted = current ?? old ?? undefined;
  if (wanted === undefined) return most ?? SAFE_LIMIT;
  if (wanted < 1)
    throw new InvalidRequestError(`Invalid value for '${param}': must be at least 1.`, {
      code: 'integer_below_min_value',
      param,
    });
  if (most === undefined || wanted <= most) return wanted;
  translation.adapt(param, String(most), 'the model gives no more');
  return most;
}

/** What every model of the family gives, where it is not known what this one does. */
const SAFE_LIMIT = 4096;

export interface Sampling {
  readonly temperature?: number;
  readonly top_p?: number;
  readonly top_k?: unknown;
}

/** Temperature goes from 0 to 1 here; newer models, and all that think, sample as they please (Anthropic reference §2.1). */
export function samplingOf(translation: Translation, { thinking }: ThinkingUse): Sampling {
  const { sampling } = translation.claude;
  const { temperature: heat } = translation.request;
  if (thinking !== undefined && thinking.type !== 'disabled') return freeOf(translation, 'a model that thinks');
  if (sampling === 'none' && heat !== 1) return freeOf(translation, 'this model');
  if (sampling === 'none') return { ...freeOf(translation, 'this model', ['top_p', 'top_k']), temperature: 1 };
  return sampled(translation, sampling === 'free');
}

/** `free`: temperature and top_p may stand together. */
function sampled(translation: Translation, free: boolean): Sampling {
  const { temperature: heat, top_p: topP } = translation.request;
  const topK = translation.get('top_k');
  const keepsTopP = topP != null && (free || heat == null);
  if (heat != null && heat > 1) translation.adapt('temperature', '1', 'the highest there is');
  if (topP != null && topP !== 1 && !keepsTopP) translation.drop('top_p', 'the model takes it or the temperature');
  return {
    ...(heat != null && { temperature: Math.min(heat, 1) }),
    ...(keepsTopP && { top_p: topP }),
    ...(topK !== undefined && { top_k: topK }),
  };
}

const SAMPLING = ['temperature', 'top_p', 'top_k'];

/** Leaves sampling to the model; of temperature and top_p, 1 asks for just that. */
function freeOf(translation: Translation, who: string, fields = SAMPLING): Sampling {
  for (const field of fields) {
    const value = translation.get(field);
    if (value !== undefined && (value !== 1 || field === 'top_k')) translation.drop(field, `${who} takes none`);
  }
  return {};
}

/** Stop texts; those of white space alone are refused upstream. */
export function stopsOf(translation: Translation): Json {
  const { stop } = translation.request;
  const given = typeof stop === 'string' ? [stop] : (stop ?? []);
  const stops = given.filter((text) => text.trim() !== '');
  if (stops.length < given.length) translation.adapt('stop', undefined, 'white space alone is no stop text');
  return stops.length > 0 ? { stop_sequences: stops } : {};
}

/** Who asks, as an id that says nothing: what looks like an address or a number is refused, and nobody's business. */
export function metadataOf(translation: Translation): Json {
  const safety = translation.get('safety_identifier');
  const user = translation.get('user');
  const id = [safety, user].find((one): one is string => typeof one === 'string' && one !== '');
  if (typeof user === 'string' && user !== '' && id !== user) translation.drop('user', 'safety_identifier counts');
  if (id === undefined) return {};
  const isPersonal = id.length > LONGEST_ID || PERSONAL.test(id);
  if (isPersonal) translation.adapt(id === safety ? 'safety_identifier' : 'user', 'a hash', 'it must be an opaque id');
  return { metadata: { user_id: isPersonal ? createHash('sha256').update(id).digest('hex') : id } };
}

const PERSONAL = /^\s*(\S+@\S+\.\S+|\+?[\d\s().-]{7,20})\s*$/;
const LONGEST_ID = 256;

const TIERS: Readonly<Record<string, string>> = { auto: 'auto', default: 'standard_only', priority: 'auto' };

/** The service tier in Anthropic's words. */
export function tierOf(translation: Translation): Json {
  const asked = translation.get('service_tier');
  if (typeof asked !== 'string') return {};
  const tier = Object.hasOwn(TIERS, asked) ? TIERS[asked] : undefined;
  if (tier !== undefined) return { service_tier: tier };
  translation.drop('service_tier', 'the provider has no such tier');
  return {};
}
