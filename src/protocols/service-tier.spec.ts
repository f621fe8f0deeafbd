import { awsEvent } from '../../test/support/aws-event.js';
import { piecesOf } from '../../test/support/pieces.js';
import type { ChatFrame } from '../domain/chat-frame.js';
import { anthropicMessages } from './anthropic-messages/index.js';
import { bedrockConverse } from './bedrock-converse/index.js';
import { geminiGenerateContent } from './gemini-generate-content/index.js';
import { openaiChat } from './openai-chat/index.js';
import type { ChatProtocol } from './protocol.js';

const FACTS = { id: 'c', created: 1, model: 'm', asked: {} };
const HEAD = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm' };

const events = (...data: readonly object[]): Buffer =>
  Buffer.from(data.map((each) => `data: ${JSON.stringify(each)}\n\n`).join(''));

const chunks = (...tiers: readonly (string | null)[]): Buffer =>
  events(
    ...tiers.map((tier, at) => ({
      ...HEAD,
      choices: [
        { index: 0, delta: at === 0 ? { role: 'assistant', content: '' } : { content: 'a' }, finish_reason: null },
      ],
      service_tier: tier,
    })),
    { ...HEAD, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], service_tier: tiers.at(-1) },
  );

const claude = (first: string | null, last?: string): Buffer =>
  events(
    { type: 'message_start', message: { id: 'i', model: 'm', usage: { input_tokens: 1, service_tier: first } } },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'Hi' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 1, service_tier: last } },
    { type: 'message_stop' },
  );

const gemini = (usage: object): Buffer =>
  events({
    candidates: [{ content: { parts: [{ text: 'Hi' }] }, finishReason: 'STOP' }],
    usageMetadata: { promptTokenCount: 1, ...usage },
  });

const converse = (metadata: object): Buffer =>
  Buffer.concat([
    awsEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Hi' } }),
    awsEvent('messageStop', { stopReason: 'end_turn' }),
    awsEvent('metadata', { usage: { inputTokens: 1, outputTokens: 1 }, ...metadata }),
  ]);

const OPENAI = openaiChat({});
const GEMINI = geminiGenerateContent({ host: 'gemini' });
const VERTEX = geminiGenerateContent({ host: 'vertex' });

describe('the tier that a stream was served in', () => {
  it.each<[what: string, protocol: ChatProtocol, stream: Buffer, tier: string | undefined]>([
    ['openai, in every chunk', OPENAI, chunks('flex', 'flex', 'flex'), 'flex'],
    ['openai, first as asked and last as served', OPENAI, chunks('auto', 'auto', 'default'), 'default'],
    ['openai, null', OPENAI, chunks(null, null), undefined],
    ['anthropic, at the start', anthropicMessages(), claude('priority'), 'priority'],
    ['anthropic, as usual', anthropicMessages(), claude('standard'), 'default'],
    ['anthropic, another one at the end', anthropicMessages(), claude('standard', 'batch'), 'batch'],
    ['anthropic, none', anthropicMessages(), claude(null), undefined],
    ['gemini', GEMINI, gemini({ serviceTier: 'FLEX' }), 'flex'],
    ['gemini, as usual', GEMINI, gemini({ serviceTier: 'standard' }), 'default'],
    ['vertex, which calls it traffic', VERTEX, gemini({ trafficType: 'ON_DEMAND_PRIORITY' }), 'priority'],
    ['vertex, as usual', VERTEX, gemini({ trafficType: 'ON_DEMAND' }), undefined],
    ['vertex, bought beforehand', VERTEX, gemini({ trafficType: 'PROVISIONED_THROUGHPUT' }), 'provisioned'],
    ['bedrock', bedrockConverse, converse({ serviceTier: { type: 'flex' } }), 'flex'],
    ['bedrock, of another kind', bedrockConverse, converse({ serviceTier: 'flex' }), undefined],
  ])('%s', (_, protocol, stream, tier) => {
    for (const size of [Infinity, 5]) {
      const decoder = protocol.stream(FACTS, false);
      let last: ChatFrame | undefined;
      const emit = (frame: ChatFrame) => (last = frame);
      for (const piece of piecesOf(stream, size)) decoder.next(piece, emit);
      decoder.end(emit);
      expect(last?.serviceTier).toBe(tier);
    }
  });
});
