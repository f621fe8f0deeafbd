import type { ChatRequest } from '../../../domain/chat.js';
import { isObject } from '../../json.js';
import { textOf } from '../answer-reading.js';
import { wireToolName } from '../tool-ids.js';

/** Tools under names that Converse takes; two tools never get the same one. */
export class ToolNames {
  readonly #sent = new Map<string, string>();
  readonly #clients = new Map<string, string>();
  /** How many names were made of one: a history may hold any number that are alike but for what is replaced. */
  readonly #made = new Map<string, number>();

  /** Names that need no change come first, so that no changed one can take their place. */
  constructor({ tools, functions }: ChatRequest) {
    const names = [...namesIn(tools, 'function'), ...namesIn(functions)];
    for (const name of names) if (wireToolName(name) === name) this.sent(name);
    for (const name of names) this.sent(name);
  }

  /** The name that goes on the wire. */
  sent(name: string): string {
    const known = this.#sent.get(name);
    if (known !== undefined) return known;
    const wanted = wireToolName(name);
    let free = wanted;
    let count = this.#made.get(wanted) ?? 1;
    while (this.#clients.has(free)) free = `${wanted.slice(0, 56)}_${(count += 1)}`;
    this.#made.set(wanted, count);
    this.#sent.set(name, free);
    this.#clients.set(free, name);
    return free;
  }

  /** Those that differ from the client's own; undefined where none does. */
  get changed(): ReadonlyMap<string, string> | undefined {
    const changed = [...this.#clients].filter(([sent, name]) => sent !== name);
    return changed.length === 0 ? undefined : new Map(changed);
  }
}

function namesIn(list: unknown, within?: string): readonly string[] {
  if (!Array.isArray(list)) return [];
  return list.filter(isObject).map((tool) => {
    const definition = within === undefined ? tool : tool[within];
    return textOf(isObject(definition) ? definition['name'] : undefined);
  });
}
