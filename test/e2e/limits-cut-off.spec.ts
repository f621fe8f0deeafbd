import { startGateway, type Gateway } from '../support/gateway.js';
import { chunk, events, startUpstream, streamOf, usageChunk, type FakeUpstream } from '../support/upstream.js';

let upstream: FakeUpstream;
let gateway: Gateway;
const secret = (name: string) => `sk-parley-${name.padEnd(43, 'x')}`;

beforeAll(async () => {
  upstream = await startUpstream();
  const names = ['one', 'two', 'three', 'four'];
  gateway = await startGateway({
    config: {
      providers: { openai: { baseUrl: `${upstream.url}/v1`, apiKey: 'sk-up' } },
      keys: [
        ...names.map((name) => ({ name, key: secret(name), budget: { usd: 0.001, per: 'day' } })),
        { name: 'free', key: secret('free') },
      ],
      limits: { cutOff: true },
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

/** As much as the client allows; the model does not keep to that. */
const ask = (key: string, body: object = {}) =>
  gateway.chat(
    { model: 'openai/gpt-4o', stream: true, max_tokens: 20, ...body },
    { authorization: `Bearer ${secret(key)}` },
  );

const endless = streamOf(
  events(chunk({ role: 'assistant' }), ...Array.from({ length: 100 }, () => chunk({ content: 'word'.repeat(5) }))),
  false,
);

async function chunksOf(response: Response): Promise<{ chunks: readonly Chunk[]; isDone: boolean }> {
  const text = await response.text();
  const data = text
    .split('\n\n')
    .flatMap((event) => (event.startsWith('data: ') ? [event.slice('data: '.length)] : []));
  return {
    chunks: data.filter((each) => each !== '[DONE]').map((each) => JSON.parse(each) as Chunk),
    isDone: data.at(-1) === '[DONE]',
  };
}

interface Chunk {
  readonly choices: readonly { readonly index: number; readonly finish_reason: string | null }[];
  readonly [field: string]: unknown;
}

interface Listed {
  readonly data: readonly {
    outcome: string;
    usage_source: string;
    cost_nano_usd: number;
    attempts: readonly { error_code: string | null }[];
  }[];
}

describe('a stream whose budget runs out', () => {
  it('is ended as by its length, and accounted for as far as it came', async () => {
    upstream.play(endless);
    const request = upstream.next();
    const response = await ask('one', { stream_options: { include_usage: true } });
    expect(response.headers.get('x-parley-cut-off')).toBe('budget');
    const { chunks, isDone } = await chunksOf(response);
    expect(isDone).toBe(true);
    expect(await (await request).over).toBe('cancelled');
    const [last, counted] = chunks.slice(-2);
    expect(last).toMatchObject({ id: 'chatcmpl-1', choices: [{ index: 0, delta: {}, finish_reason: 'length' }] });
    expect(counted).toMatchObject({ choices: [], usage: { prompt_tokens: 1, completion_tokens: expect.any(Number) } });
    const listed = (await (await gateway.admin('GET', '/admin/requests?limit=1')).json()) as Listed;
    const [record] = listed.data;
    expect(record).toMatchObject({
      outcome: 'completed',
      usage_source: 'estimated',
      attempts: [{ error_code: 'budget_exhausted' }],
    });
    expect(record?.cost_nano_usd).toBeGreaterThan(900_000); // of 1 000 000
    expect((await ask('one')).status).toBe(429);
  });

  it('ends each choice that is still open', async () => {
    const finished = { ...chunk({}), choices: [{ index: 1, delta: {}, finish_reason: 'stop' }] };
    upstream.play(
      streamOf(events(finished, ...Array.from({ length: 100 }, () => chunk({ content: 'word'.repeat(10) }))), false),
    );
    const { chunks } = await chunksOf(await ask('two', { n: 3 }));
    const ends = chunks.flatMap(({ choices }) => choices).filter((choice) => choice.finish_reason !== null);
    expect(ends.map(({ index, finish_reason }) => [index, finish_reason])).toEqual([
      [1, 'stop'],
      [0, 'length'],
      [2, 'length'],
    ]);
  });

  it('is left alone while there is enough, also beyond what was set aside, and where no budget is', async () => {
    const text = 'word'.repeat(25); // 25 tokens, more than the 20 that were set aside
    upstream.play(streamOf(events(chunk({ content: text }), chunk({}, 'stop'), usageChunk(), '[DONE]')));
    const { chunks } = await chunksOf(await ask('three'));
    expect(chunks.at(-1)).toMatchObject({ choices: [{ finish_reason: 'stop' }] });
    upstream.play(
      streamOf(
        events(
          ...Array.from({ length: 100 }, () => chunk({ content: 'word'.repeat(40) })),
          chunk({}, 'stop'),
          '[DONE]',
        ),
      ),
    );
    const free = await ask('free');
    expect(free.headers.get('x-parley-cut-off')).toBeNull();
    expect((await chunksOf(free)).chunks).toHaveLength(101);
    const whole = await ask('four', { stream: false });
    expect(whole.headers.get('x-parley-cut-off')).toBeNull();
  });
});
