import type { Usage } from '../../domain/chat.js';
import { isObject, isShallow, type Json } from '../json.js';

/** Counts of an earlier event stand until a later one says otherwise: those of `message_delta` are cumulative. */
export function mergedUsage(known: Json, later: unknown): Json {
  if (!isObject(later)) return known;
  const said = Object.entries(later).filter(([, value]) => value !== null && value !== undefined);
  return said.length === 0 ? known : { ...known, ...Object.fromEntries(said) };
}

/** OpenAI's arithmetic: Anthropic's `input_tokens` leave out what was read from and written to the cache (Anthropic reference §3). */
export function usageFrom(wire: Json): Usage | undefined {
  if (Object.keys(wire).length === 0) return undefined;
  const sums = summed(wire);
  const cached = count(sums['cache_read_input_tokens']);
  const written = count(sums['cache_creation_input_tokens']);
  const prompt = count(sums['input_tokens']) + cached + written;
  const completion = count(sums['output_tokens']);
  const details = isObject(wire['output_tokens_details']) ? wire['output_tokens_details'] : {};
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
    completion_tokens_details: { reasoning_tokens: count(details['thinking_tokens']) },
    ...pricedApart(wire),
  };
}

/** What has a price of its own: searches by the provider, and cache writes by how long they last. */
function pricedApart(wire: Json): Json {
  const kept = ['cache_creation', 'server_tool_use'].filter(
    (field) => isObject(wire[field]) && isShallow(wire[field], 3),
  );
  return Object.fromEntries(kept.map((field) => [field, wire[field]]));
}

const COUNTS = ['input_tokens', 'cache_creation_input_tokens', 'cache_read_input_tokens', 'output_tokens'];

/** An answer made in several passes counts them one by one, beside those of an adviser; a fallback's are the answer's own. */
function summed(wire: Json): Json {
  const passes = Array.isArray(wire['iterations']) ? wire['iterations'].filter(isObject) : [];
  if (passes.length < 2 || passes.some(({ type }) => type === 'fallback_message')) return wire;
  const own = passes.filter(({ type }) => type !== 'advisor_message');
  return Object.fromEntries(COUNTS.map((field) => [field, own.reduce((sum, pass) => sum + count(pass[field]), 0)]));
}

const count = (value: unknown): number =>
  typeof value === 'number' && value > 0 && Number.isFinite(value) ? Math.floor(value) : 0;

/** The tier that answered, in OpenAI's words. */
export function serviceTier(wire: Json): string | undefined {
  const tier = wire['service_tier'];
  if (tier === 'standard') return 'default';
  return typeof tier === 'string' && tier !== '' ? tier : undefined;
}
