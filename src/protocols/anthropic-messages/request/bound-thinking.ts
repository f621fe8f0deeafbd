import type { ThinkingUse } from '../../claude/thinking.js';
import type { Translation } from './translation.js';

/** Thinking that its model binds to its conversation: what no longer fits is left out instead of being refused (Anthropic reference §3). */
export function boundThinking(use: ThinkingUse, translation: Translation, replays: boolean): ThinkingUse {
  const { thinking = { type: 'adaptive' as const } } = use;
  const binds = replays && translation.claude.boundThinking && translation.host === 'anthropic';
  if (!binds || thinking.type !== 'adaptive') return use;
  translation.needs('thinking-binding-controls-2026-08-01');
  return { ...use, thinking: { ...thinking, block_binding: { prefix_mismatch_behavior: 'drop_block' } } };
}
