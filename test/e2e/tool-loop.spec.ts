import OpenAI from 'openai';
import type { ChatCompletionMessageParam, ChatCompletionTool } from 'openai/resources/chat/completions';
import { withoutRecordings } from '../support/recordings.js';
import { startGateway, type Gateway } from '../support/gateway.js';
import { answerWith, completion, startUpstream, streamOf, type FakeUpstream } from '../support/upstream.js';
import {
  CLAUDE_TURNS,
  converseTurn,
  GEMINI_TURNS,
  INTERLEAVED_TURNS,
  recordedTurns,
  type NativeTurn,
} from './tool-loop/native-turns.js';

const TOOLS: ChatCompletionTool[] = ['add', 'multiply', 'web_search', 'get_weather'].map((name) => ({
  type: 'function',
  function: { name, parameters: { type: 'object', properties: {} } },
}));

let gateway: Gateway;
let upstream: FakeUpstream;

beforeAll(async () => {
  upstream = await startUpstream();
  const baseUrl = upstream.url;
  gateway = await startGateway({
    config: {
      providers: {
        anthropic: { apiKey: 'sk-ant-test', baseUrl },
        bedrock: { apiKey: 'bedrock-test', region: 'us-east-1', baseUrl },
        gemini: { apiKey: 'AIza-test', baseUrl },
        openai: { apiKey: 'sk-test', baseUrl: `${baseUrl}/v1` },
      },
      models: {
        gemini: { targets: [{ provider: 'gemini', model: 'gemini-3-pro-preview' }] },
        claude: {
          targets: [{ provider: 'anthropic', model: 'claude-opus-4-6' }],
          defaults: { reasoning_effort: 'low' },
        },
        bedrock: {
          targets: [{ provider: 'bedrock', model: 'anthropic.claude-opus-4-6-v1' }],
          defaults: { reasoning_effort: 'low' },
        },
        gpt: { targets: [{ provider: 'openai', model: 'gpt-4.1' }] },
      },
    },
  });
});

afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const clientOf = (apiKey: string) => new OpenAI({ apiKey, baseURL: `${gateway.url}/v1`, maxRetries: 0 });

/** What a plain client keeps of an answer: what OpenAI documents, and nothing else. */
interface Said {
  readonly content: string | null;
  readonly calls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
}

async function ask(
  client: OpenAI,
  model: string,
  messages: ChatCompletionMessageParam[],
  stream: boolean,
): Promise<Said> {
  const body = { model, messages, tools: TOOLS };
  const { choices } = stream
    ? await client.chat.completions.stream(body).finalChatCompletion()
    : await client.chat.completions.create(body);
  const message = choices[0]?.message;
  const calls = (message?.tool_calls ?? []).flatMap((call) =>
    call.type === 'function' ? [{ id: call.id, name: call.function.name, arguments: call.function.arguments }] : [],
  );
  return { content: message?.content ?? null, calls };
}

function echoed({ content, calls }: Said): ChatCompletionMessageParam[] {
  const assistant: ChatCompletionMessageParam = {
    role: 'assistant',
    content,
    ...(calls.length > 0 && {
      tool_calls: calls.map(({ id, name, arguments: json }) => ({
        id,
        type: 'function' as const,
        function: { name, arguments: json },
      })),
    }),
  };
  return [
    assistant,
    ...calls.map(({ id, name }) => ({ role: 'tool' as const, tool_call_id: id, content: `{"${name}":5}` })),
  ];
}

const calledIn = (messages: readonly ChatCompletionMessageParam[]): readonly string[] =>
  messages.flatMap((message) =>
    message.role === 'assistant'
      ? (message.tool_calls ?? []).flatMap((call) => (call.type === 'function' ? [call.function.name] : []))
      : [],
  );

/** The whole loop: ask, run the tools, ask again. Gives the bodies that the provider got. */
const loop = (model: string, turns: readonly NativeTurn[], stream: boolean) =>
  loopOver(
    turns.map((turn) => ({ model, turn })),
    stream,
  );

interface ModelTurn {
  readonly model: string;
  readonly turn: NativeTurn;
}

async function loopOver(turns: readonly ModelTurn[], stream: boolean) {
  const client = clientOf(gateway.key);
  const messages: ChatCompletionMessageParam[] = [{ role: 'user', content: 'Add, multiply, and add again.' }];
  const bodies: string[] = [];
  for (const { model, turn } of turns) {
    upstream.play(stream ? streamOf(turn.stream) : answerWith(turn.whole));
    const said = await ask(client, model, messages, stream);
    bodies.push(upstream.requests[0]?.body ?? '');
    messages.push(...echoed(said));
  }
  return { bodies, messages };
}

const INTERLEAVED_BLOCKS = ['c2lnbmVkLTE=', 'I add.', 'c2lnbmVkLTI=', 'add', 'c2lnbmVkLTM=', 'multiply'];

/** What a block of either host of Claude is known by. */
const told = (block: object): string | undefined =>
  /"(?:signature|name|text)":"(?!First|Now|And)([^"]+)"/.exec(JSON.stringify(block))?.[1];

const recorded = recordedTurns();
const FAMILIES = [
  ['Gemini', 'gemini', GEMINI_TURNS],
  ['Claude', 'claude', CLAUDE_TURNS],
  ['Claude at Bedrock', 'bedrock', CLAUDE_TURNS.map(converseTurn)],
  ...(recorded === undefined
    ? []
    : ([
        ['Gemini as recorded', 'gemini', recorded.gemini],
        ['Claude as recorded', 'claude', recorded.claude],
        ['Claude as recorded, at Bedrock', 'bedrock', recorded.bedrock],
      ] as const)),
] as const;

describe(`a tool loop of a plain client${withoutRecordings ? ` (only made-up turns: ${withoutRecordings})` : ''}`, () => {
  const rows = FAMILIES.flatMap(([family, ...rest]) =>
    [true, false].map((stream) => [family, stream, ...rest] as const),
  );
  const streamed = rows.filter(([, stream]) => stream);

  it.each(rows)('gives %s its signatures back (stream: %s)', async (_, stream, model, turns) => {
    const { bodies } = await loop(model, turns, stream);
    const signed = turns.slice(0, 2).map(({ signatures }) => signatures);
    expect(signed.flat().length).toBeGreaterThanOrEqual(2);
    expect(signed.flat().filter((signature) => bodies[0]?.includes(signature))).toEqual([]);
    for (const signature of signed[0] ?? []) expect(bodies[1]?.split(signature)).toHaveLength(2);
    for (const signature of signed.flat()) expect(bodies[2]?.split(signature)).toHaveLength(2);
  });

  it('puts them where they were', async () => {
    const gemini = await loop('gemini', GEMINI_TURNS, true);
    const [, first, , second] = (JSON.parse(gemini.bodies[2] ?? '') as { contents: { parts: unknown[] }[] }).contents;
    const signatures = GEMINI_TURNS.map((turn) => turn.signatures[0]);
    expect(first?.parts).toEqual([
      { functionCall: expect.objectContaining({ name: 'add', id: 'id-1' }), thoughtSignature: signatures[0] },
      { functionCall: expect.objectContaining({ name: 'multiply', id: 'id-2' }) },
    ]);
    expect(second?.parts).toEqual([
      { functionCall: expect.objectContaining({ name: 'add' }), thoughtSignature: signatures[1] },
    ]);
    const claude = await loop('claude', CLAUDE_TURNS, true);
    const { messages } = JSON.parse(claude.bodies[1] ?? '') as { messages: { role: string; content: unknown[] }[] };
    expect(messages[1]?.content).toEqual([
      { type: 'thinking', thinking: 'Both at once.', signature: CLAUDE_TURNS[0]?.signatures[0] },
      expect.objectContaining({ type: 'tool_use', id: 'toolu_1' }),
      expect.objectContaining({ type: 'tool_use', id: 'toolu_2' }),
    ]);
  });

  const HOSTS = { claude: INTERLEAVED_TURNS, bedrock: INTERLEAVED_TURNS.map(converseTurn) } as const;

  it.each([
    ['claude', 'bedrock', true],
    ['claude', 'bedrock', false],
    ['bedrock', 'claude', true],
    ['bedrock', 'claude', false],
    ['bedrock', 'bedrock', true],
  ] as const)('goes on where else Claude is served: from %s to %s (stream: %s)', async (first, then, stream) => {
    const turns = [first, then, then].flatMap((model, at) =>
      HOSTS[model].slice(at, at + 1).map((turn) => ({ model, turn })),
    );
    const { bodies } = await loopOver(turns, stream);
    const said = bodies.map((body) => (JSON.parse(body) as { messages: { content: object[] }[] }).messages[1]?.content);
    for (const content of said.slice(1)) expect(content?.map(told)).toEqual(INTERLEAVED_BLOCKS);
  });

  it.each(streamed)('keeps what is %s’s from other keys', async (_, _stream, model, turns) => {
    const { messages } = await loop(model, turns, true);
    const made = (await (await gateway.admin('POST', '/admin/keys', { name: 'other' })).json()) as { key: string };
    const last = turns.at(-1);
    upstream.play(answerWith(last?.whole));
    await ask(clientOf(made.key), model, messages.slice(0, -1), false);
    const body = upstream.requests[0]?.body ?? '';
    for (const { signatures } of turns) for (const signature of signatures) expect(body).not.toContain(signature);
  });

  it.each(streamed)('keeps what is %s’s from other families', async (_, _stream, model, turns) => {
    const { messages } = await loop(model, turns, true);
    const other = model === 'gemini' ? 'claude' : 'gemini';
    for (const [name, answer] of [
      ['gpt', completion('Fine.')],
      [other, (other === 'claude' ? CLAUDE_TURNS : GEMINI_TURNS).at(-1)?.whole],
    ] as const) {
      upstream.play(answerWith(answer));
      await ask(clientOf(gateway.key), name, messages.slice(0, -1), false);
      const body = upstream.requests[0]?.body ?? '';
      for (const name of calledIn(messages)) expect(body).toContain(`"${name}"`);
      for (const { signatures } of turns) for (const signature of signatures) expect(body).not.toContain(signature);
    }
  });

  const REFUSED = {
    claude: {
      type: 'error',
      error: { type: 'invalid_request_error', message: 'Invalid `signature` in `thinking` block' },
    },
    bedrock: { message: 'messages.1.content.0: Invalid `signature` in `thinking` block' },
    gemini: {
      error: { code: 400, status: 'INVALID_ARGUMENT', message: 'Thought signature is not valid' },
    },
  } as const;

  it.each(rows.slice(0, 6))(
    'asks %s again without signatures it no longer takes (stream: %s)',
    async (_, stream, model, turns) => {
      const { messages } = await loop(model, turns, stream);
      const history = messages.slice(0, -1);
      const [good] = turns.slice(-1);
      const answer = stream ? streamOf(good?.stream ?? '') : answerWith(good?.whole);
      let refusals = 1;
      upstream.play((request) => {
        refusals -= 1;
        return refusals >= 0 ? answerWith(REFUSED[model], { status: 400 })(request) : answer(request);
      });
      expect(await ask(clientOf(gateway.key), model, history, stream)).toMatchObject({ content: 'It is 11.' });
      const [signed, unsigned] = upstream.requests.map(({ body }) => body);
      const signatures = turns.slice(0, 2).flatMap((turn) => turn.signatures);
      expect(upstream.requests).toHaveLength(2);
      expect(signatures.every((signature) => signed?.includes(signature))).toBe(true);
      expect(signatures.some((signature) => unsigned?.includes(signature))).toBe(false);

      upstream.play(answerWith(REFUSED[model], { status: 400 }));
      await expect(ask(clientOf(gateway.key), model, history, stream)).rejects.toMatchObject({ status: 400 });
      expect(upstream.requests).toHaveLength(2); // once more, and not for ever
    },
  );
});
