import { factsOf } from '../../../catalog/model-facts.js';
import type { ClaudeFacts } from '../../../domain/model-facts.js';
import {
  OPUS_4_8,
  OPUS_4_6,
  HAIKU_4_5,
  NOVA,
  NOVA_2,
  GPT_OSS,
  GPT,
  MESSAGES,
  sent,
  refused,
  tools,
} from '../../../../test/support/converse-request.js';

describe('thinking in Converse', () => {
  it.each<[model: string, effort: string, additional: object | undefined, paths: readonly string[]]>([
    [
      OPUS_4_8,
      'high',
      { thinking: { type: 'adaptive', display: 'summarized' }, output_config: { effort: 'high' } },
      [],
    ],
    [OPUS_4_8, 'none', { thinking: { type: 'disabled' } }, []],
    [HAIKU_4_5, 'low', { thinking: { type: 'enabled', budget_tokens: 2048, display: 'summarized' } }, []],
    [GPT_OSS, 'medium', { reasoning_effort: 'medium' }, []],
    [GPT_OSS, 'minimal', { reasoning_effort: 'low' }, ['adapted reasoning_effort']],
    [GPT, 'xhigh', { reasoning: { effort: 'xhigh' } }, []],
    [NOVA_2, 'low', { reasoningConfig: { type: 'enabled', maxReasoningEffort: 'low' } }, []],
    [NOVA_2, 'none', { reasoningConfig: { type: 'disabled' } }, []],
    [NOVA, 'high', undefined, ['dropped reasoning_effort']],
    [NOVA, 'none', undefined, []],
  ])('%s: %s', (model, effort, additional, paths) => {
    const { body, paths: told } = sent(model, { reasoning_effort: effort });
    expect(body.additionalModelRequestFields).toEqual(additional);
    expect(told).toEqual(paths);
  });

  it('leaves out what goes with no thinking', () => {
    const fields = { reasoning_effort: 'high', temperature: 0.5, top_p: 0.9, top_k: 5, max_tokens: 20_000 };
    const claude = sent(HAIKU_4_5, fields);
    expect(claude.body.inferenceConfig).toEqual({ maxTokens: 20_000 });
    expect(claude.paths).toEqual(['dropped temperature', 'dropped top_p', 'dropped top_k']);
    const nova = sent(NOVA_2, fields);
    expect(nova.body.inferenceConfig).toBeUndefined();
    expect(nova.paths).toEqual(['dropped max_tokens', 'dropped temperature', 'dropped top_p', 'dropped top_k']);
  });

  it('gives way to a forced tool where it must, and to a call whose thinking is gone', () => {
    const forced = sent(HAIKU_4_5, { reasoning_effort: 'high', tools, tool_choice: 'required' });
    expect(forced.body.toolConfig.toolChoice).toEqual({ any: {} });
    expect(forced.body.additionalModelRequestFields).toBeUndefined();
    expect(forced.paths).toEqual(['adapted reasoning_effort']);
    const messages = [
      ...MESSAGES,
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 't', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 't', content: 'done' },
    ];
    expect(sent(HAIKU_4_5, { messages, tools, reasoning_effort: 'high' }).paths).toEqual(['adapted reasoning_effort']);
    expect(sent(OPUS_4_6, { messages, tools, reasoning_effort: 'high' }).paths).toEqual([]);
  });

  it('leaves what is said in the provider’s own words beside what it adds', () => {
    const { body } = sent(OPUS_4_8, {
      reasoning_effort: 'low',
      additionalModelRequestFields: { output_config: { other: 1 } },
    });
    expect(body.additionalModelRequestFields.output_config).toEqual({ other: 1, effort: 'low' });
    expect(
      sent(NOVA, { top_k: 3, additionalModelRequestFields: { inferenceConfig: { other: 1 } } }).body
        .additionalModelRequestFields.inferenceConfig,
    ).toEqual({ other: 1, topK: 3 });
  });

  it.each(['guardrailConfig', 'performanceConfig', 'additionalModelRequestFields'])(
    'refuses %s that is none',
    (field) => {
      refused(NOVA, { [field]: 'x' }).toThrow(expect.objectContaining({ code: 'invalid_type', param: field }));
    },
  );

  it('refuses an effort nobody knows', () => {
    refused(GPT, { reasoning_effort: 'heroic' }).toThrow(
      expect.objectContaining({ code: 'unsupported_value', param: 'reasoning_effort' }),
    );
  });

  it('goes by the facts of the family, wherever the model is served', () => {
    const claude = factsOf('bedrock', OPUS_4_8).claude;
    expect(claude).toMatchObject<Partial<ClaudeFacts>>({ sampling: 'none', prefill: false });
    expect(factsOf('bedrock', NOVA).claude).toBeUndefined();
  });
});
