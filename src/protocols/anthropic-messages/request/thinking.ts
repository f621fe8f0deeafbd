import type { ClaudeThinking } from '../../../domain/model-facts.js';
import { isObject, type Json } from '../../json.js';
import type { Thinking } from '../wire.js';
import { unsupportedValue, type Translation } from './translation.js';

/** How the model is told to think. */
export interface ThinkingUse {
  /** Absent: as the model does by itself. */
  readonly thinking?: Thinking;
  /** `output_config.effort`. */
  readonly effort?: string;
}

export interface ThinkingBounds {
  readonly maxTokens: number;
  /** A tool is forced, which thinking by budget does not allow. */
  readonly forced: boolean;
  readonly prefilled: boolean;
  /** The last turn called tools and its thinking is gone, which thinking by budget does not allow. */
  readonly lacksThinking: boolean;
}

const EFFORTS = ['minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;
type Effort = (typeof EFFORTS)[number];

const LEAST_BUDGET = 1024;
const BUDGETS: Readonly<Record<Exclude<Effort, 'max'>, number>> = {
  minimal: LEAST_BUDGET,
  low: 2048,
  medium: 8192,
  high: 16_384,
  xhigh: 32_000,
};

/** What the client wants, in whichever words. */
type Wish =
  | { readonly kind: 'off' }
  | { readonly kind: 'effort'; readonly effort: Effort; readonly display: string }
  | { readonly kind: 'budget'; readonly budget: number; readonly display: string };

/** `reasoning_effort`, or `thinking` in Anthropic's own words, for this model (Anthropic reference §2.5). */
export function thinkingUseOf(translation: Translation, bounds: ThinkingBounds): ThinkingUse {
  const own = translation.get('thinking');
  const param = isObject(own) ? 'thinking' : 'reasoning_effort';
  const wish = isObject(own) ? wishOf(own, translation) : wishedEffort(translation.get('reasoning_effort'));
  if (wish === undefined) return {};
  if (wish.kind === 'off') return withoutThinking(translation, param);
  const accepted = translation.claude.thinking;
  // Thinking comes before the answer begins, so an answer that has begun has none.
  if (bounds.prefilled && accepted.length > 0) return adapted(translation, param, {}, 'the answer has already begun');
  const byBudget = accepted.includes('enabled') && (wish.kind === 'budget' || !accepted.includes('adaptive'));
  if (byBudget) return thinkingByBudget(translation, wish, { ...bounds, param });
  if (accepted.includes('adaptive')) return adaptiveThinking(translation, wish, param);
  translation.drop(param, 'the model does not think');
  return {};
}

function wishedEffort(effort: unknown): Wish | undefined {
  if (typeof effort !== 'string') return undefined;
  if (effort === 'none') return { kind: 'off' };
  const known = EFFORTS.find((one) => one === effort);
  if (known === undefined) throw unsupportedValue('reasoning_effort', 'This effort is not known.');
  return { kind: 'effort', effort: known, display: SHOWN };
}

/** Newer models leave the text of their thinking out unless they are asked for it. */
const SHOWN = 'summarized';

/** Of `thinking` these members are taken: `type`, `budget_tokens`, `display`. */
function wishOf(own: Json, translation: Translation): Wish | undefined {
  const { type, budget_tokens: budget } = own;
  const display = own['display'] === 'omitted' ? 'omitted' : SHOWN;
  if (type === 'disabled' || type === 'between_tools') return { kind: 'off' };
  if (type !== 'adaptive' && type !== 'enabled') throw unsupportedValue('thinking.type', 'This thinking is not known.');
  if (type === 'enabled' && typeof budget === 'number') return { kind: 'budget', budget: Math.floor(budget), display };
  const effort = wishedEffort(translation.get('reasoning_effort'));
  return effort?.kind === 'effort' ? { ...effort, display } : { kind: 'effort', effort: 'high', display };
}

const adapted = (translation: Translation, param: string, use: ThinkingUse, reason: string): ThinkingUse => {
  translation.adapt(param, use.effort ?? use.thinking?.type ?? 'no thinking', reason);
  return use;
};

/** What is left out stays on where the model thinks by itself, so it is switched off in so many words. */
function withoutThinking(translation: Translation, param: string): ThinkingUse {
  const { thinking: accepted, thinksByDefault, efforts } = translation.claude;
  const accepts = (type: ClaudeThinking) => accepted.includes(type);
  if (accepts('disabled')) return { thinking: { type: 'disabled' } };
  if (accepts('between_tools'))
    return adapted(translation, param, { thinking: { type: 'between_tools' } }, 'the model always thinks a little');
  const [lowest] = efforts;
  if (!thinksByDefault || lowest === undefined) {
    translation.drop(param, 'the model does not think');
    return {};
  }
  return adapted(translation, param, { effort: lowest }, 'the model always thinks');
}

function adaptiveThinking(translation: Translation, wish: Exclude<Wish, { kind: 'off' }>, param: string): ThinkingUse {
  const wanted = wish.kind === 'effort' ? wish.effort : effortOf(wish.budget);
  const effort = nearestEffort(wanted, translation.claude.efforts);
  if (effort !== wanted || wish.kind === 'budget')
    translation.adapt(param, effort ?? 'adaptive', 'the model has efforts of its own');
  return { thinking: { type: 'adaptive', display: wish.display }, ...(effort !== undefined && { effort }) };
}

const effortOf = (budget: number): Effort =>
  EFFORTS.find((effort) => effort !== 'max' && BUDGETS[effort] >= budget) ?? 'xhigh';

/** The highest effort the model has that is not above this one, else its lowest. */
function nearestEffort(wanted: Effort, efforts: readonly string[]): string | undefined {
  const rank = (effort: string) => EFFORTS.findIndex((one) => one === effort);
  return efforts.findLast((effort) => rank(effort) <= rank(wanted)) ?? efforts[0];
}

/** `max_tokens` holds the thinking too, as OpenAI's does: the budget is lowered, and the limit never raised. */
function thinkingByBudget(
  translation: Translation,
  wish: Exclude<Wish, { kind: 'off' }>,
  { maxTokens, forced, lacksThinking, param }: ThinkingBounds & { readonly param: string },
): ThinkingUse {
  if (forced) return adapted(translation, param, {}, 'a model that must call a tool cannot think');
  if (lacksThinking) return adapted(translation, param, {}, 'the thinking of the last turn was not sent back');
  if (maxTokens <= LEAST_BUDGET) return adapted(translation, param, {}, 'the token limit leaves no room for it');
  const wanted = budgetOf(wish, translation);
  const budget = Math.max(LEAST_BUDGET, Math.min(wanted, maxTokens - 1));
  if (budget !== wanted) translation.adapt(param, String(budget), 'thinking counts towards the token limit');
  return { thinking: { type: 'enabled', budget_tokens: budget, display: wish.display } };
}

function budgetOf(wish: Exclude<Wish, { kind: 'off' }>, { target }: Translation): number {
  if (wish.kind === 'budget') return wish.budget;
  if (wish.effort !== 'max') return BUDGETS[wish.effort];
  return Math.floor((target.facts.maxOutputTokens ?? BUDGETS.xhigh * 2) / 2);
}

/** Thinking that its model binds to its conversation: what no longer fits is left out instead of being refused (Anthropic reference §3). */
export function boundThinking(use: ThinkingUse, translation: Translation, replays: boolean): ThinkingUse {
  const { thinking = { type: 'adaptive' as const } } = use;
  const binds = replays && translation.claude.boundThinking && translation.host === 'anthropic';
  if (!binds || thinking.type !== 'adaptive') return use;
  translation.needs('thinking-binding-controls-2026-08-01');
  return { ...use, thinking: { ...thinking, block_binding: { prefix_mismatch_behavior: 'drop_block' } } };
}
