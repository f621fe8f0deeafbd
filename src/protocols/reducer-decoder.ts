import type { ChatCompletionChunk, Delta } from '../domain/chat.js';
import { chunkEvent, saidIn } from '../domain/chat-frame.js';
import { TruncatedStreamError } from '../domain/errors.js';
import type { TurnState } from '../domain/turn-state.js';
import { TextRun } from './framing/text-form.js';
import { holdJson, stepHeld, type HeldJson } from './json-answer/held-json.js';
import { legacyPiece } from './legacy-functions.js';
import type { AnswerFacts, ChatDecoder, EmitFrame } from './protocol.js';
import type { Framing, Piece, StreamReducer } from './stream-reducer.js';

/** Reads a stream of any dialect: its framing gives events, its reducer makes pieces of them, and these become chunks. */
export class ReducerDecoder<State, Event> implements ChatDecoder {
  #state: State;
  /** Where the text is to be JSON that nobody has checked yet. */
  #held: HeldJson | undefined;
  /** Text not sent yet: what comes before the first meaningful event waits, as an error may follow. */
  #out = '';
  #started = false;
  /** Indexes of the choices whose role was told. */
  readonly #begun = new Set<number>();
  /** What stands around the delta in nearly all chunks, written once. */
  #head: string | undefined;
  readonly #tail: string;
  /** What stands before the text in a chunk like the one that was learnt. */
  #beforeText = '';
  #learntIndex = 0;
  /** Characters of answer that were read and not told of yet. */
  #said = 0;

  constructor(
    private readonly framing: Framing<Event>,
    private readonly reducer: StreamReducer<State, Event>,
    private readonly answer: AnswerFacts,
    private readonly includeUsage: boolean,
  ) {
    this.#state = reducer.initial(answer);
    if (answer.asked.json !== undefined) this.#held = holdJson(answer.asked.json);
    this.#tail = `,"finish_reason":null,"logprobs":null}]${includeUsage ? ',"usage":null' : ''}}\n\n`;
  }

  get done(): boolean {
    return this.reducer.isOver(this.#state);
  }

  get complete(): boolean {
    return this.reducer.isComplete(this.#state);
  }

  get kept(): readonly TurnState[] {
    return this.reducer.kept?.(this.#state) ?? [];
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
    try {
      this.#read(this.framing.take(bytes));
    } finally {
      this.#emit(emit);
    }
  }

  end(emit: EmitFrame): void {
    try {
      this.#read(this.framing.rest());
      if (!this.complete) throw new TruncatedStreamError();
      this.#write(this.reducer.close(this.#state));
    } catch (error) {
      this.#emit(emit);
      throw error;
    }
    const usage = this.reducer.usage(this.#state);
    if (usage !== undefined && this.includeUsage) this.#out += chunkEvent({ ...this.#chunkHead(), choices: [], usage });
    this.#started = true;
    this.#emit(emit);
  }

  #read(events: Iterable<Event | TextRun>): void {
    for (const event of events) {
      if (this.done) return;
      if (event instanceof TextRun) {
        this.#say(event);
        continue;
      }
      const { state, pieces } = this.reducer.step(this.#state, event);
      this.#state = state;
      if (pieces.length === 0) continue;
      this.#write(pieces);
      this.#learn(pieces);
    }
  }

  /** Once its choice has begun, a piece of plain text is one whose like need not be parsed. */
  #learn([only, another]: readonly Piece[]): void {
    if (this.reducer.grow === undefined || this.framing.learn === undefined || this.#held !== undefined) return;
    if (only === undefined || another !== undefined || only.finish !== undefined || only.logprobs !== undefined) return;
    const said = only.delta.content;
    if (typeof said !== 'string' || Object.keys(only.delta).length !== 1) return;
    this.#learntIndex = only.index;
    this.#beforeText = `${this.#chunkStart(only.index)}{"content":"`;
    this.framing.learn(said);
  }

  #say(run: TextRun): void {
    const after = `"}${this.#tail}`;
    this.#said += run.said;
    for (const text of run.texts) this.#out += this.#beforeText + text + after;
    this.#state = this.reducer.grow?.(this.#state, run, this.#learntIndex) ?? this.#state;
  }

  #write(pieces: readonly Piece[]): void {
    for (const piece of pieces) {
      this.#said += saidIn(piece.delta);
      if (this.#held === undefined) {
        this.#writePiece(piece);
        continue;
      }
      const checked = stepHeld(this.#held, piece, piece.finish && this.reducer.usage(this.#state));
      this.#held = checked.state;
      for (const each of checked.pieces) this.#writePiece(each);
    }
  }

  #writePiece(told: Piece): void {
    const piece = this.answer.asked.legacyFunctions === true ? legacyPiece(told) : told;
    this.#started ||= piece.begins === true || piece.finish !== undefined || isMeaningful(piece.delta);
    if (!this.#begun.has(piece.index)) {
      this.#begun.add(piece.index);
      this.#out += this.#chunk({ index: piece.index, delta: { role: 'assistant', content: '' } });
    }
    if (saysAnything(piece)) this.#out += this.#chunk(piece);
  }

  #chunk({ index, delta, finish, native, beside, logprobs }: Piece): string {
    if (finish === undefined && logprobs === undefined) {
      return this.#chunkStart(index) + JSON.stringify(delta) + this.#tail;
    }
    return chunkEvent({
      ...this.#chunkHead(),
      choices: [
        {
          index,
          delta,
          finish_reason: finish ?? null,
          logprobs: logprobs ?? null,
          ...(native !== undefined && native !== finish && { native_finish_reason: native }),
          ...beside,
        },
      ],
      ...(this.includeUsage && { usage: null }),
    });
  }

  #chunkStart(index: number): string {
    this.#head ??= `data: ${JSON.stringify({ ...this.#chunkHead(), choices: [] }).slice(0, -2)}{"index":`;
    return `${this.#head}${index},"delta":`;
  }

  #chunkHead(): Pick<ChatCompletionChunk, 'id' | 'object' | 'created' | 'model'> {
    const { id, created, model } = this.answer;
    return { id, object: 'chat.completion.chunk', created, model: this.reducer.model(this.#state) ?? model };
  }

  /** What is to be sent now, with the usage as far as it is known: a client may leave before the end. */
  #emit(emit: EmitFrame): void {
    if (!this.#started || this.#out === '') return;
    const bytes = Buffer.from(this.#out);
    this.#out = '';
    emit({
      bytes,
      usage: this.reducer.usage(this.#state),
      said: this.takeSaid(),
      serviceTier: this.reducer.serviceTier?.(this.#state),
    });
  }
}

const saysAnything = ({ delta, finish, logprobs }: Piece): boolean =>
  finish !== undefined || logprobs !== undefined || Object.keys(delta).length > 0;

/** Does it say anything? A role or an empty text alone may still be followed by an error. */
export function isMeaningful(delta: Delta): boolean {
  for (const field in delta) {
    const value = delta[field];
    if (field !== 'role' && value !== null && value !== undefined && value !== '') return true;
  }
  return false;
}
