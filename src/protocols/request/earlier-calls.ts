import type { ChatMessage } from '../../domain/chat.js';
import type { ParamReport } from '../../domain/param-change.js';
import { isObject, isShallow, parsedJson, type Json } from '../json.js';

/** A call of an earlier turn, in whichever form the client has it. */
export interface EarlierCall {
  /** By which its result asks for it. */
  readonly key: string;
  /** '' in the legacy form, which is known by its name alone. */
  readonly id: string;
  readonly name: string;
  readonly input: Json;
  /** As in `messages[1].tool_calls[0]`. */
  readonly path: string;
  /** As the client sent it. */
  readonly own: Json;
}

interface Place {
  /** As in `messages[1]`. */
  readonly path: string;
  readonly report: ParamReport;
  /** Deeper arguments are not taken as an object: they are refused upstream, or overflow the stack of whoever writes them. */
  readonly deepest: number;
}

/**
 * The calls that a message of the assistant made. The legacy form comes first: a model's further calls stay among the
 * tool calls (OpenAI wire §1). Clients that send one call in both forms mean one.
 */
export function earlierCalls(message: ChatMessage, place: Place): readonly EarlierCall[] {
  const { tool_calls: given, function_call: legacy } = message;
  const calls = (Array.isArray(given) ? given : []).map((call: unknown, index) =>
    callOf(isObject(call) ? call : {}, `${place.path}.tool_calls[${index}]`, place),
  );
  if (!isObject(legacy) || typeof legacy['name'] !== 'string') return calls;
  const { name, arguments: json } = legacy;
  const isTold = calls.some(
    ({ own: { function: fn } }) => isObject(fn) && fn['name'] === name && fn['arguments'] === json,
  );
  if (isTold) return calls;
  const path = `${place.path}.function_call`;
  const input = inputOf(json, `${path}.arguments`, place);
  return [{ key: legacyKey(name), id: '', name, input, path, own: legacy }, ...calls];
}

function callOf(own: Json, path: string, place: Place): EarlierCall {
  const { function: fn, custom } = own;
  const id = textOf(own['id']);
  const call = { key: id, id, path, own };
  if (isObject(custom)) return { ...call, name: textOf(custom['name']), input: { input: custom['input'] } };
  const { name, arguments: json } = isObject(fn) ? fn : {};
  return { ...call, name: textOf(name), input: inputOf(json, `${path}.function.arguments`, place) };
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** By which call a result asks. */
export const resultKey = ({ role, name, tool_call_id: id }: ChatMessage): string =>
  role === 'function' ? legacyKey(textOf(name)) : textOf(id);

const legacyKey = (name: string): string => `function:${name}`;

/** Native dialects take an object alone: anything else a model wrote is put into one, and that is told. */
function inputOf(json: unknown, path: string, { report, deepest }: Place): Json {
  const text = typeof json === 'string' ? json : JSON.stringify(json ?? '');
  if (text.trim() === '' || text === '""') return {};
  const input = parsedJson(text);
  if (isObject(input) && isShallow(input, deepest)) return input;
  report.adapt(path, '{"_raw": …}', 'arguments are an object');
  return { _raw: text };
}
