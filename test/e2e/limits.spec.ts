import OpenAI, { RateLimitError } from 'openai';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGateway, type Gateway } from '../support/gateway.js';
import { answerWith, chunk, completion, events, startUpstream, type FakeUpstream } from '../support/upstream.js';

let upstream: FakeUpstream;
let gateway: Gateway;

const KEYS = {
  rpm: { rpm: 50 },
  tpm: { tpm: 1_000 },
  both: { rpm: 1_000, tpm: 100_000 },
  narrow: { concurrency: 2 },
  poor: { budget: { usd: 0.001, per: 'day' } },
  broke: { budget: { usd: 0, per: 'total' } },
  teamed: { owner: 'blue' },
  teamed2: { owner: 'blue' },
  free: {},
} as const;
const TARGET = { provider: 'openai', model: 'gpt-4o' };
const secret = (name: string) => `sk-parley-${name.padEnd(43, 'x')}`;

beforeAll(async () => {
  upstream = await startUpstream();
  gateway = await startGateway({ config: config({}) });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

function config(limits: object): object {
  return {
    providers: { openai: { baseUrl: `${upstream.url}/v1`, apiKey: 'sk-up' } },
    models: {
      gpt: { targets: [TARGET], retries: 0 },
      rare: { targets: [TARGET], rpm: 3 },
      capped: { targets: [TARGET], defaults: { max_tokens: 10 } },
    },
    teams: [{ name: 'blue', rpm: 2 }],
    keys: Object.entries(KEYS).map(([name, terms]) => ({ name, key: secret(name), ...terms })),
    limits,
  };
}

const ask = (key: string, body: object = {}, headers: object = {}) =>
  gateway.chat({ model: 'gpt', ...body }, { authorization: `Bearer ${secret(key)}`, ...headers });

const shown = (response: Response) =>
  Object.fromEntries([...response.headers].filter(([name]) => name.startsWith('x-ratelimit')));

async function explained(key: string, body: object = {}): Promise<readonly unknown[]> {
  const response = await ask(key, body, { 'x-parley-explain': 'true' });
  return ((await response.json()) as { limits: readonly unknown[] }).limits;
}

describe('limits', () => {
  it('let exactly as many of 500 requests at once pass as there may be in a minute', async () => {
    upstream.play(answerWith(completion('hello')));
    const statuses = await Promise.all(
      Array.from({ length: 500 }, async () => {
        const response = await ask('rpm');
        const { status, headers } = response;
        const body = (await response.json()) as { error?: object };
        if (status === 429) {
          expect(body.error).toMatchObject({ type: 'requests', code: 'rate_limit_exceeded', param: null });
          expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(60);
          expect(headers.get('x-ratelimit-remaining-requests')).toBe('0');
        }
        return status;
      }),
    );
    expect(statuses.filter((status) => status === 200)).toHaveLength(50);
    expect(statuses.filter((status) => status === 429)).toHaveLength(450);
    expect(upstream.requests).toHaveLength(50);
  });

  it('are told in headers, in OpenAI’s words where they refuse, and by explain without being used', async () => {
    upstream.play(answerWith(completion('hello')));
    expect(await explained('rpm')).toEqual([{ scope: 'key', kind: 'rpm', would_bind: true }]);
    expect(await explained('free')).toEqual([]);
    expect(await explained('free', { model: 'rare' })).toEqual([{ scope: 'model', kind: 'rpm', would_bind: false }]);
    const first = await ask('both', { max_tokens: 500 });
    expect(shown(first)).toEqual({
      'x-ratelimit-limit-requests': '1000',
      'x-ratelimit-remaining-requests': '999',
      'x-ratelimit-reset-requests': '1m0s',
      'x-ratelimit-limit-tokens': '100000',
      'x-ratelimit-remaining-tokens': String(100_000 - 501),
      'x-ratelimit-reset-tokens': '1m0s',
    });
    // Settled with the truth: 13 instead of 501.
    const second = await ask('both', { max_tokens: 500, stream: true });
    expect(second.headers.get('x-ratelimit-remaining-tokens')).toBe(String(100_000 - 13 - 501));
    const refused = await ask('rpm');
    const { error } = (await refused.json()) as { error: { message: string } };
    expect(error.message).toMatch(
      /^Rate limit reached for gpt in key rpm on requests per min \(RPM\): Limit 50, Used 50, Requested 1\. Please try again in (\d+m)?[\d.]+m?s\.$/,
    );
    expect(refused.headers.get('x-should-retry')).toBe('true');
  });

  it('hold for a team in all of its keys, and for a model in all who ask for it by that name', async () => {
    upstream.play(answerWith(completion('hello')));
    const statuses = async (list: readonly Promise<Response>[]) =>
      (await Promise.all(list)).map(({ status }) => status);
    expect((await statuses([ask('teamed'), ask('teamed2'), ask('teamed'), ask('teamed2')])).toSorted()).toEqual([
      200, 200, 429, 429,
    ]);
    const rare = { model: 'rare' };
    expect(
      (await statuses([ask('free', rare), ask('both', rare), ask('free', rare), ask('free', rare)])).toSorted(),
    ).toEqual([200, 200, 200, 429]);
    expect((await ask('free')).status).toBe(200);
    const { error } = (await (await ask('free', rare)).json()) as { error: { message: string } };
    expect(error.message).toContain('for rare in model rare on requests per min (RPM): Limit 3, Used 3');
  });

  it('count tokens from a guess, give back what was not used, and refuse for good what is too large', async () => {
    upstream.play(answerWith(completion('hello')));
    const large = await ask('tpm', { max_tokens: 5_000 });
    expect([large.status, large.headers.get('x-should-retry'), large.headers.get('retry-after')]).toEqual([
      429,
      'false',
      null,
    ]);
    expect(((await large.json()) as { error: object }).error).toMatchObject({
      type: 'tokens',
      code: 'rate_limit_exceeded',
      message: expect.stringMatching(
        /^Request too large for gpt in key tpm on tokens per min \(TPM\): Limit 1000, Requested 5001\./,
      ),
    });
    const two = await Promise.all([ask('tpm', { max_tokens: 600 }), ask('tpm', { max_tokens: 600 })]);
    expect(two.map(({ status }) => status).toSorted()).toEqual([200, 429]); // together they might be too many
    expect((await ask('tpm', { max_tokens: 600 })).status).toBe(200); // as the first took 13
    expect((await ask('tpm', { model: 'capped' })).status).toBe(200); // by what the route says
    for (const max_tokens of [1e300, Number.MAX_SAFE_INTEGER])
      expect((await ask('tpm', { max_tokens })).status).toBe(429);
  });

  it('hold at a time, whether answered, failed or left', async () => {
    let open = 0;
    upstream.play(({ response }) => {
      open += 1;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(events(chunk({ content: 'hel' })));
    });
    const stream = async () => {
      const leave = new AbortController();
      const response = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${secret('narrow')}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'gpt', stream: true, messages: [{ role: 'user', content: 'hi' }] }),
        signal: leave.signal,
      });
      return { response, leave };
    };
    const streams = [await stream(), await stream()];
    const refused = await ask('narrow');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect(open).toBe(2);
    for (const { leave } of streams) leave.abort();
    upstream.play(answerWith({ error: { message: 'no', type: 'x' } }, { status: 400 }));
    for (const end = performance.now() + 5_000; performance.now() < end; await sleep(5))
      if ((await ask('narrow')).status !== 429) break;
    const failures = await Promise.all([ask('narrow'), ask('narrow')]);
    expect(failures.map(({ status }) => status)).toEqual([400, 400]);
    expect(await explained('narrow')).toEqual([{ scope: 'key', kind: 'concurrency', would_bind: false }]);
  });

  it('never let a budget be overrun by more than one estimate', async () => {
    // At $2.50 and $10 a million tokens: 11 + 2 cost 47 500 nano-dollars, of 1 000 000.
    upstream.play(answerWith(completion('hello')));
    const refused = await ask('broke');
    expect([refused.status, refused.headers.get('x-should-retry'), refused.headers.get('retry-after')]).toEqual([
      429,
      'false',
      null,
    ]);
    expect(((await refused.json()) as { error: object }).error).toMatchObject({
      type: 'insufficient_quota',
      code: 'insufficient_quota',
      message: expect.stringContaining('the budget of key broke, $0 in all, does not allow it'),
    });
    let answered = 0;
    for (let round = 0; round < 10; round += 1) {
      const responses = await Promise.all(Array.from({ length: 20 }, () => ask('poor', { max_tokens: 10 })));
      answered += responses.filter(({ status }) => status === 200).length;
    }
    // The last one must have found its estimate, 102 500, free.
    expect(answered).toBe(Math.floor((1_000_000 - 102_500) / 47_500) + 1);
    expect(upstream.requests).toHaveLength(answered);
  });

  it('know after a restart what was spent before', async () => {
    upstream.play(answerWith(completion('hello')));
    const folder = mkdtempSync(join(tmpdir(), 'parley-limits-'));
    const answers: number[] = [];
    for (let start = 0; start < 2; start += 1) {
      const one = await startGateway({ config: config({}), env: { PARLEY_DATA_DIR: folder } });
      const send = () => one.chat({ model: 'gpt', max_tokens: 10 }, { authorization: `Bearer ${secret('poor')}` });
      // All at once: what was spent is asked for once, and they wait for it.
      for (let round = 0; round < 2; round += 1) {
        const responses = await Promise.all(Array.from({ length: 7 }, send));
        answers.push(responses.filter(({ status }) => status === 200).length);
      }
      await one.close();
    }
    // By what they came to 19 are affordable, by estimates at a time somewhat fewer; forgetful, it would be twice 13.
    const sum = answers.reduce((total, each) => total + each);
    expect(sum).toBeLessThanOrEqual(20);
    expect(sum).toBeGreaterThan(13);
    rmSync(folder, { recursive: true, force: true });
  });

  it('count what they refuse', async () => {
    const text = await (await gateway.admin('GET', '/metrics')).text();
    expect(text).toMatch(/^parley_limit_refusals_total\{scope="key",kind="rpm"\} 45\d$/m);
    expect(text).toMatch(/^parley_limit_refusals_total\{scope="team",kind="rpm"\} 2$/m);
    expect(text).toMatch(/^parley_limit_refusals_total\{scope="key",kind="budget"\} \d+$/m);
  });

  it('are understood by OpenAI’s client, which comes back when it is told to', async () => {
    upstream.play(answerWith(completion('hello')));
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: secret('rpm'), maxRetries: 0 });
    const failure = await client.chat.completions
      .create({ model: 'gpt', messages: [{ role: 'user', content: 'hi' }] })
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(failure).toBeInstanceOf(RateLimitError);
    expect(failure).toMatchObject({ status: 429, code: 'rate_limit_exceeded', type: 'requests' });
    // Its own retries wait as long as they are told to: a second that is nearly over, instead of half of one and one.
    upstream.play(async (request) => {
      await sleep(900);
      await answerWith(completion('late'))(request);
    });
    const busy = [ask('narrow'), ask('narrow')];
    await upstream.next();
    const patient = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: secret('narrow'), maxRetries: 1 });
    const start = performance.now();
    await patient.chat.completions.create({ model: 'gpt', messages: [{ role: 'user', content: 'hi' }] });
    expect(performance.now() - start).toBeGreaterThan(1_000);
    await Promise.all(busy);
    upstream.play(answerWith(completion('hello')));
    const poor = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: secret('broke') });
    const quota = await poor.chat.completions
      .create({ model: 'gpt', messages: [{ role: 'user', content: 'hi' }] })
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(quota).toMatchObject({ status: 429, code: 'insufficient_quota' });
  });
});
