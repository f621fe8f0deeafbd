import { badType, badValue, emptyArray, missing, tooLong } from './field-errors.js';

type Fields = Readonly<Record<string, unknown>>;

const MAX_MESSAGES = 10_000;
const ROLES: readonly unknown[] = ['developer', 'system', 'user', 'assistant', 'tool', 'function'];

/** The shape of a conversation (OpenAI wire §1.2–1.3): what a gateway or any upstream would trip over. */
export function checkMessages(messages: unknown): void {
  if (!Array.isArray(messages)) throw badType('messages', 'an array of objects', messages);
  if (messages.length === 0) throw emptyArray('messages');
  if (messages.length > MAX_MESSAGES) throw tooLong('messages', MAX_MESSAGES);
  messages.forEach((message: unknown, index) => {
    if (!isObject(message)) throw badType(`messages[${index}]`, 'an object', message);
    checkMessage(message, index);
  });
}

function checkMessage(message: Fields, index: number): void {
  const { role, content } = message;
  // The path is made only when something is wrong: most conversations are long and right.
  const path = (field: string) => `messages[${index}].${field}`;
  if (typeof role !== 'string') throw badType(path('role'), 'a string', role);
  if (!ROLES.includes(role)) throw badValue(path('role'), ROLES.map((known) => `'${String(known)}'`).join(', '), role);
  if (content === undefined || content === null) {
    if (!mayLackContent(message)) throw badType(path('content'), 'a string or an array', content);
  } else if (typeof content !== 'string') checkParts(content, path('content'), role);
  if (role === 'tool' && typeof message['tool_call_id'] !== 'string')
    throw badType(path('tool_call_id'), 'a string', message['tool_call_id']);
  if (role === 'function' && typeof message['name'] !== 'string')
    throw badType(path('name'), 'a string', message['name']);
  if (message['tool_calls'] != null) checkToolCalls(message['tool_calls'], path('tool_calls'));
}

/** What an assistant's turn may consist of instead of content. */
const TURNS = ['tool_calls', 'function_call', 'audio', 'refusal'];

/** `null` is what assistants' turns come with; a key that is not there at all stands for a turn of something else. */
function mayLackContent(message: Fields): boolean {
  if (message['role'] === 'function') return true;
  if (message['role'] !== 'assistant') return false;
  return message['content'] === null || TURNS.some((turn) => message[turn] != null);
}

function checkParts(content: unknown, path: string, role: string): void {
  if (!Array.isArray(content)) throw badType(path, 'a string or an array', content);
  if (content.length === 0 && role !== 'assistant') throw emptyArray(path); // a turn of tool calls has nothing to say
  content.forEach((part: unknown, index) => {
    if (!isObject(part)) throw badType(`${path}[${index}]`, 'an object', part);
    checkPart(part, `${path}[${index}]`);
  });
}

/** Parts of other types belong to one provider or another, which will judge them. */
function checkPart(part: Fields, path: string): void {
  const { type } = part;
  if (typeof type !== 'string') throw badType(`${path}.type`, 'a string', type);
  switch (type) {
    case 'text':
    case 'refusal':
      if (typeof part[type] !== 'string') throw badType(`${path}.${type}`, 'a string', part[type]);
      return;
    case 'image_url':
      if (typeof part['image_url'] === 'string') return; // Mistral's own form
      return checkText(part['image_url'], `${path}.image_url`, 'url');
    case 'input_audio':
      checkText(part['input_audio'], `${path}.input_audio`, 'data');
      return checkText(part['input_audio'], `${path}.input_audio`, 'format');
    case 'file':
      if (!isObject(part['file'])) throw badType(`${path}.file`, 'an object', part['file']);
      return;
    default:
  }
}

function checkText(holder: unknown, path: string, field: string): void {
  if (!isObject(holder)) throw badType(path, 'an object', holder);
  if (typeof holder[field] !== 'string') throw badType(`${path}.${field}`, 'a string', holder[field]);
}

function checkToolCalls(calls: unknown, path: string): void {
  if (!Array.isArray(calls)) throw badType(path, 'an array', calls);
  calls.forEach((call: unknown, index) => {
    const at = `${path}[${index}]`;
    if (!isObject(call)) throw badType(at, 'an object', call);
    if (typeof call['id'] !== 'string') throw badType(`${at}.id`, 'a string', call['id']);
    if (call['custom'] != null) return checkText(call['custom'], `${at}.custom`, 'name');
    if (call['function'] == null) throw missing(`${at}.function`);
    checkText(call['function'], `${at}.function`, 'name');
    checkText(call['function'], `${at}.function`, 'arguments');
  });
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
