import { createHash } from 'node:crypto';
import { MAX_TOOL_CALL_ID, shortToolCallId } from '../../domain/ids.js';

/** An answer's id of a call as clients can use it: present, short enough, and no other call's. */
export function distinctToolCallId(given: unknown, fallback: string, used: ReadonlySet<string>): string {
  const id = typeof given === 'string' && given !== '' ? given : shortToolCallId(fallback);
  const short = id.length > MAX_TOOL_CALL_ID ? shortToolCallId(id) : id;
  return used.has(short) ? shortToolCallId(fallback) : short;
}

const CONVERSE_ID = /^[a-zA-Z0-9_.:-]{1,64}$/;
const NINE = /^[a-zA-Z0-9]{9}$/;

/**
 * The id of an earlier call as Converse takes it (§2.2 rule 4). The same id always becomes the same one, so that a
 * result still answers its call, and a conversation stays the same from turn to turn.
 */
export function wireToolCallId(id: string, nine: boolean): string {
  if ((nine ? NINE : CONVERSE_ID).test(id)) return id;
  const digest = createHash('sha256').update(id).digest('hex');
  return nine ? digest.slice(0, 9) : `call_${digest.slice(0, 24)}`;
}

/** A tool's name as Converse takes it: models have called tools in history by names that are none. */
export function wireToolName(name: string): string {
  return /^[a-zA-Z0-9_-]{1,64}$/.test(name) ? name : name.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, 64) || '_';
}
