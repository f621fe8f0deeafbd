import {
  anyObject,
  choice,
  either,
  integer,
  listOf,
  nullable,
  number,
  object,
  only,
  ref,
  text,
  type Schema,
  type Schemas,
} from './schema.js';
import { FINISH_REASONS } from '../../domain/chat.js';

const finishReason: Schema = choice(FINISH_REASONS);

const HEAD: Schemas = {
  id: text(),
  created: integer('Unix seconds.'),
  model: text('What the provider says answered.'),
};

const EXTRAS: Schemas = {
  service_tier: nullable(text()),
  system_fingerprint: { ...nullable(text()), deprecated: true },
  moderation: nullable(anyObject()),
};

const TOKEN_LOGPROB: Schemas = { token: text(), logprob: number(), bytes: nullable(listOf({ type: 'integer' })) };

/** What a chat completion answers, whole and in chunks. */
export const chatResponseSchemas: Schemas = {
  ChatCompletion: object(
    {
      ...HEAD,
      object: only('chat.completion'),
      choices: { ...listOf(ref('Choice')), minItems: 1 },
    },
    { usage: ref('Usage'), ...EXTRAS },
  ),
  Choice: object(
    { index: integer(), message: ref('ResponseMessage'), finish_reason: finishReason },
    { logprobs: nullable(ref('Logprobs')) },
  ),
  ResponseMessage: object(
    { role: only('assistant'), content: nullable(text()) },
    {
      refusal: nullable(text()),
      reasoning_content: text('What the model thought, where the provider tells.'),
      tool_calls: listOf(ref('ToolCall')),
      annotations: listOf(ref('Annotation')),
      audio: nullable(object({ id: text(), data: text(), expires_at: integer(), transcript: text() })),
      function_call: { ...nullable(object({ name: text(), arguments: text() })), deprecated: true },
    },
  ),
  Annotation: object(
    { type: only('url_citation') },
    { url_citation: object({ start_index: integer(), end_index: integer(), url: text(), title: text() }) },
  ),
  Logprobs: object({
    content: nullable(listOf(ref('TokenLogprob'))),
    refusal: nullable(listOf(ref('TokenLogprob'))),
  }),
  TokenLogprob: object({ ...TOKEN_LOGPROB, top_logprobs: listOf(object(TOKEN_LOGPROB)) }),
  ChatCompletionChunk: object(
    { ...HEAD, object: only('chat.completion.chunk'), choices: listOf(ref('ChunkChoice')) },
    { usage: nullable(ref('Usage')), obfuscation: text(), ...EXTRAS },
    'One event of a stream. `id`, `created` and `model` are the same in all of them.',
  ),
  ChunkChoice: object(
    { index: integer(), delta: ref('Delta'), finish_reason: nullable(finishReason) },
    { logprobs: nullable(ref('Logprobs')) },
  ),
  Delta: object(
    {},
    {
      role: only('assistant'),
      content: nullable(text()),
      refusal: nullable(text()),
      reasoning_content: text(),
      tool_calls: listOf(ref('ToolCallDelta')),
      annotations: listOf(anyObject()),
      audio: anyObject(),
      function_call: { ...anyObject(), deprecated: true },
    },
    'What this chunk adds.',
  ),
  ToolCallDelta: object(
    { index: integer('Which call of the answer this belongs to.') },
    {
      id: text('Only in the first piece of a call, like `type` and the name.'),
      type: choice(['function', 'custom']),
      function: object({}, { name: text(), arguments: text('A piece of the JSON.') }),
      custom: object({}, { name: text(), input: text() }),
    },
  ),
  Usage: object(
    {
      prompt_tokens: integer('Cached ones included.'),
      completion_tokens: integer('Reasoning included.'),
      total_tokens: integer(),
    },
    {
      prompt_tokens_details: nullable(details('cached_tokens', 'cache_write_tokens', 'audio_tokens')),
      completion_tokens_details: nullable(
        details('reasoning_tokens', 'audio_tokens', 'accepted_prediction_tokens', 'rejected_prediction_tokens'),
      ),
    },
    'Tokens, as the provider counted them.',
  ),
  Error: object(
    {
      error: object({
        message: text(),
        type: text('`invalid_request_error`, `server_error`, `requests`, `tokens`, `insufficient_quota` …'),
        param: nullable(text('The path of the field that is wrong: `messages[1].content`.')),
        code: nullable(text('`model_not_found`, `context_length_exceeded`, `rate_limit_exceeded` …')),
      }),
    },
    {},
    'Every failure has this form. In a stream that has begun it is one last event.',
  ),
  StreamEvent: either(
    [ref('ChatCompletionChunk'), ref('Error')],
    'The data of one event. After the last one comes `data: [DONE]`, unless it is an error.',
  ),
};

function details(...names: readonly string[]): Schema {
  return object({}, Object.fromEntries(names.map((name) => [name, integer()])));
}
