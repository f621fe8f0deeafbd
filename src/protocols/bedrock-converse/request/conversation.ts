import type { Block, Turn } from '../wire.js';
import type { ConverseDraft } from './draft.js';

/** Stands where a turn must be and nobody has said anything. */
export const PLACEHOLDER: Block = { text: '.' };

/** A call, and by which name its result will ask for it. */
export interface Call {
  readonly key: string;
  /** On the wire. */
  readonly id: string;
}

/** Calls that share a key: their results come in their order. */
interface OpenCalls {
  readonly ids: string[];
  answered: number;
}

/** The message that answers a call, and the block that it became. */
interface Answer {
  readonly index: number;
  readonly block: Block;
}

/** What a tool said, and where. */
export interface Result {
  readonly key: string;
  readonly index: number;
  readonly content: readonly Block[];
  readonly failed: boolean;
  /** Cache points must not stand inside a result. */
  readonly after: readonly Block[];
}

/**
 * Turns in the order in which Converse takes them (§2.2): user and assistant by turns, and in the turn after a call first
 * of all its results, every one of them once.
 */
export class Conversation {
  readonly turns: Turn[] = [];
  /** Calls of the assistant's last turn, by their keys. */
  #open = new Map<string, OpenCalls>();
  /** By the ids of those calls on the wire. */
  #answers = new Map<string, Answer>();
  /** What the user side has said since the assistant's last turn. */
  #said: Block[] = [];
  #afterResults: Block[] = [];
  /** The message in which the user said it first. */
  #saidAt = 0;

  constructor(private readonly draft: ConverseDraft) {}

  get isEmpty(): boolean {
    return this.turns.length === 0 && this.#said.length === 0;
  }

  user(blocks: readonly Block[], index: number): void {
    if (this.#said.length === 0) this.#saidAt = index;
    for (const block of blocks) this.#said.push(block);
  }

  /** Two messages of the assistant in a row are one turn, and may share what answers them. */
  assistant(blocks: readonly Block[], calls: readonly Call[]): void {
    if (blocks.length === 0) return;
    if (this.#said.length > 0 || this.#answers.size > 0) this.#closeUserTurn();
    const last = this.turns.at(-1);
    if (last?.role === 'assistant') for (const block of blocks) last.content.push(block);
    else this.turns.push({ role: 'assistant', content: [...blocks] });
    for (const { key, id } of calls) {
      const known = this.#open.get(key);
      if (known === undefined) this.#open.set(key, { ids: [id], answered: 0 });
      else known.ids.push(id);
    }
  }

  /** One answer more than there are calls stands for the last; one to no call has no place. */
  result({ key, index, content, failed, after }: Result): void {
    const calls = this.#open.get(key);
    const id = calls?.ids[Math.min(calls.answered, calls.ids.length - 1)];
    if (calls === undefined || id === undefined)
      return this.draft.drop(`messages[${index}]`, 'it answers no call of the turn before');
    const earlier = this.#answers.get(id);
    if (earlier !== undefined) this.draft.drop(`messages[${earlier.index}]`, 'the call is answered again');
    calls.answered += 1;
    const status = failed ? { status: 'error' } : {};
    this.#answers.set(id, { index, block: { toolResult: { toolUseId: id, content, ...status } } });
    for (const block of after) this.#afterResults.push(block);
  }

  /** Instructions between turns; false where they cannot stand, which is anywhere but after the user's turn. */
  systemTurn(blocks: readonly Block[]): boolean {
    const last = this.turns.at(-1);
    if (last?.role === 'system' && this.#said.length === 0) {
      for (const block of blocks) last.content.push(block);
      return true;
    }
    const answered = this.#unanswered().length === 0;
    if (!answered || (this.#said.length === 0 && this.#open.size === 0)) return false;
    this.#closeUserTurn();
    this.turns.push({ role: 'system', content: [...blocks] });
    return true;
  }

  close(): readonly Turn[] {
    this.#closeUserTurn();
    if (this.turns[0]?.role !== 'user') {
      this.turns.unshift({ role: 'user', content: [PLACEHOLDER] });
      this.draft.adapt('messages[0]', 'preceded by an empty turn of the user', 'the first turn must be the user’s');
    }
    return this.turns;
  }

  #closeUserTurn(): void {
    const results = this.#results();
    const said = withText(this.#said);
    this.#open = new Map();
    this.#answers = new Map();
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

  #results(): Block[] {
    const given = [...this.#answers.values()].map(({ block }) => block);
    const after = this.#afterResults;
    this.#afterResults = [];
    return [...given, ...this.#unanswered().map((id) => this.#noResult(id)), ...after];
  }

  #unanswered(): readonly string[] {
    return [...this.#open.values()].flatMap(({ ids }) => ids.filter((id) => !this.#answers.has(id)));
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
