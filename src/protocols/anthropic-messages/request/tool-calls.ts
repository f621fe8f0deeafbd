import { shortToolCallId } from '../../../domain/ids.js';
import type { ToolResultBlock, ToolUseBlock } from '../wire.js';

/** What the API takes as an id; those of other providers may hold anything, or a signature. */
const SAFE_ID = /^[\w-]{1,128}$/;

/** Gives every call of a conversation an id of its own, the same for the same conversation. */
export class CallIds {
  readonly #used = new Set<string>();

  next(id: string): string {
    const safe = SAFE_ID.test(id) ? id : shortToolCallId(id);
    for (let n = 1; ; n += 1) {
      const wanted = n === 1 ? safe : shortToolCallId(`${id}#${n}#${this.#used.size}`);
      if (this.#used.has(wanted)) continue;
      this.#used.add(wanted);
      return wanted;
    }
  }
}

/** The calls of one turn and their results: each has exactly one, right after it. */
export class OpenCalls {
  readonly #byKey = new Map<string, { readonly ids: string[]; answered: number }>();
  /** Where the client's message has the calls without a result, by their ids. */
  readonly #open = new Map<string, string>();
  readonly #results = new Map<string, ToolResultBlock>();

  add(key: string, { id }: ToolUseBlock, path: string): void {
    this.#open.set(id, path);
    const known = this.#byKey.get(key);
    if (known === undefined) this.#byKey.set(key, { ids: [id], answered: 0 });
    else known.ids.push(id);
  }

  /** Where calls share a key, results come in their order; one more than there are calls replaces the last. */
  answer(key: string, result: Omit<ToolResultBlock, 'tool_use_id'>): 'first' | 'again' | undefined {
    const calls = this.#byKey.get(key);
    const id = calls?.ids[Math.min(calls.answered, calls.ids.length - 1)];
    if (calls === undefined || id === undefined) return undefined;
    calls.answered += 1;
    this.#results.set(id, { ...result, tool_use_id: id });
    return this.#open.delete(id) ? 'first' : 'again';
  }

  /** No result has come yet. */
  get untouched(): boolean {
    return this.#results.size === 0;
  }

  /** Every call has its result. */
  get answered(): boolean {
    return this.#open.size === 0;
  }

  /** Where the calls nobody answered are. */
  get unanswered(): Iterable<string> {
    return this.#open.values();
  }

  /** All results, first of all that a user's turn holds; a call nobody answered is refused upstream. */
  get results(): readonly ToolResultBlock[] {
    return [...this.#results.values(), ...[...this.#open.keys()].map(noResult)];
  }
}

const noResult = (id: string): ToolResultBlock => ({
  type: 'tool_result',
  tool_use_id: id,
  is_error: true,
  content: [{ type: 'text', text: 'No result provided' }],
});
