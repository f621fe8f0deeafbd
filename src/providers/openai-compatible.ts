import type { CompatibleRow } from './compatible-row.js';
import { MODEL_SERVERS } from './model-servers.js';
import { effortWords, PENALTIES, SAMPLING, THINKING_ON_OR_OFF, THINKING_SWITCH, THREE_EFFORTS } from './quirk-words.js';

/** Facts by provider, from its own API reference. A field stands here only where the provider answers 400 to it. */
const SERVICES: readonly CompatibleRow[] = [
  {
    type: 'mistral',
    baseUrl: 'https://api.mistral.ai/v1',
    quirks: {
      noStreamOptions: true,
      renames: { seed: 'random_seed' },
      limit: 'max_tokens',
      refuses: ['logit_bias', 'top_logprobs', 'user', 'store', 'messages[].name'],
      lacks: ['logprobs'],
      toolChoice: { required: 'any' },
      temperature: { max: 1.5 },
      shortToolCallIds: true,
      replayReasoning: 'drop',
    },
  },
  {
    type: 'groq',
    baseUrl: 'https://api.groq.com/openai/v1',
    quirks: {
      refuses: ['logit_bias', 'top_logprobs', 'messages[].name'],
      lacks: ['n', 'logprobs'],
      replayReasoning: 'reasoning',
      models: [
        { match: /gpt-oss/, rules: { effort: THREE_EFFORTS } },
        {
          match: /qwen/,
          rules: {
            effort: effortWords({
              minimal: 'default',
              low: 'default',
              medium: 'default',
              high: 'default',
              xhigh: 'default',
              max: 'default',
            }),
          },
        },
      ],
    },
  },
  {
    type: 'deepseek',
    baseUrl: 'https://api.deepseek.com',
    baseUrlEnv: ['DEEPSEEK_BASE_URL', 'DEEPSEEK_API_BASE'],
    quirks: {
      limit: 'max_tokens',
      refuses: ['seed', 'logit_bias'],
      lacks: ['n'],
      schemaInWords: true,
      effort: { ...THINKING_SWITCH, ...effortWords({ minimal: 'low', medium: 'high', xhigh: 'max' }) },
      models: [{ match: /reasoner/, rules: { replayReasoning: 'drop', refuses: [...PENALTIES], lacks: ['logprobs'] } }],
    },
  },
  {
    type: 'xai',
    baseUrl: 'https://api.x.ai/v1',
    quirks: {
      refuses: ['logit_bias'],
      replayReasoning: 'drop',
      models: [
        {
          match: /grok-4\.20|grok-4-(0|fast)|^grok-4$/,
          rules: { refuses: ['reasoning_effort', 'stop', ...PENALTIES] },
        },
        {
          match: /grok-3-mini/,
          rules: {
            refuses: ['stop', ...PENALTIES],
            effort: effortWords({ minimal: 'low', medium: 'low', xhigh: 'high', max: 'high' }),
          },
        },
        { match: /grok-(4|code)/, rules: { refuses: ['stop', ...PENALTIES], effort: THREE_EFFORTS } },
      ],
    },
  },
  {
    type: 'openrouter',
    baseUrl: 'https://openrouter.ai/api/v1',
    quirks: { developerRole: true, replayReasoning: 'reasoning' },
  },
  {
    type: 'together',
    baseUrl: 'https://api.together.xyz/v1',
    keyEnv: ['TOGETHER_API_KEY', 'TOGETHERAI_API_KEY'],
    quirks: { limit: 'max_tokens', thinkTags: true },
  },
  {
    type: 'fireworks',
    baseUrl: 'https://api.fireworks.ai/inference/v1',
    quirks: { limit: 'max_tokens', effort: THREE_EFFORTS },
  },
  {
    type: 'perplexity',
    baseUrl: 'https://api.perplexity.ai',
    keyEnv: ['PERPLEXITY_API_KEY', 'PERPLEXITYAI_API_KEY'],
    quirks: {
      limit: 'max_tokens',
      noStreamOptions: true,
      thinkTags: true,
      refuses: ['seed', 'stop', 'logit_bias', 'top_logprobs'],
      lacks: ['n', 'logprobs', 'tools'],
      replayReasoning: 'drop',
    },
  },
  {
    type: 'cohere',
    baseUrl: 'https://api.cohere.ai/compatibility/v1',
    keyEnv: ['COHERE_API_KEY', 'CO_API_KEY'],
    quirks: {
      limit: 'max_tokens',
      refuses: [
        'logit_bias',
        'top_logprobs',
        'store',
        'metadata',
        'parallel_tool_calls',
        'service_tier',
        'prediction',
        'modalities',
      ],
      lacks: ['n'],
      temperature: { max: 1 },
      effort: effortWords({ minimal: 'none', low: 'high', medium: 'high', xhigh: 'high', max: 'high' }),
      replayReasoning: 'drop',
    },
  },
  {
    type: 'cerebras',
    baseUrl: 'https://api.cerebras.ai/v1',
    quirks: {
      limit: 'max_completion_tokens',
      refuses: [...PENALTIES, 'logit_bias', 'parallel_tool_calls', 'service_tier'],
      replayReasoning: 'reasoning',
      models: [
        { match: /gpt-oss/, rules: { effort: THREE_EFFORTS } },
        { match: /glm/, rules: { effort: { none: { disable_reasoning: true } } } },
      ],
    },
  },
  {
    type: 'nvidia',
    baseUrl: 'https://integrate.api.nvidia.com/v1',
    keyEnv: ['NVIDIA_API_KEY', 'NVIDIA_NIM_API_KEY'],
    quirks: { limit: 'max_tokens', thinkTags: true },
  },
  {
    type: 'moonshot',
    baseUrl: 'https://api.moonshot.ai/v1',
    quirks: {
      limit: 'max_tokens',
      refuses: ['seed', 'logit_bias'],
      lacks: ['n'],
      models: [
        {
          match: /k3/,
          rules: {
            refuses: [...SAMPLING],
            effort: effortWords({ none: 'low', minimal: 'low', medium: 'high', xhigh: 'max' }),
          },
        },
        {
          match: /k2\.[567]/,
          rules: {
            refuses: [...SAMPLING, 'reasoning_effort'],
            toolChoice: { required: 'auto' },
            effort: THINKING_SWITCH,
          },
        },
      ],
    },
  },
  {
    type: 'dashscope',
    baseUrl: 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1',
    keyEnv: ['DASHSCOPE_API_KEY', 'ALIBABA_API_KEY'],
    quirks: {
      limit: 'max_tokens',
      refuses: ['frequency_penalty', 'logit_bias'],
      toolChoice: { required: 'auto' },
      effort: {
        none: { enable_thinking: false },
        minimal: { enable_thinking: true, thinking_budget: 1024 },
        low: { enable_thinking: true, thinking_budget: 2048 },
        medium: { enable_thinking: true, thinking_budget: 8192 },
        high: { enable_thinking: true },
        xhigh: { enable_thinking: true },
        max: { enable_thinking: true },
      },
    },
  },
  {
    type: 'zai',
    baseUrl: 'https://api.z.ai/api/paas/v4',
    keyEnv: ['ZAI_API_KEY', 'ZHIPUAI_API_KEY'],
    headers: { 'accept-language': 'en-US' },
    quirks: {
      limit: 'max_tokens',
      refuses: ['seed', 'logit_bias', 'top_logprobs', ...PENALTIES],
      lacks: ['n', 'logprobs'],
      toolChoice: { required: 'auto', named: 'auto' },
      temperature: { min: 0.01, max: 1 },
      schemaInWords: true,
      models: [
        {
          match: /glm-5\.3/,
          rules: { effort: effortWords({ none: 'low', minimal: 'low', medium: 'high', xhigh: 'max' }) },
        },
        { match: /glm-5\.2/, rules: { effort: THINKING_SWITCH } },
        { match: /glm/, rules: { effort: THINKING_ON_OR_OFF } },
      ],
    },
  },
  {
    type: 'minimax',
    baseUrl: 'https://api.minimax.io/v1',
    quirks: {
      limit: 'max_completion_tokens',
      thinkTags: true,
      refuses: ['logit_bias', ...PENALTIES],
      lacks: ['n'],
      toolChoice: { required: 'auto', named: 'auto' },
      temperature: { min: 0.01, max: 1 },
    },
  },
  {
    type: 'sambanova',
    baseUrl: 'https://api.sambanova.ai/v1',
    quirks: { limit: 'max_tokens', thinkTags: true, refuses: ['logit_bias', 'seed', ...PENALTIES], lacks: ['n'] },
  },
  { type: 'huggingface', baseUrl: 'https://router.huggingface.co/v1', keyEnv: ['HF_TOKEN', 'HUGGINGFACE_API_KEY'] },
  {
    type: 'cloudflare',
    baseUrl: 'https://api.cloudflare.com/client/v4/accounts/{accountId}/ai/v1',
    keyEnv: ['CLOUDFLARE_API_TOKEN', 'CLOUDFLARE_API_KEY'],
    settings: { accountId: { env: 'CLOUDFLARE_ACCOUNT_ID', kind: 'string' } },
    quirks: { limit: 'max_tokens', lacks: ['n', 'logprobs'] },
  },
];

/** Every provider that is a row, in the order in which the environment is searched. */
export const COMPATIBLE_ROWS: readonly CompatibleRow[] = [...SERVICES, ...MODEL_SERVERS];
