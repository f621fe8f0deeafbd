import type { ChatCompletionChunk, ChatRequest, ChunkChoice } from '../domain/chat.js';
import { chunkEvent, type ChatFrame } from '../domain/chat-frame.js';

/** What an ended stream has used, by guess. */
export interface Guessed {
  readonly prompt: number;
  readonly answer: number;
}

const MOST_CHOICES = 128;

/** The last frames of a stream that is ended by the gateway: as if the model had come to the end of what it may say. */
export class CutEnding {
  #head: Partial<ChatCompletionChunk> | undefined;
  readonly #finished = new Set<number>();

  constructor(private readonly request: ChatRequest) {}

  seen({ bytes }: ChatFrame): void {
    const hasEnds = FINISH.test(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'));
    if (this.#head !== undefined && !hasEnds) return;
    for (const chunk of chunksOf(bytes)) {
      this.#head ??= chunk;
      for (const choice of choicesOf(chunk))
        if (typeof choice?.finish_reason === 'string') this.#finished.add(choice.index);
    }
  }

  /** All that it was to say has been said. */
  get isOver(): boolean {
    return this.#finished.size >= this.#choices;
  }

  frames({ prompt, answer }: Guessed): readonly ChatFrame[] {
    const {
      id = 'chatcmpl-0',
      created = Math.floor(Date.now() / 1_000),
      model = this.request.model,
    } = this.#head ?? {};
    const head = { id, object: 'chat.completion.chunk' as const, created, model };
    const open = Array.from({ length: this.#choices }, (_, index) => index).filter(
      (index) => !this.#finished.has(index),
    );
    const choices = open.map((index) => ({ index, delta: {}, logprobs: null, finish_reason: 'length' as const }));
    const isCounted = this.request.stream_options?.include_usage === true;
    const usage = { prompt_tokens: prompt, completion_tokens: answer, total_tokens: prompt + answer };
    return [
      frameOf({ ...head, choices, ...(isCounted && { usage: null }) }),
      ...(isCounted ? [frameOf({ ...head, choices: [], usage })] : []),
    ];
  }

  get #choices(): number {
    const { n } = this.request;
    return typeof n === 'number' && n >= 1 ? Math.min(Math.floor(n), MOST_CHOICES) : 1;
  }
}

/** Inside of text the quotes would be escaped. */
const FINISH = /"finish_reason"\s*:\s*"/;

const frameOf = (chunk: ChatCompletionChunk): ChatFrame => ({
  bytes: Buffer.from(chunkEvent(chunk)),
  usage: undefined,
  said: 0,
});

/** Where it came as the provider wrote it, it may hold anything. */
function choicesOf({ choices }: Partial<ChatCompletionChunk>): readonly (ChunkChoice | null)[] {
  const written: unknown = choices;
  return Array.isArray(written) ? (written as (ChunkChoice | null)[]) : [];
}

/** A frame holds whole events; whatever else stands in it is none of ours. */
function chunksOf(bytes: Uint8Array): readonly Partial<ChatCompletionChunk>[] {
  const lines = Buffer.from(bytes).toString('utf8').split('\n');
  return lines.flatMap((line) => {
    if (!line.startsWith('data:')) return [];
    try {
      const chunk = JSON.parse(line.slice('data:'.length)) as unknown;
      return typeof chunk === 'object' && chunk !== null ? [chunk] : [];
    } catch {
      return [];
    }
  });
}
