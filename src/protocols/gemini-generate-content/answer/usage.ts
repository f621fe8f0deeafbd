import type { Usage } from '../../../domain/chat.js';
import { isObject } from '../../json.js';
import { objectsOf, textOf } from '../wire.js';

/** Google's counts in OpenAI's arithmetic (Gemini reference §3.4); undefined where there are none. */
export function usageFrom(raw: unknown): Usage | undefined {
  if (!isObject(raw)) return undefined;
  const prompt = count(raw['promptTokenCount']) + count(raw['toolUsePromptTokenCount']);
  const thoughts = count(raw['thoughtsTokenCount']);
  const completion = count(raw['candidatesTokenCount']) + thoughts;
  if (prompt + completion === 0 && count(raw['totalTokenCount']) === 0) return undefined;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: {
      cached_tokens: count(raw['cachedContentTokenCount']),
      ...media(raw['promptTokensDetails']),
      ...cachedMedia(raw['cacheTokensDetails']),
    },
    completion_tokens_details: { reasoning_tokens: thoughts, ...media(raw['candidatesTokensDetails']) },
  };
}

const count = (value: unknown): number =>
  typeof value === 'number' && Number.isFinite(value) ? Math.max(0, Math.round(value)) : 0;

/** What was seen and heard; `image_tokens` only where there are some, as OpenAI's own API does not have them. */
function media(details: unknown): { readonly audio_tokens: number; readonly image_tokens?: number } {
  let audio = 0;
  let image = 0;
  for (const { modality, tokenCount } of objectsOf(details)) {
    if (modality === 'AUDIO') audio += count(tokenCount);
    else if (modality === 'IMAGE') image += count(tokenCount);
  }
  return { audio_tokens: audio, ...(image > 0 && { image_tokens: image }) };
}

/** What of the cached tokens was seen and heard, in the words of OpenAI's realtime API; nothing where it was all text. */
function cachedMedia(details: unknown): { readonly cached_tokens_details?: object } {
  const { audio_tokens: audio, image_tokens: image = 0 } = media(details);
  if (audio + image === 0) return {};
  return {
    cached_tokens_details: { ...(audio > 0 && { audio_tokens: audio }), ...(image > 0 && { image_tokens: image }) },
  };
}

/** Google's tiers in OpenAI's words; Vertex tells of them as kinds of traffic, and of the usual one that it is on demand. */
const TIERS: ReadonlyMap<string | undefined, string> = new Map([
  ['standard', 'default'],
  ['flex', 'flex'],
  ['priority', 'priority'],
  ['on_demand_flex', 'flex'],
  ['on_demand_priority', 'priority'],
  ['provisioned_throughput', 'provisioned'],
]);

/** The tier that served the answer. */
export function serviceTier(usage: unknown): string | undefined {
  if (!isObject(usage)) return undefined;
  return TIERS.get((textOf(usage['serviceTier']) ?? textOf(usage['trafficType']))?.toLowerCase());
}
