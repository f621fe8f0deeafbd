import { factsOf } from './model-facts.js';

/** Ids as Anthropic, Bedrock and Vertex AI write them, and what tells their generations apart. */
const MODELS: readonly (readonly [id: string, limit: number | undefined, kind: string])[] = [
  ['claude-opus-5-5', 128_000, 'adaptive none unforced bound'],
  ['claude-fable-5-2', 128_000, 'adaptive none unforced bound'],
  ['claude-mythos-5-1', 128_000, 'adaptive none unforced bound'],
  ['claude-fable-5', 128_000, 'adaptive none'],
  ['claude-mythos-preview', 128_000, 'adaptive none'],
  ['us.anthropic.claude-sonnet-5-5-v1:0', 128_000, 'adaptive,between_tools none unforced bound'],
  ['claude-haiku-5-5', 128_000, 'adaptive,disabled none bound'],
  ['claude-opus-5@20260401', 128_000, 'adaptive,disabled,enabled none'],
  ['claude-sonnet-5', 128_000, 'adaptive,disabled none'],
  ['claude-opus-4-8', 128_000, 'adaptive,disabled none'],
  ['claude-opus-4-7', 128_000, 'adaptive,disabled none'],
  ['claude-sonnet-4-6', 128_000, 'adaptive,enabled,disabled one'],
  ['claude-opus-4-5-20251101', 64_000, 'enabled,disabled one prefill'],
  ['claude-haiku-4-5@20251001', 64_000, 'enabled,disabled one prefill'],
  ['claude-opus-4-1-20250805', 32_000, 'enabled,disabled one prefill'],
  ['anthropic.claude-opus-4-20250514-v1:0', 32_000, 'enabled,disabled one prefill words'],
  ['claude-sonnet-4-0', 64_000, 'enabled,disabled one prefill words'],
  ['claude-3-7-sonnet-latest', 64_000, 'enabled,disabled free prefill words'],
  ['anthropic.claude-3-5-sonnet-20240620-v1:0', 8192, ' free prefill words'],
  ['claude-3-haiku-20240307', 4096, ' free prefill words'],
  ['claude-2.1', 4096, ' free prefill words'],
  ['claude-of-tomorrow', undefined, 'adaptive,disabled none'],
];

describe('what the catalogue knows of Claude', () => {
  it.each(MODELS)('%s', (id, limit, kind) => {
    const { maxOutputTokens, claude } = factsOf('vertex', id);
    const marks = [
      claude?.thinking.join(),
      claude?.sampling,
      claude?.forcedTools === false && 'unforced',
      claude?.boundThinking === true && 'bound',
      claude?.prefill === true && 'prefill',
      claude?.structuredOutput === false && 'words',
    ];
    expect([maxOutputTokens, marks.filter((mark) => mark !== false).join(' ')]).toEqual([limit, kind]);
  });

  it('holds for whatever a provider of the type serves', () => {
    expect(factsOf('anthropic', 'my-deployment')).toEqual(factsOf('anthropic', 'claude-not-yet-known'));
    expect(factsOf('anthropic', 'my-deployment').claude?.thinking).toContain('adaptive');
    expect(factsOf('openai', 'gpt-5').claude).toBeUndefined();
  });
});
