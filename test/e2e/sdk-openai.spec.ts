import { z } from 'zod';
import { clientOf, MAJORS } from './sdk/majors.js';
import { startStage, type Stage } from './sdk/stage.js';

const HELLO = [{ role: 'user' as const, content: 'Say hello.' }];
const ASK = { model: 'gpt-4o', messages: HELLO };
const FORECAST = z.object({ city: z.string(), unit: z.enum(['C', 'F']) });
const MEETING = z.object({ title: z.string(), guests: z.array(z.object({ name: z.string(), age: z.number().int() })) });
/** One pixel. */
const PIXEL =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/** How the simulator is to answer; the SDKs send on what they do not know. */
const simulating = (simulator: Readonly<Record<string, unknown>>) => ({ simulator });

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.close());

describe.each(MAJORS)('$name', (major) => {
  const client = () => clientOf(major, stage);
  const helpers = () => major.helpers(client());

  it.each(['gpt-4o', 'gpt-4'])('gets an answer of %s', async (model) => {
    const completion = await client().chat.completions.create({ model, messages: HELLO });
    const { usage, choices } = completion;
    expect(completion).toMatchObject({ object: 'chat.completion', id: expect.stringMatching(/^chatcmpl-/) });
    expect(completion.created).toBeGreaterThan(Date.now() / 1000 - 60);
    expect(completion._request_id).toMatch(/^req_/);
    expect(choices).toEqual([
      {
        index: 0,
        finish_reason: 'stop',
        logprobs: null,
        message: { role: 'assistant', content: expect.stringContaining('Say hello.'), refusal: null, annotations: [] },
      },
    ]);
    expect(usage?.prompt_tokens).toBeGreaterThan(3);
    expect(usage?.total_tokens).toBe((usage?.prompt_tokens ?? 0) + (usage?.completion_tokens ?? 0));
  });

  it.each([true, false])('iterates over a stream, with usage at its end: %s', async (asked) => {
    const options = asked ? { stream_options: { include_usage: true } } : {};
    const stream = await client().chat.completions.create({ ...ASK, stream: true, ...options });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);

    const heads = chunks.map(({ id, created, model, object }) => JSON.stringify([id, created, model, object]));
    expect(new Set(heads).size).toBe(1);
    const choices = chunks.flatMap((chunk) => chunk.choices);
    expect(choices.map(({ delta }) => delta.role)).toEqual(['assistant', ...choices.slice(1).map(() => undefined)]);
    expect(choices.map((choice) => choice.finish_reason).filter((reason) => reason !== null)).toEqual(['stop']);
    const text = choices.map(({ delta }) => delta.content ?? '').join('');
    const plain = await client().chat.completions.create(ASK);
    expect(text).toBe(plain.choices[0]?.message.content);

    if (asked) {
      expect(chunks.at(-1)).toMatchObject({ choices: [], usage: plain.usage });
      expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true);
    } else {
      expect(chunks.some((chunk) => 'usage' in chunk || chunk.choices.length === 0)).toBe(false);
    }
  });

  it('reads a stream with the helper', async () => {
    const deltas: string[] = [];
    const stream = helpers().stream({ ...ASK, stream: true, stream_options: { include_usage: true } });
    stream.on('content', (delta) => deltas.push(delta));
    const plain = await client().chat.completions.create(ASK);
    expect(await stream.finalContent()).toBe(plain.choices[0]?.message.content);
    expect(deltas.join('')).toBe(await stream.finalContent());
    expect(deltas.length).toBeGreaterThan(5);
    expect(await stream.totalUsage()).toMatchObject({
      completion_tokens: plain.usage?.completion_tokens,
      prompt_tokens: plain.usage?.prompt_tokens,
      total_tokens: plain.usage?.total_tokens,
    });
    const final = await stream.finalChatCompletion();
    expect(final).toMatchObject({ object: 'chat.completion', choices: [{ index: 0, finish_reason: 'stop' }] });
  });

  it.each([false, true])('runs tools to their end, streamed: %s', async (streamed) => {
    const asked: unknown[] = [];
    const tool = major.zod.zodFunction({
      name: 'get_forecast',
      parameters: FORECAST,
      function: (place: z.infer<typeof FORECAST>) => {
        asked.push(FORECAST.parse(place));
        return { degrees: 18 };
      },
    });
    const before = stage.seen.length;
    const body = { ...ASK, tools: [tool] };
    const runner = streamed ? helpers().runTools({ ...body, stream: true }) : helpers().runTools(body);
    await runner.done();
    expect(asked).toHaveLength(1);
    expect(await runner.finalContent()).toContain('{"degrees":18}');
    expect(runner.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'assistant']);
    expect(stage.seen.length - before).toBe(2);
    if (!streamed) expect((await runner.totalUsage()).completion_tokens).toBeGreaterThan(10);
  });

  it('parses an answer by a zod schema, plain and streamed', async () => {
    const body = { ...ASK, response_format: major.zod.zodResponseFormat(MEETING, 'meeting') };
    const parsed = (await helpers().parse(body)).choices[0]?.message.parsed;
    expect(parsed).toEqual(MEETING.parse(parsed));
    const streamed = await helpers()
      .stream({ ...body, stream: true })
      .finalChatCompletion();
    expect(streamed.choices[0]?.message.parsed).toEqual(parsed);
  });

  it('parses the arguments of a tool by a zod schema', async () => {
    const tools = [major.zod.zodFunction({ name: 'get_forecast', parameters: FORECAST })];
    const [choice] = (await helpers().parse({ ...ASK, tools, tool_choice: 'required' })).choices;
    const [call] = choice?.message.tool_calls ?? [];
    expect(choice?.finish_reason).toBe('tool_calls');
    expect(call?.id).toMatch(/^call_.{1,35}$/);
    expect(FORECAST.safeParse(call?.function.parsed_arguments).success).toBe(true);
  });

  it.each<[string, object, object]>([
    [
      'a JSON schema',
      {
        type: 'json_schema',
        json_schema: {
          name: 'sum',
          strict: true,
          schema: {
            type: 'object',
            properties: { sum: { type: 'integer', minimum: 5, maximum: 7 } },
            required: ['sum'],
            additionalProperties: false,
          },
        },
      },
      { sum: expect.any(Number) },
    ],
    ['JSON mode', { type: 'json_object' }, { simulated: true, message: expect.any(String) }],
  ])('gets an answer in %s', async (_, format, expected) => {
    const body = { ...ASK, response_format: format as { type: 'json_object' } };
    const completion = await client().chat.completions.create(body);
    expect(JSON.parse(completion.choices[0]?.message.content ?? '')).toEqual(expected);
  });

  it('shows an image', async () => {
    const text = { type: 'text' as const, text: 'What is this?' };
    const image = { type: 'image_url' as const, image_url: { url: PIXEL, detail: 'low' as const } };
    const ask = (content: (typeof text | typeof image)[]) =>
      client().chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content }] });
    const [blind, seen] = await Promise.all([ask([text]), ask([text, image])]);
    expect(seen.choices[0]?.message.content).toContain('with 1 attachment');
    expect(seen.usage?.prompt_tokens).toBeGreaterThan(blind.usage?.prompt_tokens ?? Infinity);
  });

  it('leaves before the first token', async () => {
    const tag = `early-${major.version}`;
    const options = { headers: { 'x-parley-tags': tag }, signal: AbortSignal.timeout(150) };
    const asked = client().chat.completions.create({ model: 'simulator-slow', messages: HELLO, stream: true }, options);
    await expect(asked).rejects.toBeInstanceOf(major.sdk.APIUserAbortError);
    const record = await stage.recordOf(tag);
    expect(record).toMatchObject({ outcome: 'abandoned', time_to_first_token_ms: null });
    expect(record['latency_ms']).toBeLessThan(1000);
  });

  it('leaves in the middle of a stream', async () => {
    const tag = `middle-${major.version}`;
    const pace = simulating({ tokens: 200, chunk_ms: 20 });
    const options = { headers: { 'x-parley-tags': tag } };
    const stream = await client().chat.completions.create({ ...ASK, ...pace, stream: true }, options);
    let chunks = 0;
    for await (const chunk of stream) if (chunk.choices.length > 0 && ++chunks === 3) stream.controller.abort();
    expect(chunks).toBeLessThan(10);
    const record = await stage.recordOf(tag);
    expect(record).toMatchObject({ outcome: 'abandoned', time_to_first_token_ms: expect.any(Number) });
    expect(record['latency_ms']).toBeLessThan(2000);
  });
});
