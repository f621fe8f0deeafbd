import {
  HumanMessage,
  type AIMessageChunk,
  type BaseMessage,
  type ToolMessage,
  type UsageMetadata,
} from '@langchain/core/messages';
import type { ToolCall } from '@langchain/core/messages/tool';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { z } from 'zod/v4';
import { startStage, type Stage } from './sdk/stage.js';

const FORECAST = z.object({ city: z.string(), unit: z.enum(['C', 'F']) });
const MEETING = z.object({ title: z.string(), guests: z.array(z.object({ name: z.string(), age: z.number().int() })) });

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.close());

describe('LangChain JS', () => {
  const chat = (model = 'gpt-4o', headers: Readonly<Record<string, string>> = {}) =>
    new ChatOpenAI({
      model,
      apiKey: stage.key,
      maxRetries: 0,
      configuration: { baseURL: `${stage.url}/v1`, defaultHeaders: headers },
    });

  it('invokes and streams the same text, and counts it', async () => {
    const message = await chat().invoke('Say hello.');
    expect(message.text).toContain('Say hello.');
    expect(message.response_metadata).toMatchObject({ finish_reason: 'stop', model_name: 'simulator' });
    const usage = message.usage_metadata as UsageMetadata | undefined;
    expect(usage?.input_tokens).toBeGreaterThan(3);
    expect(usage?.output_tokens).toBeGreaterThan(10);
    expect(usage?.total_tokens).toBe((usage?.input_tokens ?? 0) + (usage?.output_tokens ?? 0));

    let whole: AIMessageChunk | undefined;
    let chunks = 0;
    for await (const chunk of await chat().stream('Say hello.')) {
      whole = whole?.concat(chunk) ?? chunk;
      chunks += 1;
    }
    expect(chunks).toBeGreaterThan(5);
    expect(whole?.text).toBe(message.text);
    expect(whole?.usage_metadata).toEqual(usage);
  });

  it.each([false, true])('runs a tool to its end, streamed: %s', async (streamed) => {
    const getForecast = tool((place) => `18 degrees ${FORECAST.parse(place).unit}`, {
      name: 'get_forecast',
      description: 'The weather of a city.',
      schema: FORECAST,
    });
    const model = chat().bindTools([getForecast]);
    const say = async (messages: BaseMessage[]): Promise<AIMessageChunk> => {
      if (!streamed) return model.invoke(messages);
      let whole: AIMessageChunk | undefined;
      for await (const chunk of await model.stream(messages)) whole = whole?.concat(chunk) ?? chunk;
      return whole ?? model.invoke(messages);
    };
    const messages: BaseMessage[] = [new HumanMessage('What is the weather like?')];
    let answer = await say(messages);
    for (let turns = 0; (answer.tool_calls ?? []).length > 0 && turns < 5; turns++) {
      messages.push(answer);
      for (const { args, ...call } of answer.tool_calls ?? [])
        messages.push(await getForecast.invoke<ToolCall, ToolMessage>({ ...call, args, type: 'tool_call' }));
      answer = await say(messages);
    }
    expect(messages.map((message) => message.type)).toEqual(['human', 'ai', 'tool']);
    expect(answer.text).toMatch(/18 degrees [CF]/);
  });

  it.each(['jsonSchema', 'functionCalling', 'jsonMode'] as const)('structures its output by %s', async (method) => {
    // JSON mode promises an object and no more.
    const schema = method === 'jsonMode' ? z.object({ simulated: z.literal(true) }) : MEETING;
    const meeting = await chat().withStructuredOutput(schema, { name: 'meeting', method }).invoke('Plan a meeting.');
    expect(schema.safeParse(meeting).success).toBe(true);
  });

  it('leaves in the middle of a stream', async () => {
    const stream = await chat('simulator-slow', { 'x-parley-tags': 'langchain' }).stream('Say hello.');
    let chunks = 0;
    for await (const { text } of stream) if (text !== '' && ++chunks === 2) break;
    expect(await stage.recordOf('langchain')).toMatchObject({ outcome: 'abandoned' });
  });

  it.each([
    ['an unknown model', 'gpt-4oo', { status: 404, code: 'model_not_found' }],
    ['a rate limit', 'limited', { status: 429, code: 'rate_limit_exceeded' }],
    ['a failure upstream', 'broken', { status: 500 }],
  ])('is told of %s, plain and streamed', async (_, model, fields) => {
    await expect(chat(model).invoke('Say hello.')).rejects.toMatchObject(fields);
    await expect(chat(model).stream('Say hello.')).rejects.toMatchObject(fields);
  });

  it('is told of a stream that breaks off', async () => {
    let text = '';
    const read = async () => {
      for await (const chunk of await chat('cut').stream('Say hello.')) text += chunk.text;
    };
    await expect(read()).rejects.toMatchObject({ code: 'stream_truncated' });
    expect(text).toMatch(/^Hello!/);
  });
});
