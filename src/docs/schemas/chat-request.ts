import {
  anyObject,
  atLeast,
  between,
  choice,
  either,
  flag,
  integer,
  listOf,
  mapOf,
  number,
  object,
  only,
  ref,
  request,
  text,
  type Schema,
  type Schemas,
} from './schema.js';

const old = (schema: Schema): Schema => ({ ...schema, deprecated: true });

const LENGTH: Schemas = {
  max_completion_tokens: atLeast(integer('The most tokens of the answer, hidden reasoning included.'), 1),
  max_tokens: old(atLeast(integer('The older name; sent under the name the model knows.'), 1)),
  stop: either([{ type: 'string' }, listOf({ type: 'string' })], 'Up to four texts at which the answer ends.'),
};

const SAMPLING: Schemas = {
  temperature: between(number(), 0, 2),
  top_p: between(number(), 0, 1),
  presence_penalty: between(number(), -2, 2),
  frequency_penalty: between(number(), -2, 2),
  logit_bias: mapOf(number(), 'Token id to bias, -100 to 100.'),
  seed: old(integer()),
  n: between(integer('How many answers.'), 1, 128),
  logprobs: flag(),
  top_logprobs: between(integer('Needs `logprobs`.'), 0, 20),
};

const TOOLS: Schemas = {
  tools: listOf(ref('Tool')),
  tool_choice: ref('ToolChoice'),
  parallel_tool_calls: flag('More than one call in an answer. True where nothing is said.'),
  functions: old(listOf(anyObject())),
  function_call: old(either([choice(['none', 'auto']), object({ name: text() })])),
};

const REASONING: Schemas = {
  reasoning_effort: choice(
    ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'],
    'How much the model thinks before it answers. Which of these a model takes differs.',
  ),
  verbosity: choice(['low', 'medium', 'high']),
};

const STREAMING: Schemas = {
  stream: flag('Answer with server-sent events as the text comes.'),
  stream_options: request(
    {},
    {
      include_usage: flag('One more chunk at the end, with `usage` and no choices.'),
      include_obfuscation: flag(),
    },
  ),
};

const MEDIA: Schemas = {
  modalities: listOf(choice(['text', 'audio'])),
  audio: object({
    format: choice(['wav', 'aac', 'mp3', 'flac', 'opus', 'pcm16']),
    voice: either([{ type: 'string' }, object({ id: text() })]),
  }),
  prediction: object({ type: only('content'), content: either([{ type: 'string' }, listOf(ref('TextPart'))]) }),
  web_search_options: request(
    {},
    {
      search_context_size: choice(['low', 'medium', 'high']),
      user_location: object({ type: only('approximate'), approximate: anyObject() }),
    },
  ),
};

const ACCOUNT: Schemas = {
  metadata: mapOf({ type: 'string' }, 'At most 16 pairs.'),
  store: flag(),
  service_tier: text('`auto`, `default`, `flex`, `scale`, `priority` or `fast`.'),
  prompt_cache_key: text(),
  prompt_cache_options: request({}, { mode: choice(['implicit', 'explicit']), ttl: text() }),
  prompt_cache_retention: old(text()),
  safety_identifier: { ...text(), maxLength: 128 },
  moderation: anyObject(),
  user: old(text()),
};

const MESSAGES: Schemas = { messages: { ...listOf(ref('Message')), minItems: 1 } };
const MODEL = { ...text('A name from `GET /v1/models`, or `provider/model`.'), minLength: 1 };

const OPTIONS: Schemas = {
  ...STREAMING,
  ...LENGTH,
  ...SAMPLING,
  ...TOOLS,
  response_format: ref('ResponseFormat'),
  ...REASONING,
  ...MEDIA,
  ...ACCOUNT,
  simulator: ref('SimulatorOptions'),
};

const OPEN =
  'Everything OpenAI documents is accepted. `null` is the same as leaving a field out. Fields that are not named here are forwarded to providers of the OpenAI family.';

/** The body of a chat completion. */
export const chatRequestSchemas: Schemas = {
  ChatCompletionRequest: request({ model: MODEL, ...MESSAGES }, OPTIONS, OPEN),
  AzureChatCompletionRequest: request(
    MESSAGES,
    { model: MODEL, ...OPTIONS },
    `The model may stand in the path alone. ${OPEN}`,
  ),
  SimulatorOptions: request(
    {},
    {
      text: text('The answer.'),
      seed: integer('The same seed gives the same text.'),
      tokens: atLeast(integer('How long the answer is.'), 0),
      first_token_ms: atLeast(number('Wait before the answer begins.'), 0),
      chunk_ms: atLeast(number('Wait before each further chunk.'), 0),
      fault: choice(['429', '500', '503', 'stall', 'cut', 'slow'], 'What goes wrong.'),
      after_chunks: atLeast(integer('When it goes wrong.'), 0),
    },
    'Steers the built-in simulator; other models do not see it.',
  ),
};
