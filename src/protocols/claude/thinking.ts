import type { ClaudeThinking } from '../../domain/model-facts.js';
import { isObject, type Json } from '../json.js';
import { unsupportedValue, type ClaudeRequest } from './claude-request.js';

/** How thinking is asked for. */
export type Thinking =
  | { readonly type: 'disabled' | 'between_tools' }
  | { readonly type: 'enabled'; readonly budget_tokens: number; readonly display?: string }
  | { readonly type: 'adaptive'; readonly display?: string; readonly block_binding?: BlockBinding };

/** What becomes of signed thinking whose conversation has changed. */
export interface BlockBinding {
  readonly prefix_mismatch_behavior: 'drop_block';
}

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
export function thinkingUseOf(asking: ClaudeRequest, bounds: ThinkingBounds): ThinkingUse {
  const own = asking.get('thinking');
  const param = isObject(own) ? 'thinking' : 'reasoning_effort';
  const wish = isObject(own) ? wishOf(own, asking) : wishedEffort(asking.get('reasoning_effort'));
  if (wish === undefined) return {};
  if (wish.kind === 'off') return withoutThinking(asking, param);
  const accepted = asking.claude.thinking;
  // Thinking comes before the answer begins, so an answer that has begun has none.
  if (bounds.prefilled && accepted.length > 0) return adapted(asking, param, {}, 'the answer has already begun');
  const byBudget = accepted.includes('enabled') && (wish.kind === 'budget' || !accepted.includes('adaptive'));
  if (byBudget) return thinkingByBudget(asking, wish, { ...bounds, param });
  if (accepted.includes('adaptive')) return adaptiveThinking(asking, wish, param);
  asking.drop(param, 'the model does not think');
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
function wishOf(own: Json, asking: ClaudeRequest): Wish | undefined {
  const { type, budget_tokens: budget } = own;
  const display = own['display'] === 'omitted' ? 'omitted' : SHOWN;
  if (type === 'disabled' || type === 'between_tools') return { kind: 'off' };
  if (type !== 'adaptive' && type !== 'enabled') throw unsupportedValue('thinking.type', 'This thinking is not known.');
  if (type === 'enabled' && typeof budget === 'number') return { kind: 'budget', budget: Math.floor(budget), display };
  const effort = wishedEffort(asking.get('reasoning_effort'));
  return effort?.kind === 'effort' ? { ...effort, display } : { kind: 'effort', effort: 'high', display };
}

const adapted = (asking: ClaudeRequest, param: string, use: ThinkingUse, reason: string): ThinkingUse => {
  asking.adapt(param, use.effort ?? use.thinking?.type ?? 'no thinking', reason);
  return use;
};

/** What is left out stays on where the model thinks by itself, so it is switched off in so many words. */
function withoutThinking(asking: ClaudeRequest, param: string): ThinkingUse {
  const { thinking: accepted, thinksByDefault, efforts } = asking.claude;
  const accepts = (type: ClaudeThinking) => accepted.includes(type);
  if (accepts('disabled')) return { thinking: { type: 'disabled' } };
  if (accepts('between_tools'))
    return adapted(asking, param, { thinking: { type: 'between_tools' } }, 'the model always thinks a little');
  const [lowest] = efforts;
  if (!thinksByDefault || lowest === undefined) {
    asking.drop(param, 'the model does not think');
    return {};
  }
  return adapted(asking, param, { effort: lowest }, 'the model always thinks');
}

function adaptiveThinking(asking: ClaudeRequest, wish: Exclude<Wish, { kind: 'off' }>, param: string): ThinkingUse {
  const wanted = wish.kind === 'effort' ? wish.effort : effortOf(wish.budget);
  const effort = nearestEffort(wanted, asking.claude.efforts);
  if (effort !== wanted || wish.kind === 'budget')
    asking.adapt(param, effort ?? 'adaptive', 'the model has efforts of its own');
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
  asking: ClaudeRequest,
  wish: Exclude<Wish, { kind: 'off' }>,
  { maxTokens, forced, lacksThinking, param }: ThinkingBounds & { readonly param: string },
): ThinkingUse {
  if (forced) return adapted(asking, param, {}, 'a model that must call a tool cannot think');
  if (lacksThinking) return adapted(asking, param, {}, 'the thinking of the last turn was not sent back');
  if (maxTokens <= LEAST_BUDGET) return adapted(asking, param, {}, 'the token limit leaves no room for it');
  const wanted = budgetOf(wish, asking);
  const budget = Math.max(LEAST_BUDGET, Math.min(wanted, maxTokens - 1));
  if (budget !== wanted) asking.adapt(param, String(budget), 'thinking counts towards the token limit');
  return { thinking: { type: 'enabled', budget_tokens: budget, display: wish.display } };
}

function budgetOf(wish: Exclude<Wish, { kind: 'off' }>, { target }: ClaudeRequest): number {
  if (wish.kind === 'budget') return wish.budget;
  if (wish.effort !== 'max') return BUDGETS[wish.effort];
  return Math.floor((target.facts.maxOutputTokens ?? BUDGETS.xhigh * 2) / 2);
}
