import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { dynamicTool, jsonSchema, streamText, type ToolSet } from 'ai';
import OpenAI, { APIError } from 'openai';
import type { ChatCompletionStreamParams } from 'openai/lib/ChatCompletionStream';
import { startGateway, type Gateway } from '../support/gateway.js';
import { chatRecordings, withoutRecordings, type Recording } from '../support/recordings.js';
import { replaying, replayOf } from '../support/replay-upstream.js';
import { chunk, events, startUpstream, type FakeUpstream } from '../support/upstream.js';
import { answerIn, jsonOrText } from './sdk/recorded-answer.js';
import { closeAtOnce } from './sdk/stage.js';

const KINDS = {
  openai: { type: 'openai', path: '/v1' },
  'openai-chat': { type: 'openai', path: '/v1' },
  'azure-openai': { type: 'azure-openai', path: '' },
  groq: { type: 'groq', path: '/openai/v1' },
  deepseek: { type: 'deepseek', path: '' },
  mistral: { type: 'mistral', path: '/v1' },
  openrouter: { type: 'openrouter', path: '/api/v1' },
};

/** Each shows something of its provider that clients trip over, and none has more than one choice. */
const CASES: readonly [name: string, pieceSize: number][] = [
  ['openai-chat/stream-text-gpt-4o-mini-040722', 1],
  ['openai-chat/stream-parallel-tool-calls-tool-call-gpt-4o-mini-14d7a2', 1],
  ['openai-chat/stream-tool-call-tool-choice-forced-gpt-4-1106-preview-5d8c0f', 7],
  ['azure-openai/stream-reasoning-system-prompt-deepseek-r1-97c4f2', 100],
  ['azure-openai/stream-max-tokens-reasoning-deepseek-r1-0528-db662c', 100],
  ['azure-openai/stream-tool-call-tool-result-grok-4-1-fast-non-reasoning-707e19', 1],
  ['groq/stream-cached-tokens-max-tokens-gpt-oss-20b-917cb4', 64],
  ['groq/stream-tool-call-tool-choice-forced-gpt-oss-120b-71723d', 7],
  ['groq/stream-parallel-tool-calls-text-and-tool-call-kimi-k2-instruct-0905-d0cef5', 7],
  ['deepseek/stream-logprobs-max-tokens-deepseek-v4-flash-b77036', 64],
  ['deepseek/stream-parallel-tool-calls-tool-call-deepseek-v4-flash-56c3d2', 1],
  ['mistral/stream-reasoning-text-mistral-small-latest-4c2773', 1],
  ['mistral/stream-tool-call-tool-result-mistral-large-latest-271e1e', 1],
  ['mistral/stream-parallel-tool-calls-tool-call-mistral-large-latest-5408f0', 7],
  ['openrouter/stream-tool-call-tool-choice-forced-deepseek-chat-v3-0324-ae20af', 1],
  ['openrouter/stream-parallel-tool-calls-text-and-tool-call-glm-5-turbo-38d935', 100],
  ['openrouter/stream-tool-call-tool-result-claude-haiku-4.5-cfe1fa', 1],
];

let upstream: FakeUpstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await startUpstream();
  const providers = Object.entries(KINDS).map(([name, { type, path }]) => [
    name,
    { type, baseUrl: upstream.url + path, apiKey: 'sk-upstream' },
  ]);
  gateway = await startGateway({ config: { providers: Object.fromEntries(providers) } });
});
afterAll(async () => {
  await closeAtOnce(gateway);
  await upstream.close();
});

const openai = () => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.key, maxRetries: 0 });

const recordings = new Map(chatRecordings().map((recording) => [recording.name, recording]));
const recorded = (name: string): Recording => {
  const recording = recordings.get(name);
  if (recording === undefined) throw new Error(`There is no recording ${name}.`);
  return recording;
};
const requestOf = ({ provider, model, request }: Recording) =>
  ({
    ...request,
    model: `${provider}/${model}`,
    stream: true,
    stream_options: { include_usage: true },
  }) as unknown as ChatCompletionStreamParams;

(withoutRecordings === undefined ? describe : describe.skip)(
  `recorded providers${withoutRecordings ? ` (${withoutRecordings})` : ''}`,
  () => {
    describe.each(CASES)('%s, %i bytes at a time', (name, pieceSize) => {
      const play = () => {
        const recording = recorded(name);
        upstream.play(replaying({ ...replayOf(recording), pieceSize }));
        return { recording, answer: answerIn(recording.response) };
      };

      it('reads the same through the stream helper of openai', async () => {
        const { recording, answer } = play();
        const stream = openai().chat.completions.stream(requestOf(recording));
        let reasoning = '';
        stream.on('chunk', ({ choices: [choice] }) => {
          reasoning += (choice?.delta as { readonly reasoning_content?: string } | undefined)?.reasoning_content ?? '';
        });
        const { choices, usage } = await stream.finalChatCompletion();
        const [{ message, finish_reason: finish } = { message: undefined, finish_reason: undefined }] = choices;
        expect(choices).toHaveLength(1);
        expect(message?.content ?? '').toBe(answer.text);
        expect(reasoning).toBe(answer.reasoning);
        const calls = (message?.tool_calls ?? []).map(({ function: fn }) => ({
          name: fn.name,
          arguments: jsonOrText(fn.arguments),
        }));
        expect(calls).toEqual(answer.calls);
        const ids = (message?.tool_calls ?? []).map(({ id }) => id);
        expect(new Set(ids).size).toBe(answer.calls.length);
        for (const id of ids) expect(id).toMatch(/^.{1,40}$/);
        expect(finish).toBe(answer.calls.length > 0 && answer.finish === 'stop' ? 'tool_calls' : answer.finish);
        expect(usage?.prompt_tokens).toBe(answer.promptTokens);
      });

      it('reads the same through the AI SDK', async () => {
        const { recording, answer } = play();
        const compatible = createOpenAICompatible({
          name: 'parley',
          baseURL: `${gateway.url}/v1`,
          apiKey: gateway.key,
          includeUsage: true,
        });
        const result = streamText({
          model: compatible(`${recording.provider}/${recording.model}`),
          prompt: 'As recorded.',
          tools: toolsOf(recording),
          maxRetries: 0,
        });
        expect(await result.text).toBe(answer.text);
        expect((await result.reasoningText) ?? '').toBe(answer.reasoning);
        const calls = (await result.toolCalls).map(({ toolName, input }) => ({ name: toolName, arguments: input }));
        expect(calls).toEqual(answer.calls);
        expect((await result.usage).inputTokens).toBe(answer.promptTokens);
      });
    });

    it('an error in the middle of a recorded stream reaches the client as one', async () => {
      const recording = recorded('groq/stream-error-in-stream-reasoning-gpt-oss-120b-fe290d');
      upstream.play(replaying({ ...replayOf(recording), pieceSize: 100 }));
      const failure: unknown = await openai()
        .chat.completions.stream(requestOf(recording))
        .finalChatCompletion()
        .catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(APIError);
      expect(failure).toMatchObject({
        code: 'tool_use_failed',
        message: expect.stringMatching(/^Tool call validation/),
      });
    });
  },
);

const OPENED = events(chunk({ role: 'assistant', content: 'Hi' }));
const ASK = { model: 'openai/gpt-4o', messages: [{ role: 'user' as const, content: 'Say hello.' }] };

describe('openai leaves', () => {
  it.each([
    ['before the first token', '', true],
    ['in the middle of a stream', OPENED, true],
    ['during a plain call', '{"id":', false],
  ])('%s, and the provider is left at once', async (_, body, stream) => {
    upstream.play(replaying({ body, then: 'hold' }));
    const abort = new AbortController();
    const asked = openai()
      .chat.completions.create({ ...ASK, stream }, { signal: abort.signal })
      .then(async (answer) => {
        if ('controller' in answer) for await (const { id } of answer) abort.abort(id);
      })
      .catch(() => undefined);
    const { over } = await upstream.next();
    if (body !== OPENED) abort.abort();
    await asked;
    expect(await over).toBe('cancelled');
  });
});

function toolsOf({ request }: Recording): ToolSet {
  const tools = (request['tools'] ?? []) as readonly { readonly function: { name: string; parameters?: object } }[];
  return Object.fromEntries(
    tools.map(({ function: { name, parameters = {} } }) => [
      name,
      dynamicTool({ inputSchema: jsonSchema(parameters), execute: () => 'done' }),
    ]),
  );
}
