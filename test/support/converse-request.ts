import { factsOf } from '../../src/catalog/model-facts.js';
import type { ChatRequest } from '../../src/domain/chat.js';
import { converseRequest } from '../../src/protocols/bedrock-converse/request/request.js';

/** What a request to Converse is tried with: a model of each family, tools, and how it is sent. */
export const OPUS_5_5 = 'global.anthropic.claude-opus-5-5';
export const OPUS_4_8 = 'us.anthropic.claude-opus-4-8';
export const OPUS_4_6 = 'anthropic.claude-opus-4-6-v1';
export const SONNET_4_5 = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';
export const HAIKU_4_5 = 'us.anthropic.claude-haiku-4-5-20251001-v1:0';
export const NOVA = 'us.amazon.nova-lite-v1:0';
export const NOVA_2 = 'us.amazon.nova-2-lite-v1:0';
export const MISTRAL = 'mistral.mistral-large-2407-v1:0';
export const MISTRAL_3 = 'mistral.mistral-large-3-675b-instruct';
export const LLAMA = 'us.meta.llama3-3-70b-instruct-v1:0';
export const GPT_OSS = 'openai.gpt-oss-120b-1:0';
export const GPT = 'openai.gpt-5.5';
export const TITAN = 'amazon.titan-text-express-v1';

export const MESSAGES = [{ role: 'user', content: 'a' }];

export function sent(model: string, fields: object) {
  const request = { model: 'x', messages: MESSAGES, ...fields } as unknown as ChatRequest;
  const facts = factsOf('bedrock', model);
  const wire = converseRequest(request, { model, baseModel: model, facts, turns: new Map(), withoutState: false });
  const paths = wire.changes.map(({ path, treatment }) => `${treatment} ${path}`);
  return { wire, body: JSON.parse(wire.body), paths };
}

export const closedAnswer = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};

export const refused = (model: string, fields: object) => expect(() => sent(model, fields));
export const tools = [
  {
    type: 'function',
    function: { name: 'f', description: ' ', parameters: { type: 'object', properties: { x: { type: 'number' } } } },
  },
  { type: 'function', function: { name: 'g', description: 'Does g.' } },
];
export const named = { type: 'function', function: { name: 'g' } };
export const SPEC_F = {
  toolSpec: { name: 'f', inputSchema: { json: { type: 'object', properties: { x: { type: 'number' } } } } },
};
export const SPEC_G = {
  toolSpec: { name: 'g', description: 'Does g.', inputSchema: { json: { type: 'object', properties: {} } } },
};
