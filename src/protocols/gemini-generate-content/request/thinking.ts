import type { GeminiFacts } from '../../../domain/model-facts.js';
import { isObject, type Json } from '../../json.js';
import { textOf } from '../wire.js';
import { googleFields } from './fields.js';
import type { Scope } from './scope.js';

type Thinking = NonNullable<GeminiFacts['thinking']>;

/** What a client wants of the model's thinking, and by which field it said so. */
interface Wish {
  readonly path: string;
  /** An effort by name, or tokens. */
  readonly effort: string | number | undefined;
  readonly show: boolean;
}

/** `thinkingConfig` (Gemini reference §2.6); undefined leaves it to the model. */
export function thinkingOf(scope: Scope): Json | undefined {
  const native = nativeConfig(scope);
  const wish = wishIn(scope);
  reportUnheard(scope, native === undefined ? wish?.path : 'thinking_config');
  if (native !== undefined) return native;
  if (wish === undefined) return undefined;
  const { thinking } = scope.facts;
  if (thinking === null) {
    if (wish.effort !== 'none') scope.report.drop(wish.path, 'This model does not think.');
    return undefined;
  }
  const amount = wish.effort === undefined ? {} : amountOf(wish.effort, thinking, { scope, path: wish.path });
  return { ...(wish.show && { includeThoughts: true }), ...amount };
}

/** Clients say it in several ways at once, and one is heard. */
function reportUnheard({ request, report }: Scope, heard: string | undefined): void {
  for (const field of ['reasoning_effort', 'reasoning', 'thinking'])
    if (heard !== undefined && field !== heard && request[field] != null) report.drop(field, `\`${heard}\` counts.`);
}

/** What clients of Google's compatibility layer send. */
function nativeConfig({ request }: Scope): Json | undefined {
  const google = googleFields(request);
  const config = google['thinking_config'] ?? google['thinkingConfig'];
  return isObject(config) ? config : undefined;
}

function wishIn({ request }: Scope): Wish | undefined {
  const effort = textOf(request.reasoning_effort);
  const mayShow = request['include_reasoning'] !== false;
  if (effort !== undefined) return { path: 'reasoning_effort', effort, show: mayShow && effort !== 'none' };
  const { reasoning, thinking } = request;
  if (isObject(reasoning)) {
    const wanted = reasoning['enabled'] === false ? 'none' : (reasoning['effort'] ?? reasoning['max_tokens']);
    const known = typeof wanted === 'string' || typeof wanted === 'number' ? wanted : undefined;
    return { path: 'reasoning', effort: known, show: known !== 'none' && reasoning['exclude'] !== true };
  }
  if (isObject(thinking)) {
    const budget = thinking['budget_tokens'];
    const wanted = thinking['type'] === 'disabled' ? 'none' : typeof budget === 'number' ? budget : undefined;
    return { path: 'thinking', effort: wanted, show: wanted !== 'none' };
  }
  return request['include_reasoning'] === true
    ? { path: 'include_reasoning', effort: undefined, show: true }
    : undefined;
}

interface Place {
  readonly scope: Scope;
  readonly path: string;
}

const amountOf = (effort: string | number, thinking: Thinking, place: Place): Json =>
  thinking.kind === 'level'
    ? { thinkingLevel: levelFor(effort, thinking.levels, place) }
    : { thinkingBudget: budgetFor(effort, thinking, place) };

const LEVELS = ['MINIMAL', 'LOW', 'MEDIUM', 'HIGH', 'XHIGH'];

/** The lowest level the model has that is no less than the one asked for, else its highest. */
function levelFor(effort: string | number, levels: readonly string[], { scope, path }: Place): string {
  const asked = typeof effort === 'number' ? levelOfBudget(effort) : effort.toUpperCase();
  const rank = asked === 'NONE' ? 0 : asked === 'MAX' ? LEVELS.length - 1 : LEVELS.indexOf(asked);
  const level = levels.find((each) => rank !== -1 && LEVELS.indexOf(each) >= rank) ?? levels.at(-1) ?? 'HIGH';
  if (level !== asked) scope.report.adapt(path, level, 'The model has other levels of thinking.');
  return level;
}

const levelOfBudget = (tokens: number): string =>
  tokens <= 0 ? 'NONE' : tokens <= BUDGETS.low ? 'LOW' : tokens <= BUDGETS.medium ? 'MEDIUM' : 'HIGH';

const BUDGETS = { minimal: 512, low: 1024, medium: 8192, high: 24_576 } as const;

function budgetFor(
  effort: string | number,
  { least, most, canBeOff }: Thinking & { kind: 'budget' },
  place: Place,
): number {
  const wanted = tokensFor(effort, most);
  const budget = wanted <= 0 && canBeOff ? 0 : Math.min(Math.max(wanted, least), most);
  if (wanted <= 0 && !canBeOff) place.scope.report.adapt(place.path, `${budget} tokens`, 'This model always thinks.');
  else if (typeof effort === 'number' && budget !== effort) place.scope.report.adapt(place.path, `${budget} tokens`);
  return budget;
}

function tokensFor(effort: string | number, most: number): number {
  if (typeof effort === 'number') return Math.floor(effort);
  if (effort === 'none') return 0;
  return Object.hasOwn(BUDGETS, effort) ? BUDGETS[effort as keyof typeof BUDGETS] : most;
}
