import type { ChatMessage, ChatRequest } from '../../domain/chat.js';
import { ParamReport } from '../../domain/param-change.js';

/** A client's request and what is to be different about it upstream. */
export class RequestDraft extends ParamReport {
  readonly #edits = new Map<string, unknown>();

  constructor(readonly request: ChatRequest) {
    super();
  }

  get edits(): ReadonlyMap<string, unknown> {
    return this.#edits;
  }

  get messages(): readonly ChatMessage[] {
    return this.get('messages') as readonly ChatMessage[];
  }

  has(field: string): boolean {
    return this.#edits.has(field) ? this.#edits.get(field) !== undefined : Object.hasOwn(this.request, field);
  }

  /** The field's value as it stands now. */
  get(field: string): unknown {
    if (this.#edits.has(field)) return this.#edits.get(field);
    return Object.hasOwn(this.request, field) ? this.request[field] : undefined;
  }

  set(field: string, value: unknown): void {
    if (Object.hasOwn(this.request, field) && this.request[field] === value) this.#edits.delete(field);
    else this.#edits.set(field, value);
  }

  remove(field: string): void {
    this.#edits.set(field, undefined);
  }
}
