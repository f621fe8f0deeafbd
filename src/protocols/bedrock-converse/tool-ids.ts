import { createHash } from 'node:crypto';
import { MAX_TOOL_CALL_ID, shortToolCallId } from '../../domain/ids.js';

/** An answer's id of a call as clients can use it: present, short enough, and no other call's. */
export function distinctToolCallId(given: unknown, fallback: string, used: ReadonlySet<string>): string {
  const id = typeof given === 'string' && given !== '' ? given : shortToolCallId(fallback);
  const short = id.length > MAX_TOOL_CALL_ID ? shortToolCallId(id) : id;
  return used.has(short) ? shortToolCallId(fallback) : short;
}

/** What ids of calls may be made of: Claude's own service is narrower than Converse, and Mistral's wants nine letters or digits. */
export type CallIdForm = 'converse' | 'claude' | 'nine';

const FORMS: Readonly<Record<CallIdForm, RegExp>> = {
  converse: /^[a-zA-Z0-9_.:-]{1,64}$/,
  claude: /^[a-zA-Z0-9_-]{1,64}$/,
  nine: /^[a-zA-Z0-9]{9}$/,
};

/**
 * Ids of earlier calls as Converse takes them (§2.2 rule 4): every call has its own, and the same conversation always
 * the same ones.
 */
export class WireCallIds {
  readonly #used = new Set<string>();

  constructor(private readonly form: CallIdForm) {}

  next(id: string): string {
    let wire = FORMS[this.form].test(id) ? id : this.#made(id);
    for (let turn = this.#used.size; this.#used.has(wire); turn += 1) wire = this.#made(`${id}#${turn}`);
    this.#used.add(wire);
    return wire;
  }

  #made(id: string): string {
    const digest = createHash('sha256').update(id).digest('hex');
    return this.form === 'nine' ? digest.slice(0, 9) : `call_${digest.slice(0, 24)}`;
  }
}

/** A tool's name as Converse takes it: models have called tools in history by names that are none. */
export function wireToolName(name: string): string {
  return /^[a-zA-Z0-9_-]{1,64}$/.test(name) ? name : name.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, 64) || '_';
}
