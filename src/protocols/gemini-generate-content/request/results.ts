import type { ChatMessage } from '../../../domain/chat.js';
import { isObject, isShallow, parsedJson, type Json } from '../../json.js';
import type { Part } from '../wire.js';
import { partsOf } from './parts.js';
import type { Scope } from './scope.js';

/** A call of the history, as it is sent and as its result finds it. */
export interface SentCall {
  /** The client's id. */
  readonly id: string;
  readonly name: string;
  /** Google's id, where it is sent. */
  readonly sentId: string | undefined;
}

/** A message and where it stands. */
export interface Placed {
  readonly message: ChatMessage;
  readonly index: number;
}

/**
 * The results of one turn's calls as parts: one each, in the order of the calls, whatever the client sent (Gemini
 * reference §2.2 rules 4–6). Media that a result cannot hold stands behind the results.
 */
export function resultParts(calls: readonly SentCall[], answers: readonly Placed[], scope: Scope): readonly Part[] {
  const waiting = new Map<string, number[]>();
  for (let at = calls.length - 1; at >= 0; at -= 1) addTo(waiting, keysOf(calls[at]), at);
  const results = new Map<number, readonly Part[]>();
  for (const answer of answers) {
    const at = takeFirst(waiting.get(keyOf(answer.message)), results);
    const call = at === undefined ? undefined : calls[at];
    if (at === undefined || call === undefined) dropOrphan(answer, scope);
    else results.set(at, resultOf(call, answer, scope));
  }
  const given = calls.map((call, at) => results.get(at) ?? [missing(call)]);
  return [...given.flatMap(([result]) => result ?? []), ...given.flatMap(([, ...media]) => media)];
}

const keyOf = ({ role, tool_call_id: id, name = '' }: ChatMessage): string =>
  role === 'function' ? `name ${name}` : `id ${id ?? ''}`;

/** The old `function` messages say only whose result they are. */
const keysOf = (call: SentCall | undefined): readonly string[] =>
  call === undefined ? [] : [`id ${call.id}`, `name ${call.name}`];

function addTo(waiting: Map<string, number[]>, keys: readonly string[], at: number): void {
  for (const key of keys) {
    const places = waiting.get(key);
    if (places === undefined) waiting.set(key, [at]);
    else places.push(at);
  }
}

function takeFirst(places: number[] | undefined, taken: ReadonlyMap<number, unknown>): number | undefined {
  for (let at = places?.pop(); at !== undefined; at = places?.pop()) if (!taken.has(at)) return at;
  return undefined;
}

/** A result without a call in the turn before it would be refused, and has nothing to say. */
export function dropOrphan({ index }: Placed, { report }: Scope): void {
  report.drop(`messages[${index}]`, 'It answers no tool call of the turn before it.');
}

const missing = (call: SentCall): Part => responsePart(call, { error: 'The result of this call is missing.' });

const responsePart = ({ name, sentId }: SentCall, response: Json, parts: readonly Part[] = []): Part => ({
  functionResponse: {
    ...(sentId !== undefined && { id: sentId }),
    name,
    response,
    ...(parts.length > 0 && { parts }),
  },
});

function resultOf(call: SentCall, { message, index }: Placed, scope: Scope): readonly Part[] {
  // A part of a result has no place for how closely to look at it.
  const inside = { ...scope, facts: { ...scope.facts, mediaResolution: false } };
  const parts = partsOf(message.content, `messages[${index}].content`, scope.facts.mediaInResults ? inside : scope);
  const text = parts.map((part) => part.text ?? '').join('');
  const media = parts.filter((part) => part.text === undefined);
  const response = message['is_error'] === true ? { error: text } : responseIn(text);
  if (scope.facts.mediaInResults) return [responsePart(call, response, media)];
  return [responsePart(call, response), ...media];
}

/** A JSON object as it is; any other text as the `output` of one. */
function responseIn(text: string): Json {
  const value = /^\s*\{/.test(text) ? parsedJson(text) : undefined;
  // Google's numbers are doubles, a `$ref` is its own mark for files, and it takes only so much depth.
  const fits = isObject(value) && !/\d{16}/.test(text) && isShallow(value, DEEPEST) && !mentionsRef(value);
  return fits ? value : { output: text };
}

const mentionsRef = (value: Json): boolean => JSON.stringify(value).includes('"$ref"');

/** Objects in objects that Google is sure to take. */
export const DEEPEST = 64;
