import type { Usage } from '../../domain/chat.js';
import { isObject } from '../json.js';

/** Converse's counts in OpenAI's arithmetic: its input tokens leave out what was read from or written to the cache (§3). */
export function usageFrom(wire: unknown): Usage | undefined {
  if (!isObject(wire)) return undefined;
  const input = count(wire['inputTokens']);
  const output = count(wire['outputTokens']);
  if (input === undefined && output === undefined) return undefined;
  const cached = count(wire['cacheReadInputTokens'] ?? wire['cacheReadInputTokenCount']);
  const written = count(wire['cacheWriteInputTokens'] ?? wire['cacheWriteInputTokenCount']);
  const prompt = (input ?? 0) + (cached ?? 0) + (written ?? 0);
  const completion = output ?? 0;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...((cached !== undefined || written !== undefined) && {
      prompt_tokens_details: { cached_tokens: cached ?? 0, cache_write_tokens: written ?? 0 },
    }),
  };
}

const count = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? Math.max(0, Math.round(value)) : undefined;
