import type { ChatMessage } from '../../../domain/chat.js';
import type { Content, Part } from '../wire.js';
import { assistantTurn } from './assistant.js';
import { dropOrphan, resultParts, type Placed } from './results.js';
import { CACHE_MARKS, CACHES_BY_ITSELF, partsOf } from './parts.js';
import type { Scope } from './scope.js';

/** A client's messages as Gemini has them. */
export interface Conversation {
  readonly system: readonly Part[];
  readonly contents: readonly Content[];
  /** Signatures of earlier turns are among it. */
  readonly carriesState: boolean;
}

/** Messages → contents (Gemini reference §2.2). */
export function conversationOf(scope: Scope): Conversation {
  const messages = scope.request.messages;
  const start = leadingSystem(messages);
  const system = messages.slice(0, start).flatMap((message, index) => {
    reportUnread({ message, index }, scope);
    return partsOf(message.content, `messages[${index}].content`, scope);
  });
  const turns = new Turns();
  let carriesState = false;
  for (let index = start; index < messages.length;) {
    const message = messages[index];
    if (message === undefined) break;
    if (message.role === 'assistant') {
      const end = nextAssistant(messages, index + 1);
      carriesState = addExchange({ message, index }, { scope, turns, end }) || carriesState;
      index = end;
    } else {
      addUserSide({ message, index }, scope, turns);
      index += 1;
    }
  }
  return { ...finished(system, turns, scope), carriesState };
}

const isSystem = ({ role }: ChatMessage): boolean => role === 'system' || role === 'developer';
const isResult = ({ role }: ChatMessage): boolean => role === 'tool' || role === 'function';

function leadingSystem(messages: readonly ChatMessage[]): number {
  const end = messages.findIndex((message) => !isSystem(message));
  return end === -1 ? messages.length : end;
}

function nextAssistant(messages: readonly ChatMessage[], from: number): number {
  let next = from;
  while (next < messages.length && messages[next]?.role !== 'assistant') next += 1;
  return next;
}

/** Contents in the making: what one side says in a row is one content, its parts kept apart. */
class Turns {
  readonly contents: { readonly role: Content['role']; readonly parts: Part[] }[] = [];

  add(role: Content['role'], parts: readonly Part[]): void {
    if (parts.length === 0) return;
    const last = this.contents.at(-1);
    if (last?.role !== role) {
      this.contents.push({ role, parts: [...parts] });
      return;
    }
    for (const part of parts) last.parts.push(part);
  }
}

interface Exchange {
  readonly scope: Scope;
  readonly turns: Turns;
  /** Where the next turn of the assistant's is. */
  readonly end: number;
}

/** The assistant's turn and all that was said until its next one: first the results of its calls, then the rest. */
function addExchange(placed: Placed, { scope, turns, end }: Exchange): boolean {
  const { messages } = scope.request;
  reportUnread(placed, scope);
  const { parts, calls, carriesState } = assistantTurn(placed, scope);
  turns.add('model', parts);
  const answers: Placed[] = [];
  const rest: Placed[] = [];
  messages.slice(placed.index + 1, end).forEach((message, offset) => {
    const each = { message, index: placed.index + 1 + offset };
    if (isResult(message)) reportUnread(each, scope);
    (isResult(message) ? answers : rest).push(each);
  });
  turns.add('user', resultParts(calls, answers, scope));
  for (const each of rest) addUserSide(each, scope, turns);
  return carriesState;
}

function addUserSide(placed: Placed, scope: Scope, turns: Turns): void {
  const { message, index } = placed;
  if (isResult(message)) {
    dropOrphan(placed, scope);
    return;
  }
  reportUnread(placed, scope);
  const parts = partsOf(message.content, `messages[${index}].content`, scope);
  if (!isSystem(message)) {
    turns.add('user', parts);
    return;
  }
  // There is no system turn in the middle, and at the top it would come too early.
  scope.report.adapt(`messages[${index}].role`, 'user', 'Gemini has system instructions only at the beginning.');
  turns.add(
    'user',
    parts.map((part) => (part.text === undefined ? part : { text: `<system>${part.text}</system>` })),
  );
}

/** What of a message is read; an assistant's turn has more, and tells of it itself. */
const READ: ReadonlySet<string> = new Set(['role', 'content', 'tool_call_id', 'is_error']);

function reportUnread({ message, index }: Placed, { report }: Scope): void {
  for (const field in message) {
    if (READ.has(field) || message[field] == null) continue;
    const path = `messages[${index}].${field}`;
    if (field === 'name') {
      if (!isResult(message)) report.drop(path, 'Gemini has no names for who speaks.');
    } else if (message.role !== 'assistant') {
      report.drop(path, CACHE_MARKS.has(field) ? CACHES_BY_ITSELF : undefined);
    }
  }
}

/** The rules on where a conversation begins and ends (Gemini reference §2.2 rules 1, 2, 10). */
function finished(system: readonly Part[], { contents }: Turns, scope: Scope): Omit<Conversation, 'carriesState'> {
  const { facts, request, report } = scope;
  const asUser = system.length > 0 && (!facts.systemInstruction || contents.length === 0);
  if (asUser) {
    report.adapt(
      'messages[0].role',
      'user',
      facts.systemInstruction
        ? 'Gemini does not answer system instructions alone.'
        : 'This model has no system instructions.',
    );
    if (contents[0]?.role === 'user') contents[0].parts.unshift(...system);
    else contents.unshift({ role: 'user', parts: [...system] });
  }
  // Where nothing was said at all, the provider is to judge that.
  if (contents[0]?.role !== 'user')
    contents.unshift({ role: 'user', parts: [{ text: contents.length === 0 ? '' : FILLER }] });
  if (contents.at(-1)?.role === 'model' && facts.signedCalls) {
    report.adapt(`messages[${request.messages.length - 1}]`, undefined, 'This model does not go on with a turn begun.');
    contents.push({ role: 'user', parts: [{ text: GO_ON }] });
  }
  return { system: asUser ? [] : system, contents };
}

/** A conversation that begins with the model's turn needs one before it. */
const FILLER = '.';
const GO_ON = 'Continue.';
