import { expect } from '@jest/globals';

export const HI = { role: 'user', content: 'hi' };

export type Fields = Readonly<Record<string, unknown>>;
/** What a client gives for a model, what of it the provider gets, and what the client is told of the difference. */
export type Row = [
  model: string,
  given: Fields,
  sent: Fields,
  dropped?: string | undefined,
  adapted?: string | undefined,
];

export const TOOLS = [{ type: 'function', function: { name: 'f' } }];
export const NAMED = { type: 'function', function: { name: 'f' } };
const SCHEMA = { type: 'json_schema', json_schema: { name: 's', schema: { type: 'object' } } };
const gone = undefined;
/** A turn with all that providers disagree on. */
const turn = (more: object) => ({ role: 'assistant', content: 'a', ...more });

export const LIMITS: Row[] = [
  ...['mistral', 'deepseek', 'together', 'fireworks', 'perplexity', 'cohere', 'nvidia', 'moonshot', 'dashscope'],
  ...['zai', 'sambanova', 'cloudflare', 'plain'],
]
  .map((type): Row => [
    `${type}/m`,
    { max_completion_tokens: 5 },
    { max_tokens: 5, max_completion_tokens: gone },
    gone,
    'max_completion_tokens',
  ])
  .concat(
    ['cerebras/m', 'minimax/m', 'openai/o3', 'openai/gpt-5', 'openai/gpt-5.1', 'openai/gpt-5-chat-latest', 'az/d'].map(
      (model): Row => [model, { max_tokens: 5 }, { max_completion_tokens: 5, max_tokens: gone }, gone, 'max_tokens'],
    ),
    [
      'openai/gpt-4o',
      'groq/m',
      'xai/m',
      'openrouter/m',
      'huggingface/m',
      'ollama/m',
      'vllm/m',
      'lm-studio/m',
      'llama-cpp/m',
    ].map((model): Row => [model, { max_tokens: 5 }, { max_tokens: 5, max_completion_tokens: gone }]),
    [
      [
        'openai/gpt-4o',
        { max_tokens: 5, max_completion_tokens: 6 },
        { max_tokens: gone, max_completion_tokens: 6 },
        'max_tokens',
      ],
      ['openai/gpt-4o', { max_tokens: 5, max_completion_tokens: 5 }, { max_tokens: gone, max_completion_tokens: 5 }],
      ['openai/gpt-4o', { max_tokens: null, max_completion_tokens: 6 }, { max_tokens: gone, max_completion_tokens: 6 }],
    ],
  );

export const DROPS: Row[] = [
  [
    'openai/o3',
    { temperature: 1, parallel_tool_calls: true, tools: TOOLS },
    { temperature: gone, parallel_tool_calls: gone, tools: TOOLS },
    'temperature,parallel_tool_calls',
  ],
  ['openai/gpt-5', { top_p: 1, logit_bias: { 5: 1 } }, { top_p: gone, logit_bias: gone }, 'top_p,logit_bias'],
  ['openai/o1', { stop: 'x' }, { stop: 'x' }],
  ['openai/o4-mini', { stop: 'x' }, { stop: gone }, 'stop'],
  ['openai/gpt-5', { stop: 'x' }, { stop: gone }, 'stop'],
  ['openai/gpt-6.1-sol', { prompt_cache_retention: '24h' }, { prompt_cache_retention: gone }, 'prompt_cache_retention'],
  ['openai/gpt-6-luna', { prompt_cache_retention: '24h' }, { prompt_cache_retention: gone }, 'prompt_cache_retention'],
  [
    'openai/gpt-5.2',
    { reasoning_effort: 'low', temperature: 1, top_p: 1 },
    { reasoning_effort: 'low', temperature: gone, top_p: gone },
    'temperature,top_p',
  ],
  [
    'openai/gpt-6-sol',
    { reasoning_effort: 'none', temperature: 1, stop: 'x' },
    { reasoning_effort: 'none', temperature: 1, stop: gone },
    'stop',
  ],
  [
    'openai/gpt-5.1',
    { temperature: 1, presence_penalty: 1 },
    { temperature: 1, presence_penalty: gone },
    'presence_penalty',
  ],
  [
    'openai/gpt-4o',
    { temperature: 1, logit_bias: { 5: 1 }, seed: 1 },
    { temperature: 1, logit_bias: { 5: 1 }, seed: 1 },
  ],
  [
    'mistral/m',
    { logit_bias: {}, user: 'u', store: true },
    { logit_bias: gone, user: gone, store: gone },
    'logit_bias,user,store',
  ],
  ['groq/m', { logit_bias: {}, n: 1 }, { logit_bias: gone, n: gone }, 'logit_bias'],
  [
    'deepseek/deepseek-chat',
    { seed: 1, logit_bias: {}, presence_penalty: 1 },
    { seed: gone, logit_bias: gone, presence_penalty: 1 },
    'seed,logit_bias',
  ],
  [
    'xai/grok-4',
    { stop: 'x', reasoning_effort: 'low' },
    { stop: gone, reasoning_effort: gone },
    'reasoning_effort,stop',
  ],
  ['perplexity/m', { seed: 1, stop: 'x' }, { seed: gone, stop: gone }, 'seed,stop'],
  ['cohere/m', { metadata: {}, service_tier: 'auto' }, { metadata: gone, service_tier: gone }, 'metadata,service_tier'],
  [
    'cerebras/m',
    { presence_penalty: 1, service_tier: 'auto' },
    { presence_penalty: gone, service_tier: gone },
    'presence_penalty,service_tier',
  ],
  ['moonshot/kimi-k2.5', { temperature: 1 }, { temperature: gone }, 'temperature'],
  [
    'dashscope/m',
    { frequency_penalty: 1, presence_penalty: 1 },
    { frequency_penalty: gone, presence_penalty: 1 },
    'frequency_penalty',
  ],
  ['zai/m', { seed: 1, presence_penalty: 1 }, { seed: gone, presence_penalty: gone }, 'seed,presence_penalty'],
  ['minimax/m', { logit_bias: {} }, { logit_bias: gone }, 'logit_bias'],
  ['sambanova/m', { seed: 1 }, { seed: gone }, 'seed'],
  ['vllm/m', { seed: 1, top_k: 5, guided_json: {} }, { seed: 1, top_k: 5, guided_json: {} }],
];

export const ADAPTS: Row[] = [
  ['mistral/m', { seed: 7 }, { random_seed: 7, seed: gone }],
  ['mistral/m', { tools: TOOLS, tool_choice: 'required' }, { tool_choice: 'any' }],
  ['mistral/m', { temperature: 2 }, { temperature: 1.5 }, gone, 'temperature'],
  ['cohere/m', { temperature: 2 }, { temperature: 1 }, gone, 'temperature'],
  ['zai/m', { temperature: 0 }, { temperature: 0.01 }, gone, 'temperature'],
  ['openai/gpt-5.6-sol', { tools: TOOLS }, { reasoning_effort: 'none' }, gone, 'reasoning_effort'],
  ['openai/gpt-5.6-sol', { reasoning_effort: 'low' }, { reasoning_effort: 'low' }],
  ['dashscope/m', { tools: TOOLS, tool_choice: NAMED }, { tool_choice: NAMED }],
  ['groq/openai/gpt-oss-20b', { reasoning_effort: 'max' }, { reasoning_effort: 'high' }, gone, 'reasoning_effort'],
  ['groq/qwen/qwen3-32b', { reasoning_effort: 'high' }, { reasoning_effort: 'default' }, gone, 'reasoning_effort'],
  [
    'deepseek/m',
    { reasoning_effort: 'none' },
    { thinking: { type: 'disabled' }, reasoning_effort: gone },
    gone,
    'reasoning_effort',
  ],
  [
    'dashscope/m',
    { reasoning_effort: 'low' },
    { enable_thinking: true, thinking_budget: 2048 },
    gone,
    'reasoning_effort',
  ],
  [
    'dashscope/m',
    { reasoning_effort: 'low', thinking_budget: 9 },
    { enable_thinking: true, thinking_budget: 9 },
    gone,
    'reasoning_effort',
  ],
  ['cerebras/zai-glm-4.7', { reasoning_effort: 'none' }, { disable_reasoning: true }, gone, 'reasoning_effort'],
  [
    'zai/m',
    { response_format: SCHEMA },
    {
      response_format: { type: 'json_object' },
      messages: [{ role: 'system', content: expect.stringContaining('{"type":"object"}') }, HI],
    },
    gone,
    'response_format',
  ],
  [
    'openai/gpt-4o',
    { response_format: SCHEMA, reasoning_effort: 'max' },
    { response_format: SCHEMA, reasoning_effort: 'max' },
  ],
  [
    'vllm/m',
    { tools: [], tool_choice: 'auto', parallel_tool_calls: null, stop: [] },
    { tools: gone, tool_choice: gone, parallel_tool_calls: gone, stop: gone },
  ],
  ['vllm/m', { stream: false, stream_options: { include_usage: true } }, { stream: false, stream_options: gone }],
];

const CALL = { id: 'call_abcdefghijklmnop', type: 'function', function: { name: 'f', arguments: '{"a": 1.0}' } };
const short = expect.stringMatching(/^[a-z0-9]{9}$/);

export const MESSAGES: Row[] = [
  ['vllm/m', { messages: [{ role: 'developer', content: 'a' }] }, { messages: [{ role: 'system', content: 'a' }] }],
  [
    'openai/gpt-5',
    { messages: [{ role: 'developer', content: 'a' }] },
    { messages: [{ role: 'developer', content: 'a' }] },
  ],
  [
    'openai/o1-mini',
    { messages: [{ role: 'developer', content: 'a' }] },
    { messages: [{ role: 'system', content: 'a' }] },
  ],
  ['openai/gpt-4o', { messages: [turn({ tool_calls: [] })] }, { messages: [turn({})] }],
  ['groq/m', { messages: [HI, { ...HI, name: 'bob' }] }, { messages: [HI, HI] }, 'messages[1].name'],
  [
    'mistral/m',
    { messages: [turn({ tool_calls: [CALL] }), { role: 'tool', tool_call_id: CALL.id, content: 'r', name: 'f' }] },
    {
      messages: [
        turn({ tool_calls: [{ ...CALL, id: short }] }),
        { role: 'tool', tool_call_id: short, content: 'r', name: 'f' },
      ],
    },
  ],
  ['deepseek/m', { messages: [turn({ reasoning_content: 'r' })] }, { messages: [turn({ reasoning_content: 'r' })] }],
  [
    'deepseek/deepseek-reasoner',
    { messages: [turn({ reasoning_content: 'r' })] },
    { messages: [turn({})] },
    'messages[0].reasoning_content',
  ],
  ['groq/m', { messages: [turn({ reasoning_content: 'r' })] }, { messages: [turn({ reasoning: 'r' })] }],
  [
    'openrouter/m',
    { messages: [turn({ reasoning_content: 'r', reasoning_details: [{ id: 1 }] })] },
    { messages: [turn({ reasoning: 'r', reasoning_details: [{ id: 1 }] })] },
  ],
];
