import { ClaudeRequest } from '../../claude/claude-request.js';
import { thinkingUseOf, type ThinkingUse } from '../../claude/thinking.js';
import { isObject } from '../../json.js';
import type { Turn } from '../wire.js';
import { unsupported, type ConverseDraft } from './draft.js';

export interface Circumstances {
  readonly turns: readonly Turn[];
  readonly carriesState: boolean;
  readonly forced: boolean;
}

/** What else must go or stay because of how the model thinks. */
export interface Thinking {
  /** The model takes no temperature, top_p or top_k while it thinks. */
  readonly noSampling: boolean;
  /** Nor a limit of tokens. */
  readonly noLimit: boolean;
}

const FREE: Thinking = { noSampling: false, noLimit: false };
const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'];

/** `reasoning_effort` in the words of each family (Bedrock reference §2.4). */
export function translateThinking(draft: ConverseDraft, around: Circumstances): Thinking {
  const { facts, request } = draft;
  if (facts.thinking === 'claude') return claudeThinking(draft, around);
  if (request['thinking'] != null) draft.drop('thinking', 'the words of another family of models');
  const effort = request.reasoning_effort;
  if (effort === null || effort === undefined) return FREE;
  if (!EFFORTS.includes(effort)) throw unsupported('reasoning_effort', 'this effort', 'unsupported_value');
  switch (facts.thinking) {
    case 'gpt-oss':
      draft.additional['reasoning_effort'] = bounded(draft, effort);
      return FREE;
    case 'gpt':
      draft.additional['reasoning'] = { effort };
      return FREE;
    case 'nova':
      return novaThinking(draft, effort);
    case undefined:
      if (effort !== 'none') draft.drop('reasoning_effort', 'the model cannot be told how much to think');
      return FREE;
    default:
      return facts.thinking satisfies never;
  }
}

function bounded(draft: ConverseDraft, effort: string): string {
  const known = { none: 'low', minimal: 'low', xhigh: 'high', max: 'high' }[effort] ?? effort;
  if (known !== effort) draft.adapt('reasoning_effort', known, 'the model knows low, medium and high');
  return known;
}

function novaThinking(draft: ConverseDraft, effort: string): Thinking {
  if (effort === 'none') {
    draft.additional['reasoningConfig'] = { type: 'disabled' };
    return FREE;
  }
  const maxReasoningEffort = bounded(draft, effort);
  draft.additional['reasoningConfig'] = { type: 'enabled', maxReasoningEffort };
  return { noSampling: maxReasoningEffort === 'high', noLimit: maxReasoningEffort === 'high' };
}

/** Claude is told as in its own dialect, and what is sent goes beside Converse's own fields. */
function claudeThinking(draft: ConverseDraft, { turns, carriesState, forced }: Circumstances): Thinking {
  const { request, target } = draft;
  const translation = new ClaudeRequest(request, target);
  const last = turns.findLast(({ role }) => role === 'assistant');
  const use = thinkingUseOf(translation, {
    maxTokens: request.max_completion_tokens ?? request.max_tokens ?? target.facts.maxOutputTokens ?? Infinity,
    forced,
    prefilled: turns.at(-1)?.role === 'assistant',
    lacksThinking: !carriesState && last?.content.some((block) => 'toolUse' in block) === true,
  });
  draft.include(translation.changes);
  const thinking = boundThinking(draft, use, carriesState);
  if (thinking !== undefined) draft.additional['thinking'] = thinking;
  if (use.effort !== undefined) draft.addTo('output_config', { effort: use.effort });
  return { noSampling: thinking !== undefined && thinking.type !== 'disabled', noLimit: false };
}

/** Thinking that no longer fits its conversation is left out instead of being refused (Anthropic reference §3; §6 here). */
function boundThinking(draft: ConverseDraft, { thinking }: ThinkingUse, carriesState: boolean) {
  const { claude, additional } = draft;
  const sent = thinking ?? { type: 'adaptive' as const };
  if (!carriesState || claude?.boundThinking !== true || sent.type !== 'adaptive') return thinking;
  const betas = Array.isArray(additional['anthropic_beta']) ? (additional['anthropic_beta'] as unknown[]) : [];
  additional['anthropic_beta'] = [...new Set([...betas, 'thinking-binding-controls-2026-08-01'])];
  return { ...sent, block_binding: { mismatch_behavior: 'drop_block' } };
}

/** Thinking by a budget, which allows no tool to be forced: then JSON is better asked for in words. */
export function thinksByBudget({ claude, request }: ConverseDraft): boolean {
  const own = request['thinking'];
  const wished = isObject(own)
    ? own['type'] !== 'disabled'
    : request.reasoning_effort != null && request.reasoning_effort !== 'none';
  return wished && claude !== undefined && claude.thinking.includes('enabled') && !claude.thinking.includes('adaptive');
}
