import type { Usage } from '../../domain/chat.js';
import { isObject, type Json } from '../json.js';

/**
 * The provider's counts in OpenAI's arithmetic: integers, details inside the totals, total the sum.
 * Returns the object itself where it is right already, and undefined where there is nothing to read.
 */
export function usageFrom(raw: unknown): Usage | undefined {
  if (!isObject(raw)) return undefined;
  const prompt = count(raw['prompt_tokens']);
  if (prompt === undefined) return undefined;
  const total = count(raw['total_tokens']);
  const reported = count(raw['completion_tokens']) ?? Math.max(0, (total ?? prompt) - prompt);
  const reasoning = nested(raw, 'completion_tokens_details', 'reasoning_tokens') ?? count(raw['reasoning_tokens']);
  // xAI leaves the reasoning out of the completion and shows it only in the total.
  const outside = reasoning !== undefined && total !== undefined && total - prompt === reported + reasoning;
  const completion = outside ? reported + reasoning : reported;
  const right = {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...detail(raw, 'prompt_tokens_details', 'cached_tokens', cachedIn(raw)),
    ...detail(raw, 'completion_tokens_details', 'reasoning_tokens', reasoning),
  };
  return Object.entries(right).every(([key, value]) => raw[key] === value)
    ? (raw as unknown as Usage)
    : { ...raw, ...right };
}

/** Whatever the provider calls it. */
const cachedIn = (raw: Json): number | undefined =>
  nested(raw, 'prompt_tokens_details', 'cached_tokens') ??
  count(raw['cached_tokens']) ??
  count(raw['prompt_cache_hit_tokens']) ??
  count(raw['num_cached_tokens']);

/** A whole number that is not negative, whatever the provider wrote it as. */
function count(value: unknown): number | undefined {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? Math.max(0, Math.round(number)) : undefined;
}

function nested(raw: Json, group: string, field: string): number | undefined {
  const details = raw[group];
  return isObject(details) ? count(details[field]) : undefined;
}

/** The details with one count put in and all others made counts; nothing where they say just this already. */
function detail(raw: Json, group: string, field: string, value: number | undefined): Json {
  const details = isObject(raw[group]) ? raw[group] : {};
  const counted = Object.entries(details).filter(([, given]) => given !== (count(given) ?? given));
  const right = value === undefined || details[field] === value ? [] : [[field, value] as const];
  if (counted.length === 0 && right.length === 0) return {};
  const counts = counted.map(([key, given]) => [key, count(given)] as const);
  return { [group]: { ...details, ...Object.fromEntries([...counts, ...right]) } };
}
