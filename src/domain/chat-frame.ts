import type { ChatCompletionChunk, Delta, Usage } from './chat.js';

/** A stretch of a chat stream: server-sent events ready to send, and the usage once the provider has told it. */
export interface ChatFrame {
  readonly bytes: Uint8Array;
  readonly usage: Usage | undefined;
  /** Characters of answer in it: text, reasoning and arguments. What a stream that breaks off came to is guessed by them. */
  readonly said: number;
  /** As which the provider bills the answer, where it has said so. */
  readonly serviceTier?: string | undefined;
}

/** One chunk as the event a client reads: a single `data:` line and a blank one (OpenAI wire §2.7). */
export function chunkEvent(chunk: ChatCompletionChunk): string {
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

/** Characters of answer in a delta: text, reasoning, refusal, and the names and arguments of calls. */
export function saidIn(delta: Delta): number {
  const { content, reasoning_content: reasoning, refusal, tool_calls: calls, function_call: call } = delta;
  let said = lengthOf(content) + lengthOf(reasoning) + lengthOf(refusal);
  if (calls != null)
    for (const { function: fn, custom } of calls)
      said += lengthOf(fn?.name) + lengthOf(fn?.arguments) + lengthOf(custom?.name) + lengthOf(custom?.input);
  if (isCall(call)) said += lengthOf(call.name) + lengthOf(call.arguments);
  return said;
}

const lengthOf = (text: unknown): number => (typeof text === 'string' ? text.length : 0);

/** What clients of old are told in the place of tool calls. */
const isCall = (call: unknown): call is { readonly name?: unknown; readonly arguments?: unknown } =>
  typeof call === 'object' && call !== null;

/** Tells frames from whole answers, which may have any field. */
export function isFrame(answer: object): answer is ChatFrame {
  return 'bytes' in answer && answer.bytes instanceof Uint8Array;
}
