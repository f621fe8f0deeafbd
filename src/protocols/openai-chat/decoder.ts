import type { ChatCompletionChunk, ChunkChoice } from '../../domain/chat.js';
import { chunkEvent, saidIn, type ChatFrame } from '../../domain/chat-frame.js';
import { TruncatedStreamError, UpstreamError } from '../../domain/errors.js';
import { EventSplitter, eventAt, type ServerSentEvent } from '../framing/sse.js';
import { holdJson, type HeldJson } from '../json-answer/held-json.js';
import type { AnswerFacts, ChatDecoder, EmitFrame } from '../protocol.js';
import { isMeaningful } from '../reducer-decoder.js';
import { ChunkTemplate } from './chunk-template.js';
import { reportedFailure } from './failure.js';
import { stepHeldChunk } from './held-chunks.js';
import { completionChunks } from './completion-chunks.js';
import { chatCompletion } from './response.js';
import { closeStream, isComplete, startStream, stepStream, usageChunk, type StreamState } from './stream.js';
import { answerIn, type WireAnswer } from './wire.js';

/** Reads a stream of the OpenAI family. Events that are right already are sent on as the text they came in. */
export class ChatStreamDecoder implements ChatDecoder {
  readonly #splitter = new EventSplitter();
  #state: StreamState;
  /** Where the text is to be JSON that nobody has checked yet. */
  #held: HeldJson | undefined;
  /** Text not sent yet: what comes before the first meaningful event waits, as an error may follow. */
  #out = '';
  #started = false;
  #done = false;
  /** A plain JSON body where a stream was asked for: an error, or the answer of a server that cannot stream. */
  #body: Buffer[] | undefined;
  #bodySize = 0;
  /** Nothing but white space has come yet. */
  #isFirst = true;
  #template: ChunkTemplate | undefined;
  #learnt = 0;
  /** Characters of answer that were read and not told of yet. */
  #said = 0;

  constructor(
    private readonly facts: AnswerFacts,
    private readonly includeUsage: boolean,
    private readonly thinkTags: boolean,
  ) {
    this.#state = startStream(facts);
    if (facts.asked.json !== undefined) this.#held = holdJson(facts.asked.json);
  }

  get done(): boolean {
    return this.#done;
  }

  /** Without the provider's own `[DONE]`, a choice that was asked for and has not begun is one that is missing. */
  get complete(): boolean {
    const { asked } = this.facts;
    return isComplete(this.#state) && (this.#done || this.#state.choices.size >= (asked.choices ?? 1));
  }

  get holds(): boolean {
    return this.#held !== undefined && this.#held.choices.size > 0;
  }

  takeSaid(): number {
    const said = this.#said;
    this.#said = 0;
    return said;
  }

  next(bytes: Buffer, emit: EmitFrame): void {
    if (this.#isFirst) this.#look(bytes);
    if (this.#body !== undefined) {
      this.#bodySize += bytes.length;
      if (this.#bodySize > MAX_BODY_BYTES)
        throw new UpstreamError('The answer of the provider is too large.', { code: 'invalid_upstream_answer' });
      this.#body.push(bytes);
      return;
    }
    try {
      this.#read(this.#splitter.take(bytes));
    } finally {
      if (this.#started && this.#out !== '') emit(this.#frame());
    }
  }

  end(emit: EmitFrame): void {
    try {
      if (this.#body !== undefined) this.#readBody(Buffer.concat(this.#body));
      else this.#read(this.#splitter.rest());
      if (!this.complete) throw new TruncatedStreamError();
      this.#close();
    } catch (error) {
      if (this.#started && this.#out !== '') emit(this.#frame());
      throw error;
    }
    const last = usageChunk(this.#state);
    if (last !== undefined && this.includeUsage) this.#out += chunkEvent(last);
    emit(this.#frame());
  }

  /** The first character tells events from a JSON body or a page of HTML. */
  #look(bytes: Buffer): void {
    const first = bytes.find((byte) => byte > 0x20 && !BYTE_ORDER_MARK.includes(byte));
    if (first === undefined) return;
    this.#isFirst = false;
    if (BODY_STARTS.includes(first)) this.#body = [];
  }

  #read(text: string): void {
    for (let at = 0; at < text.length && !this.#done;) {
      const run = this.#template?.run(text, at);
      if (run !== undefined) {
        this.#out += this.#template?.fill(text, at, run.end) ?? '';
        this.#said += run.said;
        at = run.end;
        continue;
      }
      const { event, end } = eventAt(text, at);
      if (event !== undefined) this.#take(event);
      at = end;
    }
  }

  #take(event: ServerSentEvent): void {
    const { data } = event;
    if (data === undefined || data === '') return;
    if (data.startsWith('[DONE]')) {
      this.#done = true;
      this.#close();
      return;
    }
    const wire = parseEvent(data);
    if (event.event === 'error')
      throw reportedFailure({ error: wire.error ?? wire }) ?? new UpstreamError('The provider failed.');
    const { state, chunks, plain = false } = stepStream(this.#state, wire, this.thinkTags);
    this.#state = state;
    this.#hear(chunks);
    if (this.#held !== undefined) this.#hold(chunks);
    else if (plain && event.canonical) this.#takePlain(data, wire);
    else this.#takeOther(event, wire, chunks);
  }

  #hear(chunks: readonly ChatCompletionChunk[]): void {
    for (const { choices } of chunks) for (const { delta } of choices) this.#said += saidIn(delta);
  }

  #takeOther(
    { data = '', canonical }: ServerSentEvent,
    wire: WireAnswer,
    chunks: readonly ChatCompletionChunk[],
  ): void {
    this.#template = undefined; // the choice it was learnt from may have ended
    for (const chunk of chunks) {
      this.#started ||= saysSomething(chunk);
      this.#out += chunk === (wire as unknown) && canonical ? this.#sameText(data, wire) : this.#newText(chunk);
    }
  }

  #takePlain(data: string, wire: WireAnswer): void {
    const out = this.#sameText(data, wire);
    this.#started ||= isMeaningful((wire.choices as readonly ChunkChoice[])[0]?.delta ?? {});
    this.#out += out;
    if (!this.#started || this.#learnt >= MAX_TEMPLATES) return;
    this.#learnt += 1;
    this.#template = ChunkTemplate.learn(wire, `data: ${data}\n\n`, out);
  }

  #close(): void {
    const { state, chunks } = closeStream(this.#state);
    this.#state = state;
    this.#hear(chunks);
    if (this.#held !== undefined) this.#hold(chunks);
    else for (const chunk of chunks) this.#out += this.#newText(chunk);
  }

  #hold(chunks: readonly ChatCompletionChunk[]): void {
    for (const chunk of chunks) {
      if (this.#held === undefined) return;
      const checked = stepHeldChunk(this.#held, chunk);
      this.#held = checked.state;
      for (const each of checked.chunks) {
        this.#started ||= saysSomething(each);
        this.#out += this.#newText(each);
      }
    }
  }

  /** The event's own text, but for `usage: null`, which stands in every chunk if usage was asked for and else in none. */
  #sameText(data: string, wire: WireAnswer): string {
    const hasNull = wire.usage === null;
    if (hasNull === this.includeUsage) return `data: ${data}\n\n`;
    if (!hasNull) return `data: ${data.slice(0, data.lastIndexOf('}'))},"usage":null}\n\n`;
    const at = data.indexOf(USAGE_NULL);
    const key = data.indexOf(USAGE);
    // It must be the only one, or it might be another's that is cut out.
    if (at === -1 || key !== at + 1 || data.includes(USAGE, key + 1))
      return this.#newText(wire as unknown as ChatCompletionChunk);
    return `data: ${data.slice(0, at)}${data.slice(at + USAGE_NULL.length)}\n\n`;
  }

  #newText(chunk: ChatCompletionChunk): string {
    const { usage: _usage, ...rest } = chunk;
    return chunkEvent(this.includeUsage ? { ...rest, usage: null } : rest);
  }

  #readBody(body: Buffer): void {
    const completion = chatCompletion(body, this.facts, this.thinkTags);
    for (const chunk of completionChunks(completion))
      this.#take({ event: '', data: JSON.stringify(chunk), canonical: false });
    this.#done = true;
  }

  /** What is to be sent now, with the usage as far as it is known: a client may leave before the end. */
  #frame(): ChatFrame {
    const bytes = Buffer.from(this.#out);
    this.#out = '';
    return { bytes, usage: this.#state.usage, said: this.takeSaid(), serviceTier: this.#state.serviceTier };
  }
}

const saysSomething = ({ choices }: ChatCompletionChunk): boolean =>
  choices.some(({ delta, finish_reason: reason }) => reason !== null || isMeaningful(delta));

/** A stream whose chunks differ in more than their text would be learnt anew for ever. */
const MAX_TEMPLATES = 16;
const USAGE = '"usage"';
/** Such a body is held in memory as a whole. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;
const USAGE_NULL = ',"usage":null';

const BYTE_ORDER_MARK: readonly number[] = [0xef, 0xbb, 0xbf];

/** `{`, `[` and `<`. */
const BODY_STARTS: readonly number[] = [0x7b, 0x5b, 0x3c];

function parseEvent(data: string): WireAnswer {
  try {
    const wire = answerIn(JSON.parse(data));
    if (wire !== undefined) return wire;
  } catch (cause) {
    throw new UpstreamError('The provider sent an event that is not JSON.', { code: 'invalid_upstream_answer', cause });
  }
  throw new UpstreamError('The provider sent an event that is not a chunk.', { code: 'invalid_upstream_answer' });
}
