import type { ChatCompletionChunk } from '../src/domain/chat.js';
import type { ChatFrame } from '../src/domain/chat-frame.js';
import { GatewayError } from '../src/domain/errors.js';
import { COMPATIBLE_ROWS } from '../src/providers/openai-compatible.js';
import { OPENAI_QUIRKS } from '../src/providers/openai-quirks.js';
import { anthropicMessages } from '../src/protocols/anthropic-messages/index.js';
import { bedrockConverse } from '../src/protocols/bedrock-converse/index.js';
import { geminiGenerateContent } from '../src/protocols/gemini-generate-content/index.js';
import { openaiChat } from '../src/protocols/openai-chat/index.js';
import type { AnswerFacts, ChatProtocol } from '../src/protocols/protocol.js';
import { piecesOf } from './support/pieces.js';
import { recordingsOf, withoutRecordings, type Recording } from './support/recordings.js';

const FACTS: AnswerFacts = { id: 'chatcmpl-fallback', created: 1_700_000_000, model: 'asked-for', asked: {} };

const protocolOf = ({ provider }: Recording): ChatProtocol => {
  if (provider.endsWith('anthropic')) return anthropicMessages();
  if (provider === 'bedrock') return bedrockConverse;
  if (provider === 'gemini') return geminiGenerateContent({ host: 'gemini' });
  if (provider === 'vertex-gemini') return geminiGenerateContent({ host: 'vertex' });
  const row = COMPATIBLE_ROWS.find(({ type }) => type === (provider === 'llamacpp' ? 'llama-cpp' : provider));
  return openaiChat(row?.quirks ?? (provider.includes('openai') ? OPENAI_QUIRKS : {}));
};

interface Read {
  /** What a client would read, and at the end the error, where there is one. */
  readonly text: string;
  /** What all frames say together of how much was said. */
  readonly said: number;
}

const read = (recording: Recording, pieces: readonly Buffer[]): string => framesOf(recording, pieces).text;

/** What becomes of a stream cut into these pieces. */
function framesOf(recording: Recording, pieces: readonly Buffer[]): Read {
  let said = 0;
  const decoder = protocolOf(recording).stream(FACTS, true);
  const sent: Buffer[] = [];
  try {
    const keep = (frame: ChatFrame) => {
      said += frame.said;
      sent.push(Buffer.from(frame.bytes));
    };
    for (const piece of pieces) decoder.next(piece, keep);
    decoder.end(keep);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    sent.push(Buffer.from(`error: ${error.status} ${String(error.code)}`));
  }
  return { text: Buffer.concat(sent).toString('utf8'), said };
}

const chunksOf = (text: string): readonly ChatCompletionChunk[] =>
  text
    .split('\n\n')
    .flatMap((event) => (event.startsWith('data: ') ? [JSON.parse(event.slice(6)) as ChatCompletionChunk] : []));

const TEXTS = ['content', 'reasoning_content', 'refusal', 'name', 'arguments', 'input'];

/** Characters of all that a delta says, wherever it stands. */
function saidIn(delta: unknown): number {
  if (typeof delta !== 'object' || delta === null) return 0;
  return Object.entries(delta).reduce((sum, [key, value]) => {
    if (typeof value === 'string') return TEXTS.includes(key) ? sum + value.length : sum;
    return key === 'tool_calls' || key === 'function' || key === 'custom' || /^\d+$/.test(key)
      ? sum + saidIn(value)
      : sum;
  }, 0);
}

/** Where a choice ends, in any dialect. */
const LAST_WORD = /"((finish|stop)_reason|finishReason)": ?"/;

/** A place in a stream before any choice of it has ended. */
function beforeTheEnd({ provider, response }: Recording): number {
  if (provider === 'bedrock') return response.indexOf('messageStop'); // inside of the message that says so
  const first = response.toString('latin1').search(LAST_WORD);
  return first === -1 ? Math.floor(response.length / 2) : response.lastIndexOf('\n\n', first) + 2;
}

const streams = recordingsOf('chat', 'messages', 'converse-stream', 'streamGenerateContent').filter(
  ({ isStream, status }) => isStream && status === 200,
);

(withoutRecordings === undefined ? describe : describe.skip)(
  `recorded streams${withoutRecordings ? ` (${withoutRecordings})` : ''}`,
  () => {
    it.each(streams.map((recording) => [recording.name, recording] as const))(
      '%s reads the same however it is cut',
      (_name, recording) => {
        const whole = read(recording, [recording.response]);
        expect(whole).not.toBe('');
        for (const size of [1, 2, 7, 64, 1000]) expect(read(recording, piecesOf(recording.response, size))).toBe(whole);
        const step = Math.max(1, Math.floor(recording.response.length / 500));
        for (let at = 1; at < recording.response.length; at += step)
          expect(read(recording, [recording.response.subarray(0, at), recording.response.subarray(at)])).toBe(whole);
      },
    );

    it.each(streams.map((recording) => [recording.name, recording] as const))(
      '%s says how much was said, however it is cut',
      (_name, recording) => {
        const chunks = chunksOf(read(recording, [recording.response]));
        const expected = chunks.flatMap(({ choices }) => choices).reduce((sum, { delta }) => sum + saidIn(delta), 0);
        for (const size of [1, 7, 64, 1000, Infinity])
          expect(framesOf(recording, piecesOf(recording.response, size)).said).toBe(expected);
      },
    );

    it.each(streams.map((recording) => [recording.name, recording] as const))(
      '%s keeps to the contract',
      (_name, recording) => {
        const chunks = chunksOf(read(recording, [recording.response]));
        const heads = new Set(
          chunks.map(({ id, created, model, object }) => JSON.stringify([id, created, model, object])),
        );
        expect(heads.size).toBeLessThanOrEqual(1);
        const seen = new Set<number>();
        for (const { choices } of chunks)
          for (const { index, delta } of choices) {
            expect(delta.role).toBe(seen.has(index) ? undefined : 'assistant');
            seen.add(index);
          }
      },
    );

    it.each(streams.map((recording) => [recording.name, recording] as const))(
      '%s is an error when it is cut short',
      (_name, recording) => {
        const text = read(recording, [recording.response.subarray(0, beforeTheEnd(recording))]);
        expect(text).toMatch(/error: \d{3} /);
        expect(
          chunksOf(text.slice(0, text.lastIndexOf('error:'))).every(({ choices }) =>
            choices.every((choice) => choice.finish_reason === null),
          ),
        ).toBe(true);
      },
    );
  },
);
