import { setTimeout as delay } from 'node:timers/promises';
import OpenAI from 'openai';
import { awsEvent as aws } from '../support/aws-event.js';
import { ANSWER, answering, CHUNKS, CLOCKS, nameOf, startCourse } from '../support/faults.js';
import type { Course, TestedRoute } from '../support/faults.js';
import { events, streamOf, usageChunk, type Script } from '../support/upstream.js';

/** Sends these pieces, each so long after the one before. */
const dripping =
  (pieces: readonly (Buffer | string)[], everyMs: number): Script =>
  async ({ response }) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    for (const piece of pieces) {
      await delay(everyMs);
      if (response.destroyed) return;
      response.write(piece);
    }
    response.end();
  };

const sse = (event: { readonly type?: string }): Buffer =>
  Buffer.from(`event: ${event.type ?? 'message'}\ndata: ${JSON.stringify(event)}\n\n`);

const claudeText = (text: string) =>
  sse({ type: 'content_block_delta', ...{ index: 0, delta: { type: 'text_delta', text } } });
const candidate = (text: string, finishReason?: string) =>
  Buffer.from(
    `data: ${JSON.stringify({ candidates: [{ content: { role: 'model', parts: [{ text }] }, index: 0, finishReason }] })}\n\n`,
  );

/** A stream of one provider's dialect, as its events. */
interface Dialect {
  readonly provider: object;
  readonly events: readonly Buffer[];
  /** Events that say nothing yet: a stream that ends after these has not begun. */
  readonly silent: number;
  /** Events up to the one that makes the answer complete. */
  readonly needed: number;
  /** An error as an event, and what the client is told. */
  readonly overload: Buffer;
}

const DIALECTS: Readonly<Record<string, Dialect>> = {
  openai: {
    provider: {},
    events: [...CHUNKS, usageChunk(), '[DONE]'].map((each) => Buffer.from(events(each))),
    silent: 1,
    needed: CHUNKS.length,
    overload: Buffer.from(events({ error: { message: 'Overloaded', type: 'overloaded_error', code: null } })),
  },
  anthropic: {
    provider: { type: 'anthropic' },
    events: [
      sse({ type: 'message_start', ...{ message: { id: 'msg_1', role: 'assistant', content: [], usage: {} } } }),
      sse({ type: 'content_block_start', ...{ index: 0, content_block: { type: 'text', text: '' } } }),
      sse({ type: 'ping' }),
      claudeText('Hello'),
      claudeText(' '),
      claudeText('there'),
      sse({ type: 'content_block_stop', ...{ index: 0 } }),
      sse({ type: 'message_delta', ...{ delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } } }),
      sse({ type: 'message_stop' }),
    ],
    silent: 3,
    needed: 8,
    overload: sse({ type: 'error', ...{ error: { type: 'overloaded_error', message: 'Overloaded' } } }),
  },
  gemini: {
    provider: { type: 'gemini' },
    events: [candidate('Hello'), candidate(' '), candidate('the'), candidate('re', 'STOP')],
    silent: 0,
    needed: 4,
    overload: Buffer.from(
      `data: ${JSON.stringify({ error: { code: 503, status: 'UNAVAILABLE', message: 'Overloaded' } })}\n\n`,
    ),
  },
  bedrock: {
    provider: { type: 'bedrock', region: 'us-east-1' },
    events: [
      aws('messageStart', { role: 'assistant' }),
      ...['Hello', ' ', 'there'].map((text) => aws('contentBlockDelta', { contentBlockIndex: 0, delta: { text } })),
      aws('contentBlockStop', { contentBlockIndex: 0 }),
      aws('messageStop', { stopReason: 'end_turn' }),
      aws('metadata', { usage: { inputTokens: 9, outputTokens: 2, totalTokens: 11 } }),
    ],
    silent: 1,
    needed: 6,
    overload: aws('serviceUnavailableException', { message: 'Overloaded' }, 'exception'),
  },
};

interface Cut {
  readonly route: string;
  readonly dialect: string;
  /** Events before it. */
  readonly after: number;
  readonly end: 'truncation' | 'overload';
}

const CUTS: readonly Cut[] = Object.entries(DIALECTS).flatMap(([dialect, { events: all }]) =>
  (['truncation', 'overload'] as const).flatMap((end) =>
    all.map((_, after) => ({ route: `${dialect}: ${end} after ${after}`, dialect, after, end })),
  ),
);

const WHOLE = events(...CHUNKS, usageChunk(), '[DONE]');
const bytesOf = (text: string, size: number): readonly string[] => text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
/** Slower as a whole than any of its clocks allows for one silence. */
const DRIPS: Readonly<Record<string, Script>> = {
  'an event at a time': dripping(
    CHUNKS.map((each) => events(each)),
    120,
  ),
  'a few bytes at a time': dripping(bytesOf(WHOLE, 40), 20),
  'comments between its events': dripping(
    CHUNKS.slice(0, 3)
      .flatMap((each) => [events(each), ...Array<string>(4).fill(': wait\n\n')])
      .concat(events(...CHUNKS.slice(3))),
    60,
  ),
};

const target = (plays: Script, provider: object = {}) => ({ plays, provider });
const COMMENTS = 'comments alone';

let course: Course;

beforeAll(async () => {
  const routes: Record<string, TestedRoute> = {
    [COMMENTS]: { targets: [target(dripping(Array<string>(40).fill(': wait\n\n'), 50)), target(answering)] },
  };
  for (const [what, plays] of Object.entries(DRIPS)) routes[what] = { targets: [target(plays), target(answering)] };
  for (const { route, dialect, after, end } of CUTS) {
    const { provider = {}, events: all = [], overload = '' } = DIALECTS[dialect] ?? {};
    const sent = Buffer.concat([...all.slice(0, after), Buffer.from(end === 'overload' ? overload : '')]);
    routes[route] = { model: { retries: 0 }, targets: [target(streamOf(sent), provider), target(answering)] };
  }
  course = await startCourse(routes);
});

afterAll(() => course.close());

/** How many requests each target got. */
const sent = (route: string): readonly number[] => course.calls(route).map((requests) => requests.length);

it.each(Object.keys(DIALECTS))('%s: whichever event its stream ends or fails after', async (dialect) => {
  const cuts = CUTS.filter((cut) => cut.dialect === dialect);
  expect(cuts.length).toBeGreaterThan(6);
  await Promise.all(cuts.map(isTruthful));
});

/** Before its first words another one answers; then it is an error; one that lacks only its formal end is an answer. */
async function isTruthful({ route, dialect, after, end }: Cut): Promise<void> {
  const { silent = 0, needed = 0 } = DIALECTS[dialect] ?? {};
  const { error, text, finish, answer } = await course.ask(route, { stream: true });
  const [record] = await course.ledger(route, 1);
  const outcomes = record?.attempts.map(({ outcome }) => outcome);
  const seen = { route, done: answer.body.endsWith('data: [DONE]\n\n'), provider: answer.headers['x-parley-provider'] };
  if (after <= silent || (after >= needed && end === 'truncation')) {
    const isFallback = after <= silent;
    expect({ ...seen, error, text, finish }).toEqual({
      route,
      done: true,
      provider: nameOf(route, isFallback ? 1 : 0),
      error: undefined,
      text: ANSWER,
      finish: 'stop',
    });
    expect([outcomes, sent(route)]).toEqual(
      isFallback
        ? [
            ['failed', 'completed'],
            [1, 1],
          ]
        : [['completed'], [1, 0]],
    );
    return;
  }
  const code = end === 'truncation' ? 'stream_truncated' : 'server_is_overloaded';
  expect(error).toBeInstanceOf(OpenAI.APIError);
  expect({ ...seen, error }).toMatchObject({
    route,
    done: false,
    provider: nameOf(route, 0),
    error: { code },
  });
  expect(ANSWER.startsWith(text)).toBe(true);
  if (after < needed) expect(finish).toBeNull();
  expect(answer.body.match(/"error":|\[DONE\]/g)).toEqual(['"error":']);
  expect(record).toMatchObject({ outcome: 'failed', status: 200, error_code: code, cost_nano_usd: null });
  expect([outcomes, sent(route)]).toEqual([['failed'], [1, 0]]);
}

it.each(Object.keys(DRIPS))('a stream that is slow and never silent is whole: %s', async (route) => {
  const { error, text, finish, answer, ms } = await course.ask(route, { stream: true });
  expect({ error, text, finish }).toEqual({ error: undefined, text: ANSWER, finish: 'stop' });
  expect(answer.headers['x-parley-provider']).toBe(nameOf(route, 0));
  expect(ms).toBeGreaterThan(parseInt(CLOCKS.idle));
});

it('comments do not count as a beginning', async () => {
  const { error, text, answer, ms } = await course.ask(COMMENTS, { stream: true });
  expect({ error, text }).toEqual({ error: undefined, text: ANSWER });
  expect(answer.headers).toMatchObject({ 'x-parley-provider': nameOf(COMMENTS, 1), 'x-parley-attempts': '2' });
  expect(ms).toBeGreaterThan(parseInt(CLOCKS.firstToken) - 10);
  const [slow] = course.calls(COMMENTS)[0] ?? [];
  expect(await slow?.over).toBe('cancelled');
});
