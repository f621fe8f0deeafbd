import { startGateway, type Gateway } from './support/gateway.js';
import { recordingsOf, withoutRecordings, type Recording } from './support/recordings.js';
import { replaying, replayOf } from './support/replay-upstream.js';
import { startUpstream, type FakeUpstream } from './support/upstream.js';

/** The recordings' name of a provider, and ours with its settings. */
const PROVIDERS: Readonly<Record<string, object>> = {
  'openai-chat': { type: 'openai', path: '/v1' },
  anthropic: { type: 'anthropic', path: '' },
  gemini: { type: 'gemini', path: '' },
  bedrock: { type: 'bedrock', path: '', region: 'us-east-1' },
  'vertex-gemini': { type: 'vertex', path: '', project: 'p', location: 'global' },
  xai: { type: 'xai', path: '/v1' },
  deepseek: { type: 'deepseek', path: '' },
  openrouter: { type: 'openrouter', path: '/api/v1' },
  mistral: { type: 'mistral', path: '/v1' },
};

/** Prices of our own where the list's change over the day, or a model has gone: dollars for a million tokens. */
const PRICES = {
  'deepseek/deepseek-chat': { input: 0.28, cachedInput: 0.028, output: 0.42 },
  'openrouter/x-ai/grok-4.1-fast': { input: 0.2, cachedInput: 0.05, output: 0.5 },
  'openrouter/x-ai/grok-4': { input: 3, cachedInput: 0.75, output: 15 },
  'mistral/voxtral-small-latest': { input: 0.1, audioInput: 0.5, output: 0.3 },
};

interface Case {
  readonly recording: string;
  /** What of the recorded answer is another one here, where nothing was recorded that shows it. */
  readonly edited?: readonly [was: string, is: string];
  /** By hand, in nano-dollars: tokens × the list price of a million in thousandths of a dollar. */
  readonly cost: number | null;
}

const CLAUDE_STREAM = 'anthropic/stream-thought-signature-text-and-tool-call-claude-sonnet-4-5-20250929-5e3f78';
const GEMINI_STREAM = 'gemini/stream-json-schema-thinking-gemini-2.5-pro-3409b1';
const NANO = 'openai-chat/json-mode-reasoning-gpt-5-nano-d5b50f';

const CASES: Readonly<Record<string, Case>> = {
  // GPT-4o mini: $0.15, cached $0.075, out $0.60. 1024 of the 1426 were cached.
  'OpenAI, cached': {
    recording: 'openai-chat/assistant-prefill-cached-tokens-gpt-4o-mini-db25fb',
    cost: 402 * 150 + 1024 * 75 + 17 * 600,
  },
  // GPT Audio: text $2.50, heard $32, out $10. 25 of the 42 were heard.
  'OpenAI, heard': {
    recording: 'openai-chat/audio-input-text-gpt-audio-730937',
    cost: 17 * 2500 + 25 * 32_000 + 10 * 10_000,
  },
  // GPT-5 nano: $0.05, out $0.40. 256 of the 280 were reasoning, and are not to be added.
  'OpenAI, reasoning inside': { recording: NANO, cost: 21 * 50 + 280 * 400 },
  'OpenAI, flex: half of it': {
    recording: NANO,
    edited: ['"service_tier": "default"', '"service_tier": "flex"'],
    cost: 21 * 25 + 280 * 200,
  },
  'OpenAI, in a tier without a price': {
    recording: NANO,
    edited: ['"service_tier": "default"', '"service_tier": "scale"'],
    cost: null,
  },
  // Claude 3.7 Sonnet: $3, written $3.75, out $15. What was written is not among the 21.
  'Anthropic, cache written': {
    recording: 'anthropic/cache-write-cache-control-claude-3-7-sonnet-20250219-101901',
    cost: 21 * 3000 + 1733 * 3750 + 561 * 15_000,
  },
  // Claude Sonnet 5: $2, written $2.50, read $0.20, out $10. 15 of the 290 were thinking.
  'Anthropic, written, read and thinking': {
    recording: 'anthropic/server-tool-use-thought-signature-claude-sonnet-5-0028f8',
    cost: 4 * 2000 + 426 * 2500 + 14_210 * 200 + 290 * 10_000,
  },
  // Claude Sonnet 4.5: $3, written $3.75 for five minutes and $6 for an hour, read $0.30, out $15.
  'Anthropic, the same in a stream': {
    recording: CLAUDE_STREAM,
    cost: 13 * 3000 + 236 * 3750 + 2222 * 300 + 158 * 15_000,
  },
  'Anthropic, written for an hour': {
    recording: CLAUDE_STREAM,
    edited: [
      '"ephemeral_5m_input_tokens":236,"ephemeral_1h_input_tokens":0',
      '"ephemeral_5m_input_tokens":36,"ephemeral_1h_input_tokens":200',
    ],
    cost: 13 * 3000 + 36 * 3750 + 200 * 6000 + 2222 * 300 + 158 * 15_000,
  },
  // Gemini 3.5 Flash: $1.50, cached $0.15, out $9. The 499 thoughts are beside the 10 of the answer.
  'Gemini, cached and thoughts': {
    recording: 'gemini/thought-signature-cached-tokens-gemini-3.5-flash-10fe2a',
    cost: 249 * 1500 + 92 * 150 + (10 + 499) * 9000,
  },
  // Gemini 2.0 Flash: text $0.10, heard $0.70, out $0.40.
  'Gemini, heard': {
    recording: 'gemini/audio-input-file-input-gemini-2.0-flash-1fbc8f',
    cost: 41 * 100 + 25 * 700 + 16 * 400,
  },
  // Gemini 2.5 Pro: $1.25 and $10, for prompts of more than 200 000 tokens $2.50 and $15, for all of their tokens.
  'Gemini, a long prompt in a stream': {
    recording: GEMINI_STREAM,
    edited: ['"promptTokenCount": 6,', '"promptTokenCount": 200001,'],
    cost: 200_001 * 2500 + (29 + 232) * 15_000,
  },
  // Claude 3.7 Sonnet in Bedrock: $3, read $0.30, out $15. What was read is not among the 12.
  'Bedrock, cached, in a stream': {
    recording: 'bedrock/stream-cached-tokens-cache-control-us.anthropic.claude-3-7-sonnet-202-b2ef6d',
    cost: 12 * 3000 + 1028 * 300 + 250 * 15_000,
  },
  // Nova Lite: $0.06, out $0.24. Writing costs what reading for the first time does.
  'Bedrock, written': {
    recording: 'bedrock/tool-call-tool-choice-forced-us.amazon.nova-lite-v1-fff043',
    cost: 22 * 60 + 2492 * 60 + 13 * 240,
  },
  // Gemini 3 Flash: text $0.50, heard $1, out $3.
  'Vertex, heard, and thoughts': {
    recording: 'vertex-gemini/audio-input-file-input-gemini-3-flash-preview-2be8c8',
    cost: 126 * 500 + 113 * 1000 + (42 + 143) * 3000,
  },
  'Vertex, thoughts in a stream': {
    recording: 'vertex-gemini/stream-json-schema-thinking-gemini-2.5-pro-02abd3',
    cost: 5 * 1250 + (30 + 216) * 10_000,
  },
  // Grok 4 Fast: $0.20, cached $0.05, out $0.50. The 148 of reasoning are beside the 68. xAI's own bill: 1 724 000 ticks.
  'xAI, cached, and reasoning outside': {
    recording: 'xai/parallel-tool-calls-tool-call-grok-4-fast-07c4ab',
    cost: 284 * 200 + 152 * 50 + (68 + 148) * 500,
  },
  // The bill says 1 654 500 ticks.
  'xAI, the same in a stream': {
    recording: 'xai/stream-parallel-tool-calls-tool-call-grok-4-fast-442561',
    cost: 279 * 200 + 153 * 50 + (68 + 136) * 500,
  },
  // $0.28, cached $0.028, out $0.42: 256 hits and 103 misses.
  'DeepSeek, hits and misses, at a price of our own': {
    recording: 'deepseek/tool-result-cached-tokens-deepseek-chat-caad83',
    cost: 103 * 280 + 256 * 28 + 25 * 420,
  },
  // Grok 4.1 Fast: $0.20, cached $0.05, out $0.50. OpenRouter's own bill: $0.00020535.
  'OpenRouter, cached and reasoning': {
    recording: 'openrouter/parallel-tool-calls-encrypted-reasoning-grok-4.1-fast-2bd1f0',
    cost: 294 * 200 + 151 * 50 + 278 * 500,
  },
  // Grok 4: $3, cached $0.75, out $15. The bill: $0.002601.
  'OpenRouter, the same in a stream': {
    recording: 'openrouter/stream-encrypted-reasoning-cached-tokens-grok-4-1f0cf0',
    cost: 22 * 3000 + 680 * 750 + 135 * 15_000,
  },
  // Gemini 2.5 Flash: $0.30, heard $1, out $2.50. The bill: $0.0001925.
  'OpenRouter, heard': {
    recording: 'openrouter/audio-input-system-prompt-gemini-2.5-flash-37552f',
    cost: 25 * 300 + 150 * 1000 + 14 * 2500,
  },
  // $0.10, heard $0.50, out $0.30. The 375 that were heard are beside the 9.
  'Mistral, heard, outside of the prompt': {
    recording: 'mistral/audio-input-text-voxtral-small-latest-73f5d7',
    cost: 9 * 100 + 375 * 500 + 201 * 300,
  },
};

const APIS = ['chat', 'messages', 'converse', 'converse-stream', 'generateContent', 'streamGenerateContent'];
const recordings = new Map(recordingsOf(...APIS).map((recording) => [recording.name, recording]));

/** The recorded answer, with what of it is to be another one. */
function answerOf({ recording: name, edited }: Case): Recording {
  const recording = recordings.get(name);
  if (recording === undefined) throw new Error(`There is no recording ${name}.`);
  if (edited === undefined) return recording;
  const text = recording.response.toString('latin1');
  if (!text.includes(edited[0])) throw new Error(`There is no ${edited[0]} in ${name}.`);
  return { ...recording, response: Buffer.from(text.replaceAll(...edited), 'latin1') };
}

(withoutRecordings === undefined ? describe : describe.skip)(
  `what recorded answers cost${withoutRecordings ? ` (${withoutRecordings})` : ''}`,
  () => {
    let upstream: FakeUpstream;
    let gateway: Gateway;
    beforeAll(async () => {
      upstream = await startUpstream();
      const providers = Object.entries(PROVIDERS).map(([name, { path, ...more }]: [string, { path?: string }]) => [
        name,
        { ...more, baseUrl: upstream.url + (path ?? ''), apiKey: 'sk-upstream' },
      ]);
      gateway = await startGateway({ config: { providers: Object.fromEntries(providers) as object, prices: PRICES } });
    });
    afterAll(async () => {
      await gateway.close();
      await upstream.close();
    });

    it.each(Object.entries(CASES))('%s', async (_, each) => {
      const recording = answerOf(each);
      const { provider, model, isStream } = recording;
      const contentType =
        provider === 'bedrock' && isStream ? { contentType: 'application/vnd.amazon.eventstream' } : {};
      upstream.play(replaying({ ...replayOf(recording), ...contentType }));
      const response = await gateway.chat({ model: `${provider}/${model}`, stream: isStream });
      const text = await response.text();
      expect([response.status, text]).toEqual([200, expect.not.stringContaining('"error"')]);
      const id = response.headers.get('x-request-id') ?? '';
      const listed = await gateway.admin('GET', `/admin/requests?request_id=${id}`);
      const [record] = ((await listed.json()) as { data: Readonly<Record<string, unknown>>[] }).data;
      expect(record).toMatchObject({ cost_nano_usd: each.cost, usage_source: 'provider' });
      if (!isStream && each.cost !== null)
        expect(Number(response.headers.get('x-parley-cost-usd'))).toBeCloseTo(each.cost / 1e9, 12);
      const own = `${provider}/${model}` in PRICES ? /^config-/ : /^genai-prices-/;
      if (each.cost === null) expect(record?.['price_version']).toBeNull();
      else expect(record?.['price_version']).toMatch(own);
    });
  },
);
