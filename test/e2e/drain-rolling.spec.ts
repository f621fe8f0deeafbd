import OpenAI from 'openai';
import { setTimeout as pause } from 'node:timers/promises';
import { build, makeHome, type Build, type GatewayProcess, type Home } from '../support/process.js';
import { chunk, completion, events, startUpstream, type FakeUpstream } from '../support/upstream.js';

const KEY = `sk-parley-${'k'.repeat(43)}`;
const WORKERS = 20;
const ROUNDS = 2;
const WORDS = Array.from({ length: 5 }, (_, at) => `word${at} `);
const TEXT = WORDS.join('');

let built: Build;
let upstream: FakeUpstream;
let homes: readonly Home[];

beforeAll(async () => {
  built = build();
  upstream = await startUpstream();
  upstream.play(async ({ body, response }) => {
    const { stream } = JSON.parse(body) as { readonly stream?: boolean };
    const ms = 50 + Math.random() * 250;
    if (stream !== true) {
      await pause(ms);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(completion(TEXT)));
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const word of WORDS) {
      await pause(ms / WORDS.length);
      response.write(events(chunk({ content: word })));
    }
    response.end(events(chunk({}, 'stop'), '[DONE]'));
  });
  const config = {
    providers: { lab: { type: 'openai-compatible', baseUrl: upstream.url } },
    keys: [{ name: 'test', key: KEY }],
  };
  homes = await Promise.all([makeHome(config), makeHome(config)]);
});
afterAll(async () => {
  await Promise.all(homes.map((home) => home.remove()));
  await upstream.close();
  built.remove();
});

/** As a load balancer does: to each replica in turn, and past one that takes no connection. All else is the SDK's. */
function balanced(): typeof fetch {
  let turn = 0;
  return async (url, init) => {
    const first = turn++;
    for (let tried = 0; ; tried += 1) {
      const port = homes[(first + tried) % homes.length]?.port;
      try {
        return await fetch((url as string).replace('//balancer', `//127.0.0.1:${port}`), init);
      } catch (error) {
        const { code } = ((error as Error).cause ?? {}) as { readonly code?: string };
        if (code !== 'ECONNREFUSED' || tried === homes.length - 1) throw error;
      }
    }
  };
}

/** One answer, and whether it is whole. */
async function ask(client: OpenAI, isStream: boolean): Promise<string> {
  const question = { model: 'lab/m', messages: [{ role: 'user' as const, content: 'hi' }] };
  if (!isStream) return (await client.chat.completions.create(question)).choices[0]?.message.content ?? '';
  let text = '';
  let finish: string | null = null;
  for await (const { choices } of await client.chat.completions.create({ ...question, stream: true })) {
    text += choices[0]?.delta.content ?? '';
    finish ??= choices[0]?.finish_reason ?? null;
  }
  return finish === 'stop' ? text : `${text} [truncated]`;
}

const recorded = async (gateway: GatewayProcess): Promise<number> => {
  const headers = { authorization: `Bearer ${KEY}` };
  const usage = await (await fetch(`${gateway.url}/v1/usage`, { headers })).json();
  return (usage as { readonly total: { readonly requests: number } }).total.requests;
};

it('loses no request while each replica is restarted in turn, and no record of one', async () => {
  const replicas = await Promise.all(homes.map(async (home) => ({ home, gateway: await home.start(built) })));
  const client = new OpenAI({ apiKey: KEY, baseURL: 'http://balancer/v1', fetch: balanced() });
  const failures: unknown[] = [];
  let answers = 0;
  let isOver = false;
  const work = async (_: unknown, at: number): Promise<void> => {
    for (let count = at; !isOver; count += 1) {
      const text = await ask(client, count % 2 === 0).catch((error: unknown) => error);
      if (text === TEXT) answers += 1;
      else failures.push(text);
    }
  };
  const workers = Array.from({ length: WORKERS }, work);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const replica of replicas) {
      await pause(200);
      replica.gateway.signal('SIGTERM');
      expect(await replica.gateway.end).toBe(0);
      replica.gateway = await replica.home.start(built);
    }
  }
  isOver = true;
  await Promise.all(workers);
  expect(failures).toEqual([]);
  expect(answers).toBeGreaterThan(WORKERS * ROUNDS * homes.length);
  const records = await Promise.all(replicas.map(({ gateway }) => recorded(gateway)));
  expect(records.reduce((sum, count) => sum + count, 0)).toBe(answers);
}, 60_000);
