import type { Usage } from '../../../domain/chat.js';
import { isObject } from '../../json.js';
import { objectsOf } from '../wire.js';

/** Google's counts in OpenAI's arithmetic (Gemini reference §3.4); undefined where there are none. */
export function usageFrom(raw: unknown): Usage | undefined {
  if (!isObject(raw)) return undefined;
  const prompt = count(raw['promptTokenCount']) + count(raw['toolUsePromptTokenCount']);
  const thoughts = count(raw['thoughtsTokenCount']);
  const completion = count(raw['candidatesTokenCount']) + thoughts;
  if (prompt + completion === 0 && count(raw['totalTokenCount']) === 0) return undefined;
  const heard = byModality(raw['promptTokensDetails']);
  const said = byModality(raw['candidatesTokensDetails']);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: {
      cached_tokens: count(raw['cachedContentTokenCount']),
      audio_tokens: heard('AUDIO'),
      ...(heard('IMAGE') > 0 && { image_tokens: heard('IMAGE') }),
    },
    completion_tokens_details: {
      reasoning_tokens: thoughts,
      audio_tokens: said('AUDIO'),
      ...(said('IMAGE') > 0 && { image_tokens: said('IMAGE') }),
    },
  };
}

const count = (value: unknown): number =>
  typeof value === 'number' && Number.isFinite(value) ? Math.max(0, Math.round(value)) : 0;

const byModality = (details: unknown) => (modality: string) =>
  objectsOf(details)
    .filter((detail) => detail['modality'] === modality)
    .reduce((sum, detail) => sum + count(detail['tokenCount']), 0);
