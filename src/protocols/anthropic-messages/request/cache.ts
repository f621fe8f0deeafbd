import { isObject, type Json } from '../../json.js';
import type { Block, CacheControl, Tool, Turn } from '../wire.js';
import type { Translation } from './translation.js';

/** The breakpoint a part, a message or a tool of the client carries, in either dialect's words (Anthropic reference §2.4). */
export function cacheControlOf(holder: Json): CacheControl | undefined {
  const { cache_control: own, prompt_cache_breakpoint: openai } = holder;
  if (isObject(own) && own['type'] === 'ephemeral') {
    const { ttl } = own;
    return ttl === '5m' || ttl === '1h' ? { type: 'ephemeral', ttl } : { type: 'ephemeral' };
  }
  // OpenAI's shortest time is longer than Anthropic's usual one.
  if (isObject(openai)) return openai['ttl'] == null ? { type: 'ephemeral' } : { type: 'ephemeral', ttl: '1h' };
  return undefined;
}

/** The same with the breakpoint, where there is one. */
export function marked<Holder extends object>(holder: Holder, mark: CacheControl | undefined): Holder {
  return mark === undefined ? holder : { ...holder, cache_control: mark };
}

/** A message's own breakpoint stands on its last block alone, which is never thinking: that cannot carry one. */
export function markedLast<Any extends Block>(blocks: readonly Any[], mark: CacheControl | undefined): readonly Any[] {
  const last = blocks.at(-1);
  if (mark === undefined || last === undefined) return blocks;
  return [...blocks.slice(0, -1), marked(last, mark)];
}

/** The blocks without breakpoints, and the last of these: inside a tool's result none counts, but the result has its own. */
export function unmarked<Any extends Block>(
  blocks: readonly Any[],
): { readonly content: readonly Any[]; readonly inner: CacheControl | undefined } {
  let inner: CacheControl | undefined;
  const content = blocks.map((block) => {
    if (!('cache_control' in block)) return block;
    const { cache_control: mark, ...rest } = block;
    inner = mark ?? inner;
    return rest as Any;
  });
  return { content, inner };
}

/** The breakpoint that follows the conversation by itself: OpenAI's ways to ask for caching of a whole request. */
export function automaticCache(translation: Translation): CacheControl | undefined {
  const own = translation.get('cache_control');
  const options = translation.get('prompt_cache_options');
  const retention = translation.get('prompt_cache_retention');
  const implicit = isObject(options) && options['mode'] !== 'explicit' ? options : undefined;
  const asked =
    cacheControlOf({ cache_control: own }) ?? cacheControlOf({ prompt_cache_breakpoint: implicit }) ?? kept(retention);
  if (asked !== undefined && translation.host === 'anthropic') return asked;
  for (const field of ['cache_control', 'prompt_cache_retention'])
    if (translation.get(field) !== undefined) translation.drop(field, 'it has no such control');
  if (implicit !== undefined) translation.drop('prompt_cache_options', 'it has no such control');
  return undefined;
}

function kept(retention: unknown): CacheControl | undefined {
  if (retention === '24h') return { type: 'ephemeral', ttl: '1h' };
  return typeof retention === 'string' ? { type: 'ephemeral' } : undefined;
}

interface Marked {
  readonly tools: readonly Tool[];
  readonly system: readonly Block[];
  readonly turns: readonly Turn[];
}

const MOST_BREAKPOINTS = 4;

/** More than four breakpoints are refused: those beyond are left out, in the order in which prompts are cached. */
export function fewBreakpoints(parts: Marked, room: boolean, translation: Translation): Marked {
  let left = room ? MOST_BREAKPOINTS : MOST_BREAKPOINTS - 1;
  if (marksIn(parts) <= left) return parts;
  translation.drop('cache_control', `more than ${MOST_BREAKPOINTS} breakpoints`);
  const few = <Any extends { readonly cache_control?: CacheControl } | object>(holder: Any): Any => {
    if (!('cache_control' in holder) || left-- > 0) return holder;
    const { cache_control: _mark, ...rest } = holder;
    return rest as Any;
  };
  return {
    tools: parts.tools.map(few),
    system: parts.system.map(few),
    turns: parts.turns.map((turn) => ({ ...turn, content: turn.content.map(few) })),
  };
}

const marksIn = ({ tools, system, turns }: Marked): number => {
  const count = (holders: readonly object[]) => holders.filter((holder) => 'cache_control' in holder).length;
  return count(tools) + count(system) + turns.reduce((sum, { content }) => sum + count(content), 0);
};
