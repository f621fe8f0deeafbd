import {
  OPUS_4_8,
  SONNET_4_5,
  HAIKU_4_5,
  NOVA,
  LLAMA,
  GPT,
  sent,
  refused,
} from '../../../../test/support/converse-request.js';

describe('a request to Converse', () => {
  it('names the model in one segment of the path', () => {
    const { wire, body } = sent('arn:aws:bedrock:us-east-1:1:application-inference-profile/abc', {
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(wire.path).toBe(
      '/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aapplication-inference-profile%2Fabc/converse-stream',
    );
    expect(wire.headers).toEqual({ accept: 'application/vnd.amazon.eventstream' });
    expect(body).toEqual({ messages: [{ role: 'user', content: [{ text: 'a' }] }] });
    expect(sent(NOVA, {}).wire).toMatchObject({ path: '/model/us.amazon.nova-lite-v1%3A0/converse', changes: [] });
  });

  it.each<[what: string, model: string, fields: object, config: object | undefined, paths: readonly string[]]>([
    ['limits', NOVA, { max_tokens: 5, max_completion_tokens: 5 }, { maxTokens: 5 }, []],
    ['two limits', NOVA, { max_tokens: 5, max_completion_tokens: 6 }, { maxTokens: 6 }, ['dropped max_tokens']],
    ['too much', SONNET_4_5, { max_tokens: 100_000 }, { maxTokens: 64_000 }, ['adapted max_tokens']],
    ['sampling', NOVA, { temperature: 0.5, top_p: 0.9 }, { temperature: 0.5, topP: 0.9 }, []],
    ['heat', NOVA, { temperature: 1.5 }, { temperature: 1 }, ['adapted temperature']],
    ['either', SONNET_4_5, { temperature: 0, top_p: 0.9 }, { temperature: 0 }, ['dropped top_p']],
    [
      'no sampling',
      OPUS_4_8,
      { temperature: 0.5, top_p: 0.9, top_k: 5 },
      undefined,
      ['dropped temperature', 'dropped top_p', 'dropped top_k'],
    ],
    ['defaults where there is no sampling', GPT, { temperature: 1, top_p: 1 }, undefined, []],
    ['stop', NOVA, { stop: 'x' }, { stopSequences: ['x'] }, []],
    [
      'too many stops',
      NOVA,
      { stop: ['a', 'b', 'c', 'd', 'e'] },
      { stopSequences: ['a', 'b', 'c', 'd'] },
      ['adapted stop'],
    ],
    ['blank stops', HAIKU_4_5, { stop: ['\n', '\nHuman:'] }, { stopSequences: ['\nHuman:'] }, ['adapted stop']],
    ['blank stops that mean something', NOVA, { stop: ['\n', ''] }, { stopSequences: ['\n'] }, ['adapted stop']],
    ['no stops', LLAMA, { stop: ['x'] }, undefined, ['dropped stop']],
    ['an empty list', LLAMA, { stop: [] }, undefined, []],
    [
      'nulls',
      NOVA,
      { max_tokens: null, temperature: null, top_p: null, stop: null, tools: null, n: null, user: null, seed: null },
      undefined,
      [],
    ],
    [
      'defaults said aloud',
      NOVA,
      {
        n: 1,
        logprobs: false,
        top_logprobs: 0,
        presence_penalty: 0,
        frequency_penalty: 0,
        logit_bias: {},
        store: false,
        parallel_tool_calls: true,
        modalities: ['text'],
        service_tier: 'auto',
        response_format: { type: 'text' },
      },
      undefined,
      [],
    ],
    [
      'what has no place',
      NOVA,
      {
        seed: 1,
        presence_penalty: 1,
        logit_bias: { 1: 1 },
        prediction: { type: 'content' },
        prompt_cache_key: 'k',
        verbosity: 'low',
        mood: 'good',
      },
      undefined,
      [
        'dropped seed',
        'dropped presence_penalty',
        'dropped logit_bias',
        'dropped prediction',
        'dropped prompt_cache_key',
        'dropped verbosity',
        'dropped mood',
      ],
    ],
  ])('%s', (_what, model, fields, config, paths) => {
    const { body, paths: told } = sent(model, fields);
    expect(body.inferenceConfig).toEqual(config);
    expect(told).toEqual(paths);
  });

  it.each([
    ['n', { n: 2 }],
    ['logprobs', { logprobs: true }],
    ['top_logprobs', { top_logprobs: 2 }],
    ['modalities', { modalities: ['text', 'audio'] }],
    ['audio', { audio: { voice: 'ash', format: 'wav' } }],
  ])('refuses %s', (param, fields) => {
    refused(HAIKU_4_5, fields).toThrow(expect.objectContaining({ status: 400, code: 'unsupported_parameter', param }));
  });

  it('puts top_k where the family has it', () => {
    expect(sent(HAIKU_4_5, { top_k: 5 }).body.additionalModelRequestFields).toEqual({ top_k: 5 });
    expect(sent(NOVA, { top_k: 5 }).body.additionalModelRequestFields).toEqual({ inferenceConfig: { topK: 5 } });
    expect(sent(LLAMA, { top_k: 5 }).paths).toEqual(['dropped top_k']);
  });

  it('tells the logs who asks', () => {
    const metadata = Object.fromEntries(Array.from({ length: 16 }, (_, at) => [`k${at}`, 'v']));
    const { body, paths } = sent(NOVA, {
      user: 'u-1',
      safety_identifier: 's-1',
      metadata: { ...metadata, odd: 'ä', nine: 9 },
    });
    expect(Object.keys(body.requestMetadata)).toHaveLength(16);
    expect(body.requestMetadata).toMatchObject({ user: 'u-1', safety_identifier: 's-1', k13: 'v' });
    expect(paths).toEqual([
      'dropped metadata.k14',
      'dropped metadata.k15',
      'dropped metadata.odd',
      'dropped metadata.nine',
    ]);
  });

  it('asks for a tier, guardrails and speed, and hands on what is said in the provider’s own words', () => {
    const own = {
      guardrailConfig: { guardrailIdentifier: 'g', guardrailVersion: '1' },
      performanceConfig: { latency: 'optimized' },
      additionalModelRequestFields: { foo: 1 },
      anthropic_beta: ['b'],
    };
    expect(sent(HAIKU_4_5, { ...own, service_tier: 'fast' }).body).toMatchObject({
      serviceTier: { type: 'priority' },
      guardrailConfig: own.guardrailConfig,
      performanceConfig: own.performanceConfig,
      additionalModelRequestFields: { foo: 1, anthropic_beta: ['b'] },
    });
    expect(sent(NOVA, { service_tier: 'scale', anthropic_beta: ['b'], thinking: { type: 'enabled' } }).paths).toEqual([
      'dropped anthropic_beta',
      'dropped thinking',
      'dropped service_tier',
    ]);
  });
});
