import type { Quirks } from '../protocols/openai-chat/index.js';
import { PENALTIES, SAMPLING } from './quirk-words.js';

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
    { match: /^o[1-9]/, rules: { limit: 'max_completion_tokens', refuses: [...SAMPLING, 'parallel_tool_calls'] } },
    {
      match: /^gpt-5(\.[1-6])|^gpt-6\.1-terra|^gpt-6-(sol|luna)/,
      rules: { limit: 'max_completion_tokens', refuses: [...PENALTIES, 'logit_bias'] },
    },
    { match: /^gpt-([5-9]|\d\d)/, rules: { limit: 'max_completion_tokens', refuses: [...SAMPLING] } },
    { match: /-search-preview/, rules: { refuses: [...SAMPLING, 'n'] } },
  ],
};
