import { setTimeout as delay } from 'node:timers/promises';
import { startGateway, type Gateway } from '../support/gateway.js';
import {
  answerWith,
  chunk,
  completion,
  events,
  startUpstream,
  streamOf,
  type FakeUpstream,
  type Script,
} from '../support/upstream.js';

/** Small, without eyes, cheap; and the opposite. The catalogue knows both. */
const SMALL = 'gpt-3.5-turbo';
const LARGE = 'gpt-4o';
const IMAGE = { type: 'image_url', image_url: { url: 'https://images.example/a.png' } };

const failing = (status: number, error: object = { message: 'x' }): Script => answerWith({ error }, { status });
const TOO_LONG = failing(400, { message: 'maximum context length is 8 tokens', code: 'context_length_exceeded' });
const UNSAFE = failing(400, { message: 'no', code: 'content_filter' });
const BAD = failing(400, { message: 'bad', code: 'invalid_value' });

/** Streams its text after a while. */
const after = (ms: number, text: string): Script =>
  async function answer(request) {
    await delay(ms);
    return streamOf(events(chunk({ role: 'assistant', content: text }), chunk({}, 'stop'), '[DONE]'))(request);
  };

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

describe('a route', () => {
  const names = ['a', 'b', 'c'] as const;
  type Name = (typeof names)[number];
  const upstreams = {} as Record<Name, FakeUpstream>;
  let gateway: Gateway;

  /** To these providers, with this model. */
  const to = (...targets: readonly (Name | readonly [Name, string, object?])[]) =>
    targets.map((target) => {
      const [provider, model, more] = typeof target === 'string' ? [target, LARGE] : target;
      return { provider, model, ...more };
    });

  beforeAll(async () => {
    for (const name of names) upstreams[name] = await startUpstream();
    gateway = await startGateway({
      config: {
        providers: {
          a: { type: 'openai', apiKey: 'k', baseUrl: upstreams.a.url },
          b: { type: 'openai', apiKey: 'k', baseUrl: upstreams.b.url },
          c: { type: 'openai', apiKey: 'k', baseUrl: upstreams.c.url },
          one: { type: 'openai', apiKey: 'k', baseUrl: upstreams.a.url, concurrency: 1 },
          lab: { type: 'openai-compatible', apiKey: 'k', baseUrl: upstreams.c.url },
        },
        models: {
          ordered: { targets: to('a', 'b', 'c'), retries: 0 },
          able: { targets: to(['a', SMALL], ['b', LARGE]), retries: 0 },
          alone: { targets: to(['a', SMALL]), retries: 0 },
          cheap: { targets: to(['a', LARGE], ['b', SMALL]), strategy: 'cost', retries: 0 },
          shared: { targets: to(['a', LARGE, { weight: 0 }], ['b', LARGE]), strategy: 'weighted', retries: 0 },
          idle: { targets: to('a', 'b'), strategy: 'least-busy', retries: 0 },
          backed: {
            targets: to('a'),
            retries: 0,
            fallbacks: ['ordered-b', 'nobody', 'c/last'],
            contextWindowFallbacks: ['roomy'],
            contentPolicyFallbacks: ['frank'],
            defaults: { temperature: 0.1, max_tokens: 5 },
          },
          'ordered-b': { targets: to('b'), retries: 1, defaults: { temperature: 0.9 }, fallbacks: ['roomy'] },
          twice: { targets: to('a'), retries: 0, fallbacks: ['frank'], contextWindowFallbacks: ['roomy'] },
          roomy: { targets: to('c'), retries: 0, contextWindowFallbacks: ['ordered-b'] },
          frank: { targets: to('b'), retries: 0 },
          tight: { targets: to(['a', SMALL]), retries: 0, contextWindowFallbacks: ['roomy'] },
          left: { targets: to(['a', SMALL]), retries: 0, contextWindowFallbacks: ['right'] },
          right: { targets: to(['b', SMALL]), retries: 0, contextWindowFallbacks: ['left'] },
          strict: { targets: [{ provider: 'lab', model: 'm' }, ...to('b')], retries: 0 },
          narrow: { targets: [{ provider: 'one', model: LARGE }], retries: 0 },
          split: { targets: [{ provider: 'one', model: LARGE }, ...to('b')], retries: 0 },
          troubled: { targets: to(['c', 'only'], ['b', 'only'], 'a') },
          hedged: { targets: to('a', 'b'), retries: 0, hedge: { maxShare: 0.5 }, contextWindowFallbacks: ['roomy'] },
          'hedged-free': { targets: to('a', 'b'), retries: 0, hedge: { maxShare: 1, maxUsdPerHour: 0 } },
          unhedged: { targets: to('a', 'b'), retries: 0 },
        },
      },
    });
  });

  afterAll(async () => {
    await gateway.close();
    for (const name of names) await upstreams[name].close();
  });

  const play = (scripts: Partial<Record<Name, Script>>) => {
    for (const name of names) upstreams[name].play(scripts[name] ?? answerWith(completion(`from ${name}`)));
  };

  const ask = async (
    model: string,
    more: object = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> => {
    const response = await gateway.chat({ model, ...more }, headers);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };

  const calls = () => names.map((name) => upstreams[name].requests.length);
  const said = (words: number) => ({ messages: [{ role: 'user', content: 'word '.repeat(words) }] });

  it.each<[what: string, model: string, scripts: Partial<Record<Name, Script>>, more: object, Expected]>([
    ['takes its first target', 'ordered', {}, {}, { from: 'a', calls: [1, 0, 0] }],
    [
      'takes the next where one fails',
      'ordered',
      { a: failing(500), b: failing(503) },
      {},
      { from: 'c', calls: [1, 1, 1] },
    ],
    [
      'does not go on where it is the request that is wrong',
      'ordered',
      { a: BAD },
      {},
      { status: 400, calls: [1, 0, 0] },
    ],
    [
      'tells the last failure',
      'ordered',
      { a: failing(500), b: failing(500), c: failing(429) },
      {},
      { status: 429, calls: [1, 1, 1] },
    ],
    [
      'passes by a target without eyes',
      'able',
      {},
      { messages: [{ role: 'user', content: [IMAGE] }] },
      { from: 'b', calls: [0, 1, 0] },
    ],
    ['passes by a target that is too small', 'able', {}, said(30_000), { from: 'b', calls: [0, 1, 0] }],
    ['takes the small one where it will do', 'able', {}, {}, { from: 'a', calls: [1, 0, 0] }],
    ['asks its only target all the same', 'alone', { a: TOO_LONG }, said(30_000), { status: 400, calls: [1, 0, 0] }],
    ['takes the cheapest', 'cheap', {}, {}, { from: 'b', calls: [0, 1, 0] }],
    ['draws none without a weight', 'shared', {}, {}, { from: 'b', calls: [0, 1, 0] }],
    ['takes that one when all others fail', 'shared', { b: failing(500) }, {}, { from: 'a', calls: [1, 1, 0] }],
    [
      'turns to its fallbacks, with their own retries',
      'backed',
      { a: failing(500), b: failing(500) },
      {},
      { from: 'c', calls: [1, 2, 1] },
    ],
    ['has a list for long prompts', 'backed', { a: TOO_LONG }, {}, { from: 'c', calls: [1, 0, 1] }],
    ['has a list for what a policy refuses', 'backed', { a: UNSAFE }, {}, { from: 'b', calls: [1, 1, 0] }],
    [
      'has the same lists for its fallbacks that have none',
      'twice',
      { a: failing(500), b: TOO_LONG },
      {},
      { from: 'c', calls: [1, 1, 1] },
    ],
    ['does not go round in circles', 'backed', { a: TOO_LONG, c: TOO_LONG }, {}, { status: 400, calls: [1, 0, 1] }],
    [
      'goes to the larger one at once where the prompt cannot fit',
      'tight',
      {},
      said(30_000),
      { from: 'c', calls: [0, 0, 1] },
    ],
    [
      'asks somebody where two models that are too small name each other',
      'left',
      { a: TOO_LONG, b: TOO_LONG },
      said(30_000),
      { status: 400, calls: [1, 1, 0] },
    ],
    [
      'finds a target that takes what another one refuses',
      'strict',
      {},
      { n: 2, functions: [] },
      { from: 'lab', calls: [0, 0, 1] },
    ],
  ])('%s (%s)', async (_, model, scripts, more, expected) => {
    play(scripts);
    const answer = await ask(model, more);
    expect(calls()).toEqual(expected.calls);
    expect(answer.status).toBe(expected.status ?? 200);
    if (expected.from !== undefined) expect(answer.headers.get('x-parley-provider')).toBe(expected.from);
    expect(answer.headers.get('x-parley-attempts')).toBe(String(expected.calls.reduce((sum, each) => sum + each, 0)));
  });

  interface Expected {
    readonly from?: string;
    readonly status?: number;
    readonly calls: readonly number[];
  }

  it('gives each model of the plan its own defaults, and the client the last word', async () => {
    play({ a: failing(500) });
    await ask('backed', { max_completion_tokens: 7 });
    const [first] = upstreams.a.requests;
    const [second] = upstreams.b.requests;
    expect(JSON.parse(first?.body ?? '')).toMatchObject({ model: LARGE, temperature: 0.1, max_completion_tokens: 7 });
    expect(JSON.parse(first?.body ?? '')).not.toHaveProperty('max_tokens');
    expect(JSON.parse(second?.body ?? '')).toMatchObject({ temperature: 0.9, max_completion_tokens: 7 });
  });

  it('takes the target with the fewest calls', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    play({ a: async (request) => (await held, answerWith(completion('late'))(request)) });
    const slow = ask('idle');
    await upstreams.a.next();
    expect((await ask('idle')).headers.get('x-parley-provider')).toBe('b');
    release();
    await slow;
    expect((await ask('idle')).headers.get('x-parley-provider')).toBe('a');
  });

  describe('explained', () => {
    const plan = async (model: string, more: object = {}) => {
      const { text } = await ask(model, more, { 'x-parley-explain': 'true' });
      const { plan: steps } = JSON.parse(text) as { plan: { provider: string; chosen: boolean; reason?: string }[] };
      return steps.map(({ provider, chosen, reason }) => `${provider}: ${chosen ? 'chosen' : (reason ?? '')}`);
    };

    it.each([
      ['ordered', {}, ['a: chosen', 'b: lower_priority', 'c: lower_priority']],
      ['able', { messages: [{ role: 'user', content: [IMAGE] }] }, ['b: chosen', 'a: no_vision']],
      ['able', said(30_000), ['b: chosen', 'a: context_too_small']],
      ['cheap', {}, ['b: chosen', 'a: costlier']],
      ['shared', {}, ['b: chosen', 'a: not_drawn']],
      ['idle', {}, ['a: chosen', 'b: busier']],
      ['backed', {}, ['a: chosen', 'b: fallback', 'c: fallback']],
      ['tight', said(30_000), ['c: chosen', 'a: context_too_small']],
    ])('%s', async (model, more, expected) => {
      play({});
      expect(await plan(model, more)).toEqual(expected);
      expect(calls()).toEqual([0, 0, 0]);
    });

    it('names a breaker that is open, a limit, and what has too much to do', async () => {
      let release: () => void = () => undefined;
      const held = new Promise<void>((resolve) => (release = resolve));
      play({
        a: async (request) => (await held, answerWith(completion('late'))(request)),
        c: failing(500),
        b: answerWith({ error: { message: 'x' } }, { status: 429, headers: { 'retry-after': '30' } }),
      });
      for (let call = 0; call < 5; call += 1) await ask('c/only', {}, { 'x-parley-timeout-ms': '100' });
      await ask('b/only', {}, { 'x-parley-timeout-ms': '100' });
      const busy = ask('narrow');
      await upstreams.a.next();
      expect(await plan('split')).toEqual(['b: chosen', 'one: at_capacity']);
      expect(await plan('troubled')).toEqual(['a: chosen', 'b: rate_limited', 'c: breaker_open']);
      release();
      await busy;
    });
  });

  describe('with a bound on calls at a time', () => {
    it('lets the next one in when one leaves, and takes another target meanwhile', async () => {
      play({ a: async (request) => (await delay(150), answerWith(completion('slow'))(request)) });
      const first = ask('narrow');
      await upstreams.a.next();
      const [second, third] = await Promise.all([ask('narrow'), ask('split')]);
      expect((await first).status).toBe(200);
      expect(second.status).toBe(200);
      expect(third.headers.get('x-parley-provider')).toBe('b');
      expect(Number(second.headers.get('x-parley-overhead-ms'))).toBeGreaterThan(50); // it waited with us
    });

    it('refuses at once whom it could not serve in time, and more than a few who wait', async () => {
      play({ a: async (request) => (await delay(100), answerWith(completion('slow'))(request)) });
      await ask('narrow'); // from here it is known how long a call takes
      const crowd = Array.from({ length: 20 }, () => ask('narrow'));
      await Promise.any(
        crowd.map(async (answer) => ((await answer).status === 503 ? true : Promise.reject(new Error()))),
      );
      // From here on all places are taken.
      const hurried = await ask('narrow', {}, { 'x-parley-timeout-ms': '150' });
      expect(Number(hurried.headers.get('openai-processing-ms'))).toBeLessThan(150);
      const answers = await Promise.all(crowd);
      const refused = [hurried, ...answers.filter(({ status }) => status === 503)];
      const served = answers.filter(({ status }) => status === 200);
      expect([served.length, refused.length]).toEqual([11, 10]);
      expect(calls()).toEqual([12, 0, 0]);
      for (const { status, headers, text } of refused) {
        expect(status).toBe(503);
        expect(JSON.parse(text)).toMatchObject({ error: { code: 'server_is_overloaded' } });
        expect(headers.get('x-should-retry')).toBe('true');
        expect(Number(headers.get('retry-after-ms'))).toBeGreaterThan(0);
      }
    });
  });

  describe('that hedges', () => {
    const STREAM = { stream: true };
    const records = async (model: string) => {
      await delay(50);
      const answer = await gateway.admin('GET', `/admin/requests?model=${model}&limit=1`);
      const { data } = (await answer.json()) as { data: { provider: string; attempts: object[] }[] };
      return data[0];
    };
    const warmUp = async (model: string) => {
      play({ a: after(5, 'quick') });
      for (let call = 0; call < 24; call += 1) await ask(model, STREAM);
    };

    it('starts a second target beside one that is late, takes the first token, and stops the other', async () => {
      await warmUp('hedged');
      play({ a: after(3_000, 'late'), b: after(20, 'in time') });
      const answer = await ask('hedged', STREAM);
      expect(answer.text).toContain('in time');
      expect(answer.headers.get('x-parley-provider')).toBe('b');
      expect(answer.headers.get('x-parley-attempts')).toBe('2');
      expect(await upstreams.a.requests[0]?.over).toBe('cancelled');
      expect(await records('hedged')).toMatchObject({
        provider: 'b',
        outcome: 'completed',
        attempts: [
          { provider: 'a', outcome: 'abandoned', error_code: 'hedge_lost' },
          { provider: 'b', outcome: 'completed', status: 200 },
        ],
      });
    });

    it('takes the first target where that is faster in the end', async () => {
      play({ a: after(300, 'in the end'), b: after(3_000, 'never') });
      const answer = await ask('hedged', STREAM);
      expect(answer.text).toContain('in the end');
      expect(answer.headers.get('x-parley-provider')).toBe('a');
      expect(await upstreams.b.requests[0]?.over).toBe('cancelled');
      expect(await records('hedged')).toMatchObject({
        provider: 'a',
        attempts: [{ outcome: 'completed' }, { outcome: 'abandoned', error_code: 'hedge_lost' }],
      });
    });

    it.each<[string, Partial<Record<Name, Script>>]>([
      ['the first', { a: async (request) => (await delay(250), failing(500)(request)), b: after(400, 'saved') }],
      ['the second', { a: after(400, 'saved'), b: failing(500) }],
    ])('is served by the other where %s fails', async (_, scripts) => {
      play(scripts);
      const answer = await ask('hedged', STREAM);
      expect([answer.status, answer.headers.get('x-parley-attempts')]).toEqual([200, '2']);
      expect(answer.text).toContain('saved');
    });

    it('goes to the list for long prompts where one finds it too long and the other fails', async () => {
      play({ a: async (request) => (await delay(250), failing(500)(request)), b: TOO_LONG, c: after(1, 'roomy') });
      const answer = await ask('hedged', STREAM);
      expect([answer.status, calls()]).toEqual([200, [1, 1, 1]]);
      expect(answer.text).toContain('roomy');
    });

    it.each([
      ['a plain answer', 'hedged', {}],
      ['a route that did not ask for it', 'unhedged', STREAM],
      ['a route that may not pay for it', 'hedged-free', STREAM],
    ])('leaves alone %s', async (_, model, more) => {
      play({
        a:
          more === STREAM
            ? after(300, 'slow')
            : async (request) => (await delay(300), answerWith(completion('slow'))(request)),
      });
      const answer = await ask(model, more);
      expect(answer.text).toContain('slow');
      expect(calls()).toEqual([1, 0, 0]);
    });
  });
});
