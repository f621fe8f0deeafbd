import type { ChatCompletionChunk, Usage } from './chat.js';

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

/** Tells frames from whole answers, which may have any field. */
export function isFrame(answer: object): answer is ChatFrame {
  return 'bytes' in answer && answer.bytes instanceof Uint8Array;
}
