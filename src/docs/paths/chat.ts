import { CHAT_REQUEST_HEADERS, COMMON_HEADERS, LIMIT_HEADERS, TARGET_HEADERS } from '../headers.js';
import { either, ref, text } from '../schemas/schema.js';
import { failures, json, VIRTUAL_KEY, type Operation, type Paths } from './operation.js';

const EXAMPLE = { model: 'gpt-4o', messages: [{ role: 'user', content: 'Say hello.' }] };

const create: Operation = {
  operationId: 'createChatCompletion',
  summary: 'Answer a conversation',
  description:
    'Sends the conversation to the model behind `model`, at whichever provider that is, and answers as OpenAI does. With `stream` the answer comes as server-sent events: one `data:` line and a blank line each, `: keep-alive` comments in silence, `data: [DONE]` at the end. A stream that breaks ends with an error event and without `[DONE]`. JSON that the provider does not see to itself is checked before any of it is sent: one that is not what `response_format` asked for is a 502 `invalid_structured_output`. Also at `/chat/completions` and `/openai/v1/chat/completions`.',
  tags: ['Chat'],
  security: VIRTUAL_KEY,
  parameters: CHAT_REQUEST_HEADERS,
  requestBody: { required: true, content: json(ref('ChatCompletionRequest'), EXAMPLE) },
  responses: {
    200: {
      description:
        'The answer, or with `stream` the chunks of it; with `x-parley-explain` what would become of the request.',
      headers: { ...COMMON_HEADERS, ...LIMIT_HEADERS, ...TARGET_HEADERS },
      content: {
        ...json(either([ref('ChatCompletion'), ref('Explanation')])),
        'text/event-stream': { schema: ref('StreamEvent') },
      },
    },
    ...failures(400, 401, 403, 404, 413, 415, 429, 500, 502, 503, 504),
  },
};

/** The mission. */
export const chatPaths: Paths = {
  '/v1/chat/completions': { post: create },
  '/openai/deployments/{model}/chat/completions': {
    post: {
      ...create,
      operationId: 'createAzureChatCompletion',
      summary: 'Answer a conversation, at the path Azure’s clients use',
      description: 'The same as `/v1/chat/completions`; the model stands in the path and may be left out of the body.',
      parameters: [
        { name: 'model', in: 'path', required: true, description: 'The model name.', schema: text() },
        { name: 'api-version', in: 'query', description: 'Taken and ignored.', schema: text() },
        ...CHAT_REQUEST_HEADERS,
      ],
      requestBody: {
        required: true,
        content: json(ref('AzureChatCompletionRequest'), { messages: EXAMPLE.messages }),
      },
    },
  },
};
