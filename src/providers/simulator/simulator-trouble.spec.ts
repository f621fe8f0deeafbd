import { type Subscription } from 'rxjs';
import type { ChatFrame } from '../../domain/chat-frame.js';
import type { Timeouts } from '../../domain/deployment.js';
import {
  type GatewayError,
  InvalidRequestError,
  ModelNotFoundError,
  TruncatedStreamError,
  UpstreamError,
  UpstreamTimeoutError,
  UpstreamUnreachableError,
} from '../../domain/errors.js';
import { SimulatorProvider } from './simulator.provider.js';
import {
  type Circumstances,
  call,
  provider,
  ask,
  complete,
  stream,
  chunksOf,
  clock,
  tools,
  user,
} from '../../../test/support/simulator.js';

describe('what cannot be answered', () => {
  it.each<[object, string, string]>([
    [{ simulator: 'fast' }, 'simulator', 'invalid_type'],
    [{ simulator: [] }, 'simulator', 'invalid_type'],
    [{ simulator: { speed: 1 } }, 'simulator.speed', 'unknown_parameter'],
    [{ simulator: { text: 7 } }, 'simulator.text', 'invalid_type'],
    [{ simulator: { fault: '404' } }, 'simulator.fault', 'invalid_value'],
    [{ simulator: { fault: 429 } }, 'simulator.fault', 'invalid_value'],
    [{ simulator: { seed: 1.5 } }, 'simulator.seed', 'invalid_type'],
    [{ simulator: { tokens: 0 } }, 'simulator.tokens', 'integer_below_min_value'],
    [{ simulator: { tokens: 1e6 } }, 'simulator.tokens', 'integer_above_max_value'],
    [{ simulator: { tokens: 5, text: 'x' } }, 'simulator.tokens', 'invalid_value'],
    [{ simulator: { first_token_ms: -1 } }, 'simulator.first_token_ms', 'integer_below_min_value'],
    [{ simulator: { chunk_ms: 1e9 } }, 'simulator.chunk_ms', 'integer_above_max_value'],
    [{ simulator: { after_chunks: '3' } }, 'simulator.after_chunks', 'invalid_type'],
    [{ tools, tool_choice: { type: 'function', function: { name: 'nope' } } }, 'tool_choice', 'invalid_value'],
    [
      { tools, tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [{}] } } },
      'tool_choice.allowed_tools.tools',
      'invalid_value',
    ],
    [
      { tools: [clock, { type: 'function', function: { name: 'x', parameters: { $ref: '#' } } }], ...user('x') },
      'tools[1].function.parameters',
      'invalid_function_parameters',
    ],
    [
      { functions: [{ name: 'x', parameters: { allOf: [false] } }] },
      'functions[0].parameters',
      'invalid_function_parameters',
    ],
    [
      { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { $ref: '#' } } } },
      'response_format',
      'invalid_json_schema',
    ],
  ])('is refused with its path: %j', async (fields, param, code) => {
    for (const answer of [complete(fields), stream(fields)]) {
      const error = await answer.catch((thrown: unknown) => thrown as GatewayError);
      expect(error).toBeInstanceOf(InvalidRequestError);
      expect(error).toMatchObject({ status: 400, param, code });
    }
  });

  it('takes null for absence', async () => {
    const nothing = {
      text: null,
      seed: null,
      tokens: null,
      first_token_ms: null,
      chunk_ms: null,
      fault: null,
      after_chunks: null,
    };
    expect((await complete({ simulator: nothing })).choices).toHaveLength(1);
    expect((await complete({ simulator: null })).choices).toHaveLength(1);
  });

  it('knows no other models', async () => {
    await expect(complete({}, { model: 'gpt-4' })).rejects.toThrow(ModelNotFoundError);
  });
});

describe('faults', () => {
  it.each<[string, object]>([
    ['429', { status: 429, upstreamStatus: 429, type: 'requests', code: 'rate_limit_exceeded', retryAfterMs: 1000 }],
    ['500', { status: 500, upstreamStatus: 500, type: 'server_error', code: null }],
    ['503', { status: 503, upstreamStatus: 503, code: 'server_is_overloaded', retryAfterMs: 1000 }],
  ])('%s is the error OpenAI answers with', async (fault, detail) => {
    for (const answer of [complete({ simulator: { fault } }), stream({ simulator: { fault } })]) {
      const error = await answer.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(UpstreamError);
      expect(error).toMatchObject(detail);
    }
  });

  it('cut ends a stream after the chunks it was told, and a whole answer before it', async () => {
    await expect(complete({ simulator: { fault: 'cut' } })).rejects.toThrow(UpstreamUnreachableError);
    expect(await outcome({ simulator: { fault: 'cut', after_chunks: 3 } })).toEqual({
      chunks: 3,
      error: expect.any(TruncatedStreamError),
    });
    expect(await outcome({ simulator: { fault: '500', after_chunks: 2 } })).toEqual({
      chunks: 2,
      error: expect.any(UpstreamError),
    });
    expect(await outcome({ simulator: { fault: 'cut', after_chunks: 1, chunk_ms: 1 } })).toMatchObject({ chunks: 1 });
  });

  it.each<[string, object, Partial<Timeouts>, { chunks: number; clock: string }]>([
    ['before the first', { fault: 'stall' }, { firstToken: 60 }, { chunks: 0, clock: 'firstToken' }],
    ['in the middle', { fault: 'stall', after_chunks: 2 }, { idle: 60 }, { chunks: 2, clock: 'idle' }],
    ['because it is slower than it may be', { chunk_ms: 5000 }, { idle: 60 }, { chunks: 2, clock: 'idle' }],
    [
      'because it starts later than it may',
      { first_token_ms: 5000 },
      { firstToken: 60 },
      { chunks: 0, clock: 'firstToken' },
    ],
  ])('a stream that stalls %s runs into the clock', async (_, simulator, timeouts, { chunks, clock }) => {
    const ended = await outcome({ simulator }, { timeouts });
    expect(ended).toMatchObject({ chunks, error: { clock } });
    expect(ended.error).toBeInstanceOf(UpstreamTimeoutError);
  });

  it('a whole answer that stalls runs into the whole time', async () => {
    for (const simulator of [{ fault: 'stall' }, { first_token_ms: 900 }, { fault: 'slow' }]) {
      await expect(complete({ simulator }, { timeouts: { total: 40 } })).rejects.toMatchObject({ clock: 'total' });
    }
  });

  it('the flaky model fails now and then: by count, or by seed always alike', async () => {
    const flaky = new SimulatorProvider();
    const statusOf = (fields: object): Promise<number> =>
      flaky.chat.complete(ask(fields), call({ model: 'simulator-flaky' })).then(
        () => 200,
        ({ status }: UpstreamError) => status,
      );
    const counted: number[] = [];
    for (let request = 0; request < 12; request += 1) counted.push(await statusOf({}));
    expect(counted).toEqual([200, 200, 429, 200, 200, 500, 200, 200, 503, 200, 200, 429]);
    const seeds = Array.from({ length: 60 }, (_, seed) => seed);
    const seeded = await Promise.all(seeds.map((seed) => statusOf({ seed })));
    expect(await Promise.all(seeds.map((seed) => statusOf({ simulator: { seed } })))).toEqual(seeded);
    expect([...new Set(seeded)].sort()).toEqual([200, 429, 500, 503]);
    const failed = seeded.filter((status) => status !== 200).length;
    expect(failed).toBeGreaterThan(10);
    expect(failed).toBeLessThan(30);
  });

  async function outcome(fields: object, circumstances?: Circumstances): Promise<{ chunks: number; error: unknown }> {
    const frames: ChatFrame[] = [];
    return new Promise((resolve) => {
      provider.chat.stream(ask({ stream: true, ...fields }), call(circumstances)).subscribe({
        next: (frame) => frames.push(frame),
        error: (error: unknown) => resolve({ chunks: chunksOf(frames).length, error }),
        complete: () => resolve({ chunks: chunksOf(frames).length, error: undefined }),
      });
    });
  }
});

describe('the pace', () => {
  it('keeps to the delays it is given, in both forms', async () => {
    const simulator = { text: 'one two three', first_token_ms: 60, chunk_ms: 30 };
    const times: number[] = [];
    const startedAt = performance.now();
    const place = call();
    await new Promise<void>((complete) => {
      provider.chat
        .stream(ask({ stream: true, simulator }), place)
        .subscribe({ next: () => times.push(performance.now()), complete });
    });
    expect(times).toHaveLength(3);
    expect((times[0] ?? 0) - startedAt).toBeGreaterThan(55);
    expect((times[2] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(55);
    expect(place.attempt.answeredAt).toBeLessThanOrEqual(times[0] ?? 0);

    const wholeAt = performance.now();
    await complete({ simulator });
    expect(performance.now() - wholeAt).toBeGreaterThan(115);
  });

  it('the slow model takes a second to begin', async () => {
    const startedAt = performance.now();
    await complete({ simulator: { text: 'x' } }, { model: 'simulator-slow' });
    expect(performance.now() - startedAt).toBeGreaterThan(990);
  });

  it.each([0, 2])('waits while the flow is paused and goes on where it was (%i ms a chunk)', async (chunk_ms) => {
    const tokens = chunk_ms === 0 ? 4000 : 20;
    const place = call({ timeouts: { idle: 40 } });
    const frames: ChatFrame[] = [];
    let isComplete = false;
    provider.chat.stream(ask({ stream: true, simulator: { tokens, chunk_ms } }), place).subscribe({
      next: (frame) => {
        frames.push(frame);
        if (frames.length === 2) place.flow.pause();
      },
      complete: () => (isComplete = true),
    });
    await sleep(150);
    expect(frames).toHaveLength(2);
    place.flow.resume();
    while (!isComplete) await sleep(10);
    expect(chunksOf(frames)).toHaveLength(tokens + 2);
    expect(frames.at(-1)?.usage?.completion_tokens).toBe(tokens);
  });

  it('stops at once when unsubscribed from', async () => {
    let count = 0;
    const subscription: Subscription = provider.chat
      .stream(ask({ stream: true, simulator: { tokens: 500, chunk_ms: 1 } }), call())
      .subscribe(() => {
        count += 1;
        if (count === 3) subscription.unsubscribe();
      });
    await sleep(100);
    expect(count).toBe(3);
  });

  it.each([
    ['before it began', 0],
    ['while it runs', 30],
  ])('ends with the reason of the abort %s, in both forms', async (_, ms) => {
    const simulator = { first_token_ms: 5000 };
    for (const ask of [complete, stream]) {
      const abort = new AbortController();
      const answer = ask({ simulator }, { signal: abort.signal }).catch((error: unknown) => error);
      if (ms > 0) await sleep(ms);
      abort.abort(new Error('gone'));
      expect(await answer).toEqual(new Error('gone'));
    }
  });

  const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
});
