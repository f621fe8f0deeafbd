import type { Quirks } from '../protocols/openai-chat/index.js';
import { PENALTIES, SAMPLING, UNLESS_REASONING } from './quirk-words.js';

/** Models that can be told not to reason, and then take what others take. */
const MAY_REASON = {
  limit: 'max_completion_tokens',
  refuses: [...PENALTIES, 'logit_bias', 'stop'],
  refusesWhileReasoning: UNLESS_REASONING,
} as const;

/** What OpenAI's own models refuse, by model; Azure serves the same models. */
export const OPENAI_QUIRKS: Quirks = {
  developerRole: true,
  replayReasoning: 'drop',
  models: [
    // Chat variants of the newer models do not reason.
    { match: /^gpt-\d+(\.\d+)?-chat/, rules: { limit: 'max_completion_tokens' } },
    {
      match: /^o1-(mini|preview)/,
      rules: { limit: 'max_completion_tokens', developerRole: false, refuses: [...SAMPLING, 'parallel_tool_calls'] },
    },
    { match: /^o1/, rules: { limit: 'max_completion_tokens', refuses: [...SAMPLING, 'parallel_tool_calls'] } },
    {
      match: /^o[2-9]/,
      rules: { limit: 'max_completion_tokens', refuses: [...SAMPLING, 'parallel_tool_calls', 'stop'] },
    },
    { match: /^gpt-5\.6/, rules: { ...MAY_REASON, toolsWithoutReasoning: true } },
    { match: /^gpt-5\.[1-5]/, rules: MAY_REASON },
    {
      match: /^gpt-6\.1-terra|^gpt-6-(sol|luna)/,
      rules: { ...MAY_REASON, refuses: [...MAY_REASON.refuses, 'prompt_cache_retention'] },
    },
    {
      match: /^gpt-6/,
      rules: { limit: 'max_completion_tokens', refuses: [...SAMPLING, 'stop', 'prompt_cache_retention'] },
    },
    { match: /^gpt-([5-9]|\d\d)/, rules: { limit: 'max_completion_tokens', refuses: [...SAMPLING, 'stop'] } },
    { match: /-search-preview/, rules: { refuses: [...SAMPLING], lacks: ['n'] } },
  ],
};
