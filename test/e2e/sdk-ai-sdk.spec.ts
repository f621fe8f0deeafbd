import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, generateObject, generateText, stepCountIs, streamObject, streamText, tool } from 'ai';
import { z } from 'zod';
import { startStage, type Stage } from './sdk/stage.js';

const FORECAST = z.object({ city: z.string(), unit: z.enum(['C', 'F']) });
const MEETING = z.object({ title: z.string(), guests: z.array(z.object({ name: z.string(), age: z.number().int() })) });
const PROVIDERS = [
  {
    name: '@ai-sdk/openai',
    models: ({ url, key }: Stage) => {
      const openai = createOpenAI({ baseURL: `${url}/v1`, apiKey: key });
      return (id: string) => openai.chat(id);
    },
  },
  {
    name: '@ai-sdk/openai-compatible',
    models: ({ url, key }: Stage) => {
      const settings = { name: 'parley', includeUsage: true, supportsStructuredOutputs: true };
      const compatible = createOpenAICompatible({ ...settings, baseURL: `${url}/v1`, apiKey: key });
      return (id: string) => compatible(id);
    },
  },
];

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.close());

describe.each(PROVIDERS)('AI SDK with $name', ({ models }) => {
  const ask = (model = 'gpt-4o') => ({ model: models(stage)(model), prompt: 'Say hello.', maxRetries: 0 });

  it('generates and streams the same text, and counts it', async () => {
    const { text, finishReason, usage, response } = await generateText(ask());
    expect(text).toContain('Say hello.');
    expect(finishReason).toBe('stop');
    expect(response).toMatchObject({ id: expect.stringMatching(/^chatcmpl-/), modelId: 'simulator' });
    expect(response.headers?.['x-request-id']).toMatch(/^req_/);
    expect(usage.inputTokens).toBeGreaterThan(3);
    expect(usage.totalTokens).toBe((usage.inputTokens ?? 0) + (usage.outputTokens ?? 0));

    const streamed = streamText(ask());
    const pieces: string[] = [];
    for await (const piece of streamed.textStream) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(5);
    expect(pieces.join('')).toBe(text);
    expect(await streamed.finishReason).toBe('stop');
    const counted = await streamed.usage;
    expect([counted.inputTokens, counted.outputTokens, counted.totalTokens]).toEqual([
      usage.inputTokens,
      usage.outputTokens,
      usage.totalTokens,
    ]);
  });

  it('generates and streams an object by a zod schema', async () => {
    const { object } = await generateObject({ ...ask(), schema: MEETING });
    expect(object).toEqual(MEETING.parse(object));
    const streamed = streamObject({ ...ask(), schema: MEETING });
    const partial: unknown[] = [];
    for await (const part of streamed.partialObjectStream) partial.push(part);
    expect(partial.length).toBeGreaterThan(1);
    expect(await streamed.object).toEqual(object);
  });

  it.each([false, true])('runs tools to their end, streamed: %s', async (streamed) => {
    const asked: unknown[] = [];
    const getForecast = tool({
      description: 'The weather of a city.',
      inputSchema: FORECAST,
      execute: (place) => {
        asked.push(FORECAST.parse(place));
        return { degrees: 18 };
      },
    });
    const loop = { ...ask(), tools: { getForecast }, stopWhen: stepCountIs(5) };
    const { steps, text } = await (streamed ? finished(streamText(loop)) : generateText(loop));
    expect(asked).toHaveLength(1);
    expect(steps.map(({ finishReason }) => finishReason)).toEqual(['tool-calls', 'stop']);
    expect(text).toContain('{"degrees":18}');
  });

  it('leaves in the middle of a stream', async () => {
    const tag = `ai-${models(stage)('x').provider}`;
    const abort = new AbortController();
    const settings = { abortSignal: abort.signal, headers: { 'x-parley-tags': tag }, onAbort: () => undefined };
    const kinds: string[] = [];
    for await (const { type } of streamText({ ...ask('simulator-slow'), ...settings }).fullStream) {
      kinds.push(type);
      if (type === 'text-delta') abort.abort();
    }
    expect(kinds.at(-1)).toBe('abort');
    expect(kinds).not.toContain('finish');
    expect(await stage.recordOf(tag)).toMatchObject({ outcome: 'abandoned' });
  });

  it.each([
    ['an unknown model', 'gpt-4oo', { statusCode: 404, message: expect.stringContaining('`gpt-4oo` does not exist') }],
    ['a rate limit', 'limited', { statusCode: 429, isRetryable: true, message: expect.stringMatching(/^Rate limit/) }],
    ['a failure upstream', 'broken', { statusCode: 500, message: expect.stringContaining('simulated error') }],
  ])('is told of %s, plain and streamed', async (_, model, fields) => {
    const errors: unknown[] = [await generateText(ask(model)).catch((error: unknown) => error)];
    const onError = ({ error }: { readonly error: unknown }) => {
      errors.push(error);
    };
    await streamText({ ...ask(model), onError }).consumeStream();
    expect(errors).toHaveLength(2);
    for (const error of errors) {
      expect(APICallError.isInstance(error)).toBe(true);
      expect(error).toMatchObject(fields);
    }
  });

  it('is told of a stream that breaks off', async () => {
    const parts: { readonly type: string; readonly error?: unknown }[] = [];
    for await (const part of streamText({ ...ask('cut'), onError: () => undefined }).fullStream) parts.push(part);
    const [broken] = parts.filter(({ type }) => type === 'error');
    expect(JSON.stringify(broken?.error)).toContain('ended the stream before the answer was complete');
    expect(parts.some(({ type }) => type === 'text-delta')).toBe(true);
  });
});

interface Streamed<Steps> {
  readonly steps: PromiseLike<Steps>;
  readonly text: PromiseLike<string>;
}

async function finished<Steps>({ steps, text }: Streamed<Steps>) {
  return { steps: await steps, text: await text };
}
