import { createHash } from 'node:crypto';
import type { ChatMessage, ToolCall } from '../../domain/chat.js';
import { NULLABLE_IN_MESSAGES } from './documented-fields.js';
import type { RequestDraft } from './request-draft.js';
import type { RequestQuirks } from './quirks.js';

/** Changes messages only where the rules ask for it; a conversation that needs no change is not copied. */
export function adaptMessages(draft: RequestDraft, rules: RequestQuirks): void {
  const steps = stepsFor(rules);
  if (steps.length === 0) return;
  let changed = false;
  const messages = draft.messages.map((message, index) => {
    const adapted = steps.reduce((current, step) => step(current, { draft, index }), message);
    changed ||= adapted !== message;
    return adapted;
  });
  if (changed) draft.set('messages', messages);
}

interface Place {
  readonly draft: RequestDraft;
  readonly index: number;
}

type Step = (message: ChatMessage, place: Place) => ChatMessage;

function stepsFor({ developerRole, refuses = [], shortToolCallIds, replayReasoning }: RequestQuirks): readonly Step[] {
  const steps: Step[] = [withoutNulls, withoutEmptyToolCalls];
  if (developerRole !== true) steps.push(developerAsSystem);
  if (refuses.includes('messages[].name')) steps.push(withoutName);
  if (shortToolCallIds === true) steps.push(withShortIds);
  if (replayReasoning !== undefined) steps.push(replayReasoning === 'drop' ? withoutReasoning : reasoningRenamed);
  return steps;
}

/** What some clients echo of an answer: null, which is absence. */
function withoutNulls(message: ChatMessage): ChatMessage {
  if (!NULLABLE_IN_MESSAGES.some((field) => message[field] === null)) return message;
  const kept = Object.entries(message).filter(([key, value]) => value !== null || !NULLABLE_IN_MESSAGES.includes(key));
  return Object.fromEntries(kept) as unknown as ChatMessage;
}

/** An empty list of calls is what some clients echo, and what OpenAI refuses. */
function withoutEmptyToolCalls(message: ChatMessage): ChatMessage {
  if (message.tool_calls === undefined || message.tool_calls === null || message.tool_calls.length > 0) return message;
  const { tool_calls: _empty, ...rest } = message;
  return rest;
}

/** `developer` is OpenAI's newer word for `system`; the meaning is the same, so it is not reported. */
function developerAsSystem(message: ChatMessage): ChatMessage {
  return message.role === 'developer' ? { ...message, role: 'system' } : message;
}

function withoutName(message: ChatMessage, { draft, index }: Place): ChatMessage {
  if (message.name === undefined || message.role === 'tool' || message.role === 'function') return message;
  const { name: _refused, ...rest } = message;
  draft.drop(`messages[${index}].name`);
  return rest;
}

function withoutReasoning(message: ChatMessage, { draft, index }: Place): ChatMessage {
  const there = REASONING.filter((field) => Object.hasOwn(message, field));
  if (there.length === 0) return message;
  const told = there.find((field) => saysSomething(message[field]));
  if (told !== undefined) draft.drop(`messages[${index}].${told}`); // one thought, whatever its forms
  return Object.fromEntries(
    Object.entries(message).filter(([key]) => !REASONING.includes(key)),
  ) as unknown as ChatMessage;
}

/** All the forms in which clients send an earlier turn's reasoning back. */
const REASONING: readonly string[] = ['reasoning_content', 'reasoning', 'reasoning_details'];

const saysSomething = (value: unknown): boolean =>
  value != null && value !== '' && !(Array.isArray(value) && value.length === 0);

function reasoningRenamed(message: ChatMessage): ChatMessage {
  if (!Object.hasOwn(message, 'reasoning_content')) return message;
  const { reasoning_content: reasoning, ...rest } = message;
  return reasoning == null || rest['reasoning'] != null ? rest : { ...rest, reasoning };
}

function withShortIds(message: ChatMessage): ChatMessage {
  if (message.tool_calls == null && message.tool_call_id === undefined) return message;
  const calls = message.tool_calls?.map((call): ToolCall => ({ ...call, id: nineCharacters(call.id) }));
  return {
    ...message,
    ...(calls && { tool_calls: calls }),
    ...(message.tool_call_id !== undefined && { tool_call_id: nineCharacters(message.tool_call_id) }),
  };
}

/** The same id always gives the same nine characters, so that a result still answers its call. */
function nineCharacters(id: string): string {
  if (/^[a-zA-Z0-9]{9}$/.test(id)) return id;
  return createHash('sha256').update(id).digest('hex').slice(0, 9);
}
