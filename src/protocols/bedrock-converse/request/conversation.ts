import type { ToolCall } from '../../../domain/chat.js';
import type { Block, Turn } from '../wire.js';
import type { ConverseDraft } from './draft.js';

/** Stands where a turn must be and nobody has said anything. */
export const PLACEHOLDER: Block = { text: '.' };

/** A call of the last assistant turn, by the id it has on the wire. */
interface OpenCall {
  readonly name: string;
  /** The message that answers it, and the block that it became. */
  answer: { readonly index: number; readonly block: Block } | undefined;
}

/** What a tool said, and where. */
export interface Result {
  readonly id: string;
  readonly index: number;
  readonly content: readonly Block[];
  /** Cache points must not stand inside a result. */
  readonly after: readonly Block[];
}

/**
 * Turns in the order in which Converse takes them (§2.2): user and assistant by turns, and in the turn after a call first
 * of all its results, every one of them once.
 */
export class Conversation {
  readonly turns: Turn[] = [];
  #open = new Map<string, OpenCall>();
  /** What the user side has said since the assistant's last turn. */
  #said: Block[] = [];
  #afterResults: Block[] = [];
  /** The message in which the user said it first. */
  #saidAt = 0;

  constructor(private readonly draft: ConverseDraft) {}

  get isEmpty(): boolean {
    return this.turns.length === 0 && this.#said.length === 0;
  }

  /** The latest call of a tool of this name that nobody has answered: by name is how functions were answered once. */
  openCall(name: string): string | undefined {
    const found = [...this.#open].filter(([, call]) => call.name === name && call.answer === undefined);
    return found[0]?.[0];
  }

  user(blocks: readonly Block[], index: number): void {
    if (this.#said.length === 0) this.#saidAt = index;
    for (const block of blocks) this.#said.push(block);
  }

  assistant(blocks: readonly Block[], calls: readonly (readonly [id: string, name: string])[]): void {
    this.#closeUserTurn();
    if (blocks.length === 0) return;
    const last = this.turns.at(-1);
    if (last?.role === 'assistant') for (const block of blocks) last.content.push(block);
    else this.turns.push({ role: 'assistant', content: [...blocks] });
    for (const [id, name] of calls) this.#open.set(id, { name, answer: undefined });
  }

  /** The last answer to a call counts; one to no call has no place. */
  result({ id, index, content, after }: Result): void {
    const call = this.#open.get(id);
    if (call === undefined) return this.draft.drop(`messages[${index}]`, 'it answers no call of the turn before');
    if (call.answer !== undefined) this.draft.drop(`messages[${call.answer.index}]`, 'the call is answered again');
    call.answer = { index, block: { toolResult: { toolUseId: id, content } } };
    for (const block of after) this.#afterResults.push(block);
  }

  /** Instructions between turns; false where they cannot stand, which is anywhere but after the user's turn. */
  systemTurn(blocks: readonly Block[]): boolean {
    const answered = [...this.#open.values()].every(({ answer }) => answer !== undefined);
    if (!answered || (this.#said.length === 0 && this.#open.size === 0)) return false;
    this.#closeUserTurn();
    this.turns.push({ role: 'system', content: [...blocks] });
    return true;
  }

  close(): readonly Turn[] {
    this.#closeUserTurn();
    if (this.draft.facts.userFirst && this.turns[0]?.role !== 'user') {
      this.turns.unshift({ role: 'user', content: [PLACEHOLDER] });
      this.draft.adapt('messages[0]', 'preceded by an empty turn of the user', 'the first turn must be the user’s');
    }
    return this.turns;
  }

  #closeUserTurn(): void {
    const results = this.#results();
    const said = withText(this.#said);
    this.#open = new Map();
    this.#said = [];
    const beside = results.length === 0 || said.length === 0 || this.draft.facts.mixedResults;
    if (beside) return this.#pushUser([...results, ...said]);
    this.#pushUser(results);
    this.turns.push({ role: 'assistant', content: [PLACEHOLDER] });
    this.#pushUser(said);
    this.draft.adapt(`messages[${this.#saidAt}]`, 'a turn of its own', 'nothing may stand beside tool results');
  }

  #pushUser(content: Block[]): void {
    if (content.length > 0) this.turns.push({ role: 'user', content });
  }

  #results(): readonly Block[] & Block[] {
    const results = [...this.#open].map(([id, { answer }]) => answer?.block ?? this.#noResult(id));
    const after = this.#afterResults;
    this.#afterResults = [];
    return [...results, ...after];
  }

  #noResult(id: string): Block {
    const status = this.draft.facts.resultStatus ? { status: 'error' } : {};
    return { toolResult: { toolUseId: id, content: [{ text: 'No result provided' }], ...status } };
  }
}

/** A document must not stand without a text. */
function withText(blocks: Block[]): Block[] {
  const isAlone = blocks.some((block) => 'document' in block) && !blocks.some((block) => 'text' in block);
  return isAlone ? [...blocks, PLACEHOLDER] : blocks;
}

/** The name and the arguments of a call, whatever its kind. */
export const calledTool = (call: ToolCall): { readonly name: unknown; readonly input: unknown } =>
  call.custom === undefined
    ? { name: call.function?.name, input: call.function?.arguments }
    : { name: call.custom.name, input: { input: call.custom.input } };
