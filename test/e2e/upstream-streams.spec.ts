import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { CREDENTIAL, startLab, type Lab } from '../support/lab.js';
import {
  answerWith,
  chunk,
  completion,
  events,
  streamOf,
  USAGE,
  usageChunk,
  type Script,
} from '../support/upstream.js';

let lab: Lab;

beforeAll(async () => {
  lab = await startLab();
});

afterAll(() => lab.close());

const stream = (script: Script, more: object = {}) => lab.ask(script, { stream: true, ...more });
const said = (message: string, more: object = {}) => ({ error: { message, type: 'x', code: null, ...more } });

const OPEN = chunk({ role: 'assistant', content: '' });
const END = chunk({}, 'stop');
const text = (...words: string[]) => [OPEN, ...words.map((content) => chunk({ content })), END];
const whole = (...words: string[]) => events(...text(...words), '[DONE]');

describe('a stream is put right', () => {
  it.each<[string, Script]>([
    ['as it should be', streamOf(whole('a', 'b'))],
    [
      'with comments and blank lines',
      streamOf(`: hello\n\n\n${whole('a', 'b').replaceAll('\n\n', '\n\n: still here\n\n')}`),
    ],
    ['with CRLF', streamOf(whole('a', 'b').replaceAll('\n', '\r\n'))],
    ['with a byte order mark', streamOf(`\ufeff${whole('a', 'b')}`)],
    [
      'with names, ids and no space after the colon',
      streamOf(whole('a', 'b').replaceAll('data: ', 'event: message\nid: 1\nretry: 5\ndata:')),
    ],
    ['without [DONE]', streamOf(events(...text('a', 'b')))],
    ['without [DONE], and cut', streamOf(events(...text('a', 'b')), 'cut')],
    ['without the last blank line', streamOf(events(...text('a', 'b')).trimEnd())],
    ['with output after its end', streamOf(events(...text('a', 'b'), END, chunk({ content: 'late' }), '[DONE]'))],
    ['with [DONE], but without an end', streamOf(whole('a', 'b') + events(chunk({ content: 'later' })), false)],
    ['as JSON, because the server cannot stream', answerWith(completion('ab'))],
  ])('%s', async (_, script) => {
    const started = performance.now();
    const answer = await stream(script);
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'content-type': expect.stringMatching(/^text\/event-stream/) },
    });
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(answer.text).toMatch(/^(data: .+\n\n)+$/);
    const data = answer.text
      .split('\n\n')
      .slice(0, -1)
      .map((event) => event.slice(6));
    expect(data.pop()).toBe('[DONE]');
    const chunks = data.map(
      (each) => JSON.parse(each) as { choices: { delta: { content?: string }; finish_reason: string | null }[] },
    );
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('ab');
    expect(chunks.map(({ choices }) => choices[0]?.finish_reason)).toEqual([
      ...Array<null>(chunks.length - 1).fill(null),
      'stop',
    ]);
  });

  it('with an event of a megabyte', async () => {
    const long = 'é'.repeat(512 * 1024);
    const answer = await stream(streamOf(whole(long)));
    expect(answer.text).toContain(long);
    expect(answer.text.endsWith('data: [DONE]\n\n')).toBe(true);
  });
});

describe('a stream that goes wrong ends with one error and without [DONE]', () => {
  const begun = events(OPEN, chunk({ content: 'a' }));
  it.each<[string, Script, string]>([
    ['cut', streamOf(begun, 'cut'), 'stream_truncated'],
    ['over too early', streamOf(begun), 'stream_truncated'],
    ['[DONE] too early', streamOf(begun + events('[DONE]')), 'stream_truncated'],
    ['an event that is no JSON', streamOf(begun + events('{"id":'), false), 'invalid_upstream_answer'],
    ['an event that is no object', streamOf(begun + events('5'), false), 'invalid_upstream_answer'],
    ['a choice that is none', streamOf(begun + events({ choices: [null] }), false), 'invalid_upstream_answer'],
    ['calls that are none', streamOf(begun + events(chunk({ tool_calls: 'x' })), false), 'invalid_upstream_answer'],
    ['an error', streamOf(begun + events(said(`Out of ${CREDENTIAL}`, { code: 'x' })), false), 'upstream_error'],
    ['an error by name', streamOf(`${begun}event: error\n${events(said('Oops'))}`, false), 'upstream_error'],
  ])('%s', async (_, script, code) => {
    const answer = await stream(script);
    expect(answer.status).toBe(200);
    const data = answer.text
      .split('\n\n')
      .slice(0, -1)
      .map((event) => JSON.parse(event.slice(6)) as object);
    expect(data.at(-1)).toEqual({ error: expect.objectContaining({ code }) });
    expect(data.filter((each) => 'error' in each)).toHaveLength(1);
    expect(answer.text).toContain('"content":"a"');
    expect(answer.text).not.toContain(CREDENTIAL);
  });

  it.each([false, true])('gzip that nobody asked for is no answer (stream: %s)', async (streams) => {
    const body = gzipSync(streams ? whole('a') : JSON.stringify(completion('a')));
    const answer = await lab.ask(answerWith(body, { headers: { 'content-encoding': 'gzip' } }), { stream: streams });
    expect(lab.upstream.requests[0]?.headers['accept-encoding']).toBe('identity');
    expect(answer.status).toBe(502);
  });
});

describe('a stream of two choices is whole when both have ended', () => {
  const second = (delta: object, finish: string | null = null) => ({
    ...chunk({}),
    choices: [{ index: 1, delta, finish_reason: finish }],
  });
  const firstChoice = text('a');
  const secondChoice = [second({ role: 'assistant', content: 'b' }), second({}, 'stop')];
  it.each<[string, Script, boolean]>([
    ['both, one after the other', streamOf(events(...firstChoice, ...secondChoice)), true],
    ['one, by the word of the provider', streamOf(events(...firstChoice, '[DONE]')), true],
    ['cut before the second', streamOf(events(...firstChoice), 'cut'), false],
    ['over before the second', streamOf(events(...firstChoice)), false],
    ['over in the second', streamOf(events(...firstChoice, ...secondChoice.slice(0, 1), '[DONE]')), false],
  ])('%s', async (_, script, isWhole) => {
    const answer = await lab.ask(script, { stream: true, n: 2 });
    expect(answer.text.endsWith('data: [DONE]\n\n')).toBe(isWhole);
    expect(answer.text.includes('"code":"stream_truncated"')).toBe(!isWhole);
  });
});

describe('usage', () => {
  const counted = { ...USAGE, prompt_tokens_details: { cached_tokens: 4 } };
  const places: [string, string][] = [
    ['in a chunk of its own', events(...text('a'), usageChunk(counted), '[DONE]')],
    ['in a chunk of its own, without [DONE]', events(...text('a'), usageChunk(counted))],
    ['in the last chunk', events(OPEN, chunk({ content: 'a' }), { ...END, usage: counted }, '[DONE]')],
    ['in every chunk', events(...text('a').map((each) => ({ ...each, usage: counted })), '[DONE]')],
    [
      'null until it comes',
      events(...text('a').map((each) => ({ ...each, usage: null })), usageChunk(counted), '[DONE]'),
    ],
    ['in x_groq', events(OPEN, chunk({ content: 'a' }), { ...END, x_groq: { id: 'r', usage: counted } }, '[DONE]')],
    ['in a choice', events(OPEN, chunk({ content: 'a' }), withUsageInChoice(counted), '[DONE]')],
  ];

  it.each(places)('%s: asked of the provider, told to who asked, and kept', async (name, body) => {
    for (const asked of [false, true]) {
      const model = `lab/${name}, ${asked}`;
      const answer = await stream(streamOf(body), { model, ...(asked && { stream_options: { include_usage: true } }) });
      const sent = JSON.parse(lab.upstream.requests[0]?.body ?? '') as object;
      expect(sent).toMatchObject({ stream: true, stream_options: { include_usage: true } });
      const chunks = answer.text
        .split('\n\n')
        .slice(0, -2)
        .map((event) => JSON.parse(event.slice(6)) as Told);
      const told = chunks.filter(({ choices }) => choices.length === 0);
      expect(told.map(({ usage }) => usage)).toEqual(asked ? [expect.objectContaining(counted)] : []);
      for (const { usage, choices } of chunks) {
        if (choices.length > 0) expect(usage).toBe(asked ? null : undefined);
        for (const choice of choices) expect(choice).not.toHaveProperty('usage');
      }
      await delay(50);
      const records = await lab.gateway.admin('GET', `/admin/requests?model=${encodeURIComponent(model)}`);
      expect(await records.json()).toMatchObject({
        data: [
          {
            outcome: 'completed',
            usage_source: 'provider',
            usage: { prompt_tokens: 11, completion_tokens: 2, cached_tokens: 4 },
          },
        ],
      });
    }
  });

  interface Told {
    readonly usage?: object | null;
    readonly choices: readonly object[];
  }
});

function withUsageInChoice(usage: object): object {
  return { ...END, choices: [{ index: 0, delta: {}, finish_reason: 'stop', usage }] };
}
