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
type Wish = Off | On;

interface Off {
  readonly kind: 'off';
  readonly type: 'disabled' | 'between_tools';
  readonly effort: Effort | undefined;
}

interface On {
  readonly kind: 'on';
  /** Where the client says it in Claude's own words. */
  readonly type?: 'adaptive' | 'enabled';
  readonly budget?: number;
  readonly effort: Effort | undefined;
  readonly display: string;
}

/** `reasoning_effort`, or `thinking` in Anthropic's own words, for this model (Anthropic reference §2.5). */
export function thinkingUseOf(asking: ClaudeRequest, bounds: ThinkingBounds): ThinkingUse {
  const own = asking.get('thinking');
  const effort = asking.get('reasoning_effort');
  if (!isObject(own)) {
    if (own !== undefined) asking.drop('thinking', 'it is no object');
    return useOf(asking, wishedEffort(effort), { ...bounds, param: 'reasoning_effort' });
  }
  const wish = wishOf(own, asking);
  const use = useOf(asking, wish, { ...bounds, param: 'thinking' });
  const isHeeded = use.effort !== undefined || (effort === 'none' && wish.kind === 'off');
  if (effort !== undefined && !isHeeded) asking.drop('reasoning_effort', '`thinking` counts');
  return use;
}

/** `param`: where the client says it. */
type Bounds = ThinkingBounds & { readonly param: string };

function useOf(asking: ClaudeRequest, wish: Wish | undefined, bounds: Bounds): ThinkingUse {
  const { param, prefilled } = bounds;
  const { thinking: accepted } = asking.claude;
  if (wish === undefined) return {};
  if (wish.kind === 'off') return withoutThinking(asking, wish, param);
  // Thinking comes before the answer begins, so an answer that has begun has none.
  if (prefilled && accepted.length > 0) return adapted(asking, param, {}, 'the answer has already begun');
  const byBudget = accepted.includes('enabled') && (wish.budget !== undefined || !accepted.includes('adaptive'));
  if (byBudget) return thinkingByBudget(asking, wish, bounds);
  if (accepted.includes('adaptive')) return adaptiveThinking(asking, wish, param);
  asking.drop(param, 'the model does not think');
  return {};
}

function wishedEffort(given: unknown): Wish | undefined {
  if (given === 'none') return { kind: 'off', type: 'disabled', effort: undefined };
  const effort = effortIn(given);
  return effort && { kind: 'on', effort, display: SHOWN };
}

function effortIn(given: unknown): Effort | undefined {
  if (given === undefined || given === 'none') return undefined;
  const known = EFFORTS.find((one) => one === given);
  if (known === undefined) throw unsupportedValue('reasoning_effort', 'This effort is not known.');
  return known;
}

/** Newer models leave the text of their thinking out unless they are asked for it. */
const SHOWN = 'summarized';

/** Of `thinking` these members are taken: `type`, `budget_tokens`, `display`. */
function wishOf(own: Json, asking: ClaudeRequest): Wish {
  const { type, budget_tokens: budget, display, ...others } = own;
  const effort = effortIn(asking.get('reasoning_effort'));
  for (const member of Object.keys(others)) asking.drop(`thinking.${member}`);
  if (type === 'disabled' || type === 'between_tools') return { kind: 'off', type, effort };
  if (type !== 'adaptive' && type !== 'enabled') throw unsupportedValue('thinking.type', 'This thinking is not known.');
  const ofBudget = type === 'enabled' && typeof budget === 'number' ? { budget: Math.floor(budget) } : {};
  return { kind: 'on', type, effort, display: display === 'omitted' ? 'omitted' : SHOWN, ...ofBudget };
}

const adapted = (asking: ClaudeRequest, param: string, use: ThinkingUse, reason: string): ThinkingUse => {
  asking.adapt(param, use.thinking?.type ?? use.effort ?? 'no thinking', reason);
  return use;
};

/** What is left out stays on where the model thinks by itself, so it is switched off in so many words. */
function withoutThinking(asking: ClaudeRequest, wish: Off, param: string): ThinkingUse {
  const { thinking: accepted, thinksByDefault, efforts } = asking.claude;
  const [type] = [wish.type, 'disabled' as const, 'between_tools' as const].filter((one) => accepted.includes(one));
  if (type !== undefined) {
    const use = { thinking: { type }, ...calmEffort(asking, wish) };
    return type === wish.type ? use : adapted(asking, param, use, 'the least the model can think');
  }
  const [lowest] = efforts;
  if (!thinksByDefault || lowest === undefined) return {};
  return adapted(asking, param, { effort: lowest }, 'the model always thinks');
}

/** The effort beside thinking that is off, which some models bound. */
function calmEffort(asking: ClaudeRequest, { effort: wanted }: Off): { readonly effort?: string } {
  const { efforts, effortWithoutThinking: highest } = asking.claude;
  const offered = highest === undefined ? efforts : efforts.filter((effort) => rank(effort) <= rank(highest));
  const effort = wanted && nearestEffort(wanted, offered);
  if (effort === undefined) return {};
  if (effort !== wanted) asking.adapt('reasoning_effort', effort, 'the most the model has without thinking');
  return { effort };
}

function adaptiveThinking(asking: ClaudeRequest, wish: On, param: string): ThinkingUse {
  const wanted = wish.effort ?? (wish.budget === undefined ? undefined : effortOf(wish.budget));
  const effort = wanted && nearestEffort(wanted, asking.claude.efforts);
  if (effort !== wanted || wish.type === 'enabled')
    asking.adapt(param, effort ?? 'adaptive', 'the model has efforts of its own');
  return { thinking: { type: 'adaptive', display: wish.display }, ...(effort !== undefined && { effort }) };
}

const effortOf = (budget: number): Effort =>
  EFFORTS.find((effort) => effort !== 'max' && BUDGETS[effort] >= budget) ?? 'xhigh';

/** The highest effort the model has that is not above this one, else its lowest. */
function nearestEffort(wanted: Effort, efforts: readonly string[]): string | undefined {
  return efforts.findLast((effort) => rank(effort) <= rank(wanted)) ?? efforts[0];
}

const rank = (effort: string): number => EFFORTS.findIndex((one) => one === effort);

/** `max_tokens` holds the thinking too, as OpenAI's does: the budget is lowered, and the limit never raised. */
function thinkingByBudget(
  asking: ClaudeRequest,
  wish: On,
  { maxTokens, forced, lacksThinking, param }: Bounds,
): ThinkingUse {
  if (forced) return adapted(asking, param, {}, 'a model that must call a tool cannot think');
  if (lacksThinking) return adapted(asking, param, {}, 'the thinking of the last turn was not sent back');
  if (maxTokens <= LEAST_BUDGET) return adapted(asking, param, {}, 'the token limit leaves no room for it');
  const wanted = budgetOf(wish, asking);
  const budget = Math.max(LEAST_BUDGET, Math.min(wanted, maxTokens - 1));
  if (budget !== wanted) asking.adapt(param, String(budget), 'thinking counts towards the token limit');
  else if (wish.type === 'adaptive') asking.adapt(param, String(budget), 'the model thinks by a budget');
  return { thinking: { type: 'enabled', budget_tokens: budget, display: wish.display } };
}

function budgetOf({ budget, effort = 'high' }: On, { target }: ClaudeRequest): number {
  if (budget !== undefined) return budget;
  if (effort !== 'max') return BUDGETS[effort];
  return Math.floor((target.facts.maxOutputTokens ?? BUDGETS.xhigh * 2) / 2);
}
