import { request as httpRequest, type IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import OpenAI from 'openai';
import { Repeats } from '../../src/repeats/repeats.js';
import { startGateway, type Gateway } from '../support/gateway.js';
import {
  answerWith,
  chunk,
  completion,
  events,
  startUpstream,
  usageChunk,
  type FakeUpstream,
  type Script,
} from '../support/upstream.js';

let gateway: Gateway;
let upstream: FakeUpstream;
let otherKey: string;

beforeAll(async () => {
  upstream = await startUpstream();
  gateway = await startGateway({
    config: {
      providers: { openai: { baseUrl: upstream.url, apiKey: 'sk-test' } },
      models: {
        m: { targets: [{ provider: 'openai', model: 'gpt-4.1' }], retries: 0 },
        retried: { targets: [{ provider: 'openai', model: 'gpt-4.1' }], retries: 1 },
      },
    },
  });
  const made = (await (await gateway.admin('POST', '/admin/keys', { name: 'other' })).json()) as { key: string };
  otherKey = made.key;
});

afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const USAGE = { prompt_tokens: 1_000, completion_tokens: 100, total_tokens: 1_100 };
const HEAD = events(chunk({ role: 'assistant', content: 'Hel' }));
const TAIL = events(chunk({ content: 'lo' }), chunk({}, 'stop'), usageChunk(USAGE), '[DONE]');

/** A provider that answers in full when it is told to; of a stream, it has sent the first half before. */
function gated(stream: boolean): { readonly script: Script; readonly open: () => void } {
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const script: Script = async (request) => {
    const { response } = request;
    if (stream) response.writeHead(200, { 'content-type': 'text/event-stream' }).write(HEAD);
    await gate;
    if (stream) response.end(TAIL);
    else void answerWith(completion('Hello', { usage: USAGE }))(request);
  };
  return { script, open };
}

function atOnce(stream: boolean): Script {
  const { script, open } = gated(stream);
  open();
  return script;
}

interface Question {
  readonly stream: boolean;
  /** Kept on its usage record: which test it belongs to. */
  readonly tag: string;
  /** An idempotency key stands for one of the test's own. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly key?: string;
  readonly text?: string;
  readonly model?: string;
}

interface Asked {
  /** Once the answer has begun. */
  readonly begun: Promise<IncomingMessage>;
  readonly answer: Promise<Answer>;
  /** The client goes away. */
  leave(): void;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

function ask({ stream, tag, headers = {}, key = gateway.key, text = 'hi', model = 'm' }: Question): Asked {
  const { 'idempotency-key': name, ...others } = headers;
  const named = name === undefined ? {} : { 'idempotency-key': `${tag} ${name}` };
  const outgoing = httpRequest(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'x-parley-tags': tag, ...others, ...named },
  });
  outgoing.on('error', () => undefined);
  const begun = new Promise<IncomingMessage>((resolve) => outgoing.once('response', resolve));
  const answer = begun.then(async (response) => {
    const pieces = await response.setEncoding('utf8').toArray();
    return { status: response.statusCode ?? 0, headers: response.headers, text: pieces.join('') };
  });
  answer.catch(() => undefined);
  outgoing.end(JSON.stringify({ model, stream, messages: [{ role: 'user', content: text }] }));
  return { begun, answer, leave: () => outgoing.destroy() };
}

interface Row {
  readonly request_id: string;
  readonly outcome: string;
  readonly status: number;
  readonly error_code: string | null;
  readonly usage: { readonly prompt_tokens: number } | null;
  readonly usage_source: string;
  readonly cost_nano_usd: number | null;
  readonly attempts: readonly object[];
}

/** The usage records of a test, the oldest first, once there are so many. */
async function recordsOf(tag: string, expected: number): Promise<readonly Row[]> {
  for (let waited = 0; ; waited += 20) {
    const response = await gateway.admin('GET', `/admin/requests?tag=${tag}`);
    const { data } = (await response.json()) as { data: readonly Row[] };
    if (data.length >= expected || waited >= 1_000) return data.toReversed();
    await delay(20);
  }
}

const FIRST = { 'x-stainless-retry-count': '0' };
const AGAIN = { 'x-stainless-retry-count': '1' };
const KEYED = { 'idempotency-key': 'k-1' };
/** 1,000 × $2 + 100 × $8 a million. */
const COST = 2_800_000;
const REPLAY = { attempts: [], usage: null, usage_source: 'none', cost_nano_usd: 0 };

let count = 0;
/** A name, and an idempotency key, of a test's own. */
const nextTag = () => `test-${(count += 1)}`;

describe.each([
  ['a stream', true],
  ['a whole answer', false],
])('%s', (_, stream) => {
  const partOf = (text: string) => (stream ? text.startsWith(HEAD) && text.endsWith('data: [DONE]\n\n') : true);

  it.each([
    ['the same key', KEYED, KEYED],
    ['the SDK', FIRST, AGAIN],
  ])('is joined while it goes on, by the word of %s', async (_name, firstHeaders, againHeaders) => {
    const tag = nextTag();
    const { script, open } = gated(stream);
    upstream.play(script);
    const one = ask({ stream, tag, headers: firstHeaders, text: tag });
    await upstream.next();
    const two = ask({ stream, tag, headers: againHeaders, text: tag });
    if (stream) await Promise.all([one.begun, two.begun]);
    else await delay(50);
    open();
    const [first, second] = await Promise.all([one.answer, two.answer]);
    expect(upstream.requests).toHaveLength(1);
    expect(first).toMatchObject({ status: 200 });
    expect(second).toMatchObject({ status: 200, text: first.text });
    expect(partOf(first.text)).toBe(true);
    expect(second.headers).toMatchObject({
      'x-parley-replayed': first.headers['x-request-id'],
      'x-parley-provider': 'openai',
      'x-parley-model': 'gpt-4.1',
      'x-parley-attempts': '1',
    });
    expect(second.headers).not.toHaveProperty('x-parley-cost-usd');
    expect(first.headers).not.toHaveProperty('x-parley-replayed');
    const rows = await recordsOf(tag, 2);
    const ofFirst = rows.find(({ request_id: id }) => id === first.headers['x-request-id']);
    const ofSecond = rows.find(({ request_id: id }) => id === second.headers['x-request-id']);
    expect(rows).toHaveLength(2);
    expect(ofFirst).toMatchObject({ outcome: 'completed', attempts: [{}], cost_nano_usd: COST });
    expect(ofSecond).toMatchObject({ outcome: 'completed', status: 200, ...REPLAY });
  });

  it.each<[string, Partial<Question>, Partial<Question>, 1 | 2]>([
    ['replayed for the SDK that asks again', { headers: FIRST }, { headers: AGAIN }, 1],
    ['replayed for the same key', { headers: KEYED }, { headers: KEYED }, 1],
    [
      'replayed for the same key that the SDK repeats',
      { headers: { ...KEYED, ...FIRST } },
      { headers: { ...KEYED, ...AGAIN } },
      1,
    ],
    ['not there for another tenant', { headers: FIRST }, { headers: AGAIN, key: 'other' }, 2],
    ['not there for another tenant with the same key', { headers: KEYED }, { headers: KEYED, key: 'other' }, 2],
    ['not there for another key', { headers: KEYED }, { headers: { 'idempotency-key': 'k-2' } }, 2],
    ['not there for another question', { headers: FIRST }, { headers: AGAIN, text: 'other' }, 2],
    ['not there for a stricter question', { headers: FIRST }, { headers: { ...AGAIN, 'x-parley-strict': 'true' } }, 2],
    ['not there for a second request', { headers: FIRST }, { headers: FIRST }, 2],
    ['not there for who wants none', { headers: KEYED }, { headers: { ...KEYED, 'x-parley-replay': 'false' } }, 2],
    ['not kept of who wants that', { headers: { ...FIRST, 'x-parley-replay': 'false' } }, { headers: AGAIN }, 2],
    ['not kept where nobody speaks of repeating', {}, { headers: AGAIN }, 2],
  ])('that is over is %s', async (_name, one, two, calls) => {
    const tag = nextTag();
    upstream.play(atOnce(stream));
    const asking = ({ key, ...more }: Partial<Question>): Question => ({
      ...{ stream, tag, text: tag },
      ...more,
      ...(key !== undefined && { key: otherKey }),
    });
    const first = await ask(asking(one)).answer;
    const second = await ask(asking(two)).answer;
    expect(upstream.requests).toHaveLength(calls);
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.text).toBe(first.text);
    expect(second.headers['x-parley-replayed']).toBe(calls === 1 ? first.headers['x-request-id'] : undefined);
    const rows = await recordsOf(tag, 2);
    expect(rows.map(({ outcome }) => outcome)).toEqual(['completed', 'completed']);
    expect(rows.reduce((sum, { attempts }) => sum + attempts.length, 0)).toBe(calls);
    expect(rows.reduce((sum, { usage }) => sum + (usage?.prompt_tokens ?? 0), 0)).toBe(calls * USAGE.prompt_tokens);
    expect(rows.reduce((sum, row) => sum + (row.cost_nano_usd ?? NaN), 0)).toBe(calls * COST);
  });

  it.each([
    ['the same key', KEYED, KEYED],
    ['the SDK', FIRST, AGAIN],
  ])('that failed fails in the same way, by the word of %s', async (_name, firstHeaders, againHeaders) => {
    const tag = nextTag();
    const error = { message: 'Broken.', type: 'server_error', code: 'broken' };
    upstream.play(answerWith({ error }, { status: 500 }));
    const first = await ask({ stream, tag, headers: firstHeaders, text: tag }).answer;
    const second = await ask({ stream, tag, headers: againHeaders, text: tag }).answer;
    expect(upstream.requests).toHaveLength(1);
    expect(first.status).toBeGreaterThanOrEqual(500);
    expect(second).toMatchObject({ status: first.status, text: first.text });
    expect(second.headers['x-parley-replayed']).toBe(first.headers['x-request-id']);
    const [ofFirst, ofSecond] = await recordsOf(tag, 2);
    expect(ofFirst).toMatchObject({ outcome: 'failed', attempts: [{}] });
    expect(ofSecond).toMatchObject({
      ...REPLAY,
      ...{ outcome: 'failed', status: first.status, error_code: ofFirst?.error_code },
    });
  });

  it.each<[string, Readonly<Record<string, string>>, boolean]>([
    ['and goes on, where it has a key,', KEYED, true],
    ['and ends, where it is only the SDK that may repeat it,', FIRST, false],
  ])('%s when its client leaves', async (_name, headers, goesOn) => {
    const tag = nextTag();
    const { script, open } = gated(stream);
    upstream.play(script);
    const one = ask({ stream, tag, headers, text: tag, model: 'retried' });
    const call = await upstream.next();
    if (stream) await one.begun;
    one.leave();
    if (!goesOn) expect(await call.over).toBe('cancelled');
    else await delay(50);
    open();
    const second = await ask({ stream, tag, headers: { ...headers, ...AGAIN }, text: tag, model: 'retried' }).answer;
    expect(partOf(second.text)).toBe(true);
    expect(upstream.requests).toHaveLength(goesOn ? 1 : 2);
    const rows = await recordsOf(tag, 2);
    const ofFirst = rows.find(({ request_id: id }) => id !== second.headers['x-request-id']);
    const expected = { outcome: 'completed', status: 200, attempts: [{ outcome: 'completed' }], cost_nano_usd: COST };
    expect(ofFirst).toMatchObject(goesOn ? expected : { outcome: 'abandoned', attempts: [{ outcome: 'abandoned' }] });
    expect(rows).toHaveLength(2);
  });

  it('goes on for who has joined, and ends with the last of them', async () => {
    const tag = nextTag();
    const { script } = gated(stream);
    upstream.play(script);
    const one = ask({ stream, tag, headers: FIRST, text: tag });
    const call = await upstream.next();
    const two = ask({ stream, tag, headers: AGAIN, text: tag });
    if (stream) await Promise.all([one.begun, two.begun]);
    else await delay(50);
    one.leave();
    expect(await Promise.race([call.over, delay(100, 'still there')])).toBe('still there');
    two.leave();
    expect(await Promise.race([call.over, delay(1_000, 'still there')])).toBe('cancelled');
    const rows = await recordsOf(tag, 2);
    expect(rows.map(({ outcome, attempts }) => [outcome, attempts.length]).toSorted()).toEqual([
      ['abandoned', 0],
      ['abandoned', 1],
    ]);
  });

  it('is not that of another question with the same key', async () => {
    const tag = nextTag();
    upstream.play(atOnce(stream));
    await ask({ stream, tag, headers: KEYED }).answer;
    const { status, text } = await ask({ stream, tag, headers: KEYED, text: 'other' }).answer;
    expect(status).toBe(422);
    expect(JSON.parse(text)).toMatchObject({ error: { code: 'idempotency_key_reused', param: null } });
    expect(upstream.requests).toHaveLength(1);
  });
});

it('is not remembered where it was refused before a provider was asked', async () => {
  const headers = { 'idempotency-key': nextTag() };
  const held = gateway.app.get(Repeats).held.runs;
  for (let n = 0; n < 2; n += 1) {
    const response = await gateway.chat({ model: 'none' }, headers);
    expect(response.status).toBe(404);
    expect(response.headers.get('x-parley-replayed')).toBeNull();
  }
  expect(gateway.app.get(Repeats).held.runs).toBe(held);
});

describe("OpenAI's SDK", () => {
  const client = (options: object) => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.key, ...options });
  const asking = (text: string) => ({ model: 'm', messages: [{ role: 'user' as const, content: text }] });

  it('shares one call between two that give the same key', async () => {
    const tag = nextTag();
    upstream.play(atOnce(false));
    const openai = client({ maxRetries: 0 });
    const options = { headers: { 'idempotency-key': tag } };
    const answers = await Promise.all([
      openai.chat.completions.create(asking(tag), options),
      openai.chat.completions.create(asking(tag), options),
    ]);
    expect(upstream.requests).toHaveLength(1);
    expect(answers[1]).toEqual(answers[0]);
  });

  it.each([
    ['m', 1],
    ['retried', 2],
  ])('does not multiply the calls of a route by its retries: %s, %d', async (model, calls) => {
    upstream.play(
      answerWith({ error: { message: 'Slow down.' } }, { status: 429, headers: { 'retry-after-ms': '1' } }),
    );
    const seen: string[] = [];
    const counting: typeof fetch = (url, init) => {
      seen.push(new Headers(init?.headers).get('x-stainless-retry-count') ?? '');
      return fetch(url, init);
    };
    const openai = client({ maxRetries: 2, fetch: counting });
    await expect(openai.chat.completions.create({ ...asking(nextTag()), model })).rejects.toMatchObject({
      status: 429,
    });
    expect(seen).toEqual(['0', '1', '2']);
    expect(upstream.requests).toHaveLength(calls);
  });

  it.each([
    ['m', 1],
    ['retried', 2],
  ])('does not multiply them where it loses patience either: %s, %d', async (model, calls) => {
    upstream.play(() => undefined);
    const openai = client({ maxRetries: 2, timeout: 200 });
    await expect(openai.chat.completions.create({ ...asking(nextTag()), model })).rejects.toMatchObject({
      status: 504,
      code: 'timeout',
      headers: expect.anything(),
    });
    expect(upstream.requests).toHaveLength(calls);
  });

  it('gets with a key what was asked before it lost patience', async () => {
    const tag = nextTag();
    const { script, open } = gated(false);
    upstream.play(script);
    const openai = client({ maxRetries: 4, timeout: 300 });
    const answer = openai.chat.completions.create(asking(tag), { headers: { 'idempotency-key': tag } });
    const call = await upstream.next();
    await delay(400); // by now it has left once
    open();
    expect((await answer).choices[0]?.message.content).toBe('Hello');
    expect(await call.over).toBe('answered');
    expect(upstream.requests).toHaveLength(1);
  });
});
