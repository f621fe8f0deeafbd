import type { Usage } from '../../domain/chat.js';
import { isObject, type Json } from '../json.js';
import { listOf } from './answer-reading.js';

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
    ...writtenFor(wire['cacheDetails']),
  };
}

/** Cache writes have a price by how long they last: told apart in the words of Claude's own service. */
function writtenFor(details: unknown): Json {
  const known = listOf(details).filter(isObject);
  const of = (wanted: string) =>
    known.reduce((sum, { ttl, inputTokens }) => sum + (ttl === wanted ? (count(inputTokens) ?? 0) : 0), 0);
  const [short, long] = [of('5m'), of('1h')];
  if (short + long === 0) return {};
  return { cache_creation: { ephemeral_5m_input_tokens: short, ephemeral_1h_input_tokens: long } };
}

const count = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? Math.max(0, Math.round(value)) : undefined;

/** The tier that served the answer. */
export function serviceTier(wire: Json): string | undefined {
  const tier = wire['serviceTier'];
  const type = isObject(tier) ? tier['type'] : undefined;
  return typeof type === 'string' && type !== '' ? type : undefined;
}
