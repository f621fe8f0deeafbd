import type { ChatMessage } from '../../../domain/chat.js';
import { shortToolCallId } from '../../../domain/ids.js';
import { isObject, isShallow, parsedJson, type Json } from '../../json.js';
import type { ToolResultBlock, ToolUseBlock } from '../wire.js';

/** A call of an earlier turn, and by which name its result will ask for it. */
export interface EarlierCall {
  readonly key: string;
  readonly id: string;
  readonly name: string;
  readonly input: Json;
}

/** The calls a message of the assistant made, the legacy form among them, which is known by its name alone. */
export function callsOf(message: ChatMessage): readonly EarlierCall[] {
  const calls = (message.tool_calls ?? []).map(({ id, function: fn, custom }): EarlierCall => {
    if (custom !== undefined && custom !== null)
      return { key: id, id, name: custom.name, input: { input: custom.input } };
    return { key: id, id, name: fn?.name ?? '', input: inputOf(fn?.arguments) };
  });
  const legacy = message['function_call'];
  if (!isObject(legacy) || typeof legacy['name'] !== 'string') return calls;
  const key = legacyKey(legacy['name']);
  return [...calls, { key, id: shortToolCallId(key), name: legacy['name'], input: inputOf(legacy['arguments']) }];
}

/** By which call a result asks. */
export const resultKey = (message: ChatMessage): string =>
  message.role === 'function' ? legacyKey(message.name ?? '') : (message.tool_call_id ?? '');

const legacyKey = (name: string): string => `function:${name}`;

/** Input must be an object: anything else a client echoes is put into one (Anthropic reference §2.2). */
function inputOf(given: unknown): Json {
  if (given === undefined || given === null || given === '') return {};
  const text = typeof given === 'string' ? given : JSON.stringify(given);
  const input = parsedJson(text);
  return isObject(input) && isShallow(input, DEEPEST) ? input : { _raw: text };
}

const DEEPEST = 200;

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
  readonly #results = new Map<string, ToolResultBlock>();

  add(key: string, { id }: ToolUseBlock): void {
    const known = this.#byKey.get(key);
    if (known === undefined) this.#byKey.set(key, { ids: [id], answered: 0 });
    else known.ids.push(id);
  }

  /** Where calls share a key, results come in their order; one more than there are calls replaces the last. */
  answer(key: string, result: Omit<ToolResultBlock, 'tool_use_id'>): boolean {
    const calls = this.#byKey.get(key);
    const id = calls?.ids[Math.min(calls.answered, calls.ids.length - 1)];
    if (calls === undefined || id === undefined) return false;
    calls.answered += 1;
    this.#results.set(id, { ...result, tool_use_id: id });
    return true;
  }

  /** No result has come yet. */
  get untouched(): boolean {
    return this.#results.size === 0;
  }

  /** Every call has its result. */
  get answered(): boolean {
    for (const { ids, answered } of this.#byKey.values()) if (answered < ids.length) return false;
    return true;
  }

  /** All results, first of all that a user's turn holds; a call nobody answered is refused upstream. */
  get results(): readonly ToolResultBlock[] {
    const ids = [...this.#byKey.values()].flatMap(({ ids }) => ids);
    const missing = ids.filter((id) => !this.#results.has(id));
    return [...this.#results.values(), ...missing.map(noResult)];
  }
}

const noResult = (id: string): ToolResultBlock => ({
  type: 'tool_result',
  tool_use_id: id,
  is_error: true,
  content: [{ type: 'text', text: 'No result provided' }],
});
