import {
  choice,
  either,
  listOf,
  nullable,
  object,
  only,
  ref,
  request,
  text,
  type Schema,
  type Schemas,
} from './schema.js';

const NAME = text('Tells participants of one role apart.');
const CACHE_BREAKPOINT = request({ mode: only('explicit') }, { ttl: choice(['30m', '12h']) });

const part = (type: string, members: Schemas, description?: string): Schema =>
  request({ type: only(type), ...members }, { prompt_cache_breakpoint: CACHE_BREAKPOINT }, description);

const content = (partName: string): Schema => either([{ type: 'string' }, { ...listOf(ref(partName)), minItems: 1 }]);

const ROLES = ['Developer', 'System', 'User', 'Assistant', 'Tool', 'Function'];
const TEXT_ROLE = { content: content('TextPart') };

/** Messages of a request: one schema a role, one a kind of content part. */
export const chatMessageSchemas: Schemas = {
  Message: {
    oneOf: ROLES.map((role) => ref(`${role}Message`)),
    discriminator: {
      propertyName: 'role',
      mapping: Object.fromEntries(ROLES.map((role) => [role.toLowerCase(), `#/components/schemas/${role}Message`])),
    },
    description: 'One message of the conversation. Members beyond those named are forwarded.',
  },
  DeveloperMessage: request(
    { role: only('developer'), ...TEXT_ROLE },
    { name: NAME },
    'Instructions; models older than the role get them as `system`.',
  ),
  SystemMessage: request({ role: only('system'), ...TEXT_ROLE }, { name: NAME }, 'Instructions.'),
  UserMessage: request(
    { role: only('user'), content: content('UserPart') },
    { name: NAME },
    'What the user says and shows.',
  ),
  AssistantMessage: request(
    { role: only('assistant') },
    {
      content: content('AssistantPart'),
      name: NAME,
      refusal: text(),
      audio: request({ id: text('The id of an earlier audio answer.') }),
      tool_calls: listOf(ref('ToolCall')),
      function_call: { ...request({ name: text(), arguments: text() }), deprecated: true },
      reasoning_content: text('Reasoning of an earlier turn, for the providers that want it back.'),
    },
    'An earlier answer. `content` may be left out only where there are tool calls.',
  ),
  ToolMessage: request(
    { role: only('tool'), tool_call_id: text('The id of the call this is the result of.'), ...TEXT_ROLE },
    {},
    'The result of a tool call. Follows the assistant message that made the call.',
  ),
  FunctionMessage: {
    ...object({ role: only('function'), name: text(), content: nullable(text()) }),
    deprecated: true,
  },
  UserPart: either(
    ['TextPart', 'ImagePart', 'AudioPart', 'FilePart', 'OtherPart'].map(ref),
    'A piece of what the user says or shows.',
  ),
  AssistantPart: either(['TextPart', 'RefusalPart', 'OtherPart'].map(ref)),
  TextPart: part('text', { text: text() }),
  ImagePart: part('image_url', {
    image_url: request(
      { url: text('An https URL or a data URL.') },
      { detail: choice(['auto', 'low', 'high', 'original'], '`auto` where nothing is said.') },
    ),
  }),
  AudioPart: part('input_audio', {
    input_audio: object({ data: text('Base64.'), format: choice(['wav', 'mp3']) }),
  }),
  FilePart: part('file', {
    file: request(
      {},
      { file_data: text('A data URL, of a PDF for example.'), file_id: text(), filename: text() },
      'The file itself or the id of one that the provider has.',
    ),
  }),
  RefusalPart: part('refusal', { refusal: text() }),
  OtherPart: {
    ...object({
      type: {
        type: 'string',
        not: { enum: ['text', 'image_url', 'input_audio', 'file', 'refusal'] },
      },
    }),
    description:
      'A kind of part that some providers understand beyond OpenAI’s own, as `video_url`. Forwarded as it is.',
  },
};
