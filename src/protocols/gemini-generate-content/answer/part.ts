import type { Delta, ToolCallDelta } from '../../../domain/chat.js';
import { UpstreamError } from '../../../domain/errors.js';
import { MAX_TOOL_CALL_ID, shortToolCallId } from '../../../domain/ids.js';
import { isObject, isShallow, parsedJson, type Json } from '../../json.js';
import type { AnswerFacts } from '../../protocol.js';
import { GEMINI_STATE } from '../turn-state.js';
import { objectOf, textOf } from '../wire.js';

/** What one answer has said so far. */
export interface Said {
  /** All of its text: sources count in it. */
  readonly text: string;
  /** Text that waits, as the answer itself may come as a call. */
  readonly held: string;
  readonly calls: readonly ToolCallDelta[];
  /** The answer came as a call of the tool that stands for it. */
  readonly answered: boolean;
  readonly saidSomething: boolean;
}

export const BLANK: Said = { text: '', held: '', calls: [], answered: false, saidSomething: false };

interface PartStep {
  readonly said: Said;
  readonly delta: Delta | undefined;
}

interface Place {
  readonly answer: AnswerFacts;
  readonly choice: number;
}

/** What one part says to the client (Gemini reference §3.1). */
export function partDelta(said: Said, part: Json, place: Place): PartStep {
  if (hasText(part)) return textDelta(said, part, place);
  const signature = textOf(part['thoughtSignature']);
  if (isObject(part['functionCall'])) return callDelta(said, part['functionCall'], { ...place, signature });
  if (isObject(part['inlineData'])) return mediaDelta(said, part['inlineData'], { ...place, signature });
  const rest = Object.keys(part).filter((key) => key !== 'thoughtSignature' && key !== 'thought');
  if (rest.length > 0 && isShallow(part, DEEPEST)) return { said, delta: { google_parts: [part] } };
  return { said, delta: signature === undefined ? undefined : signatureDelta(signature) };
}

/** What Google's own tools did, and what may come after this was written, is handed on as it is. */
const DEEPEST = 32;

const hasText = (part: Json): part is Json & { readonly text: string } => typeof part['text'] === 'string';

function textDelta(said: Said, part: Json & { readonly text: string }, { answer }: Place): PartStep {
  const { text, thought } = part;
  const signature = textOf(part['thoughtSignature']);
  if (thought === true) return { said, delta: thoughtDelta(text, signature) };
  const isWaiting = answer.asked.jsonTool !== undefined;
  const after = text === '' ? said : withText(said, text, isWaiting);
  if (signature === undefined) return { said: after, delta: isWaiting || text === '' ? undefined : { content: text } };
  const state = signatureDelta(signature);
  return { said: after, delta: isWaiting || text === '' ? state : { content: text, ...state } };
}

/** Written out, as nearly all that comes is text, and a spread costs as much as the rest. */
export const withText = ({ text: before, held, calls, answered }: Said, text: string, isWaiting: boolean): Said => ({
  text: before + text,
  held: isWaiting ? held + text : held,
  calls,
  answered,
  saidSomething: true,
});

/** A signature of thoughts is none of the text's, so it is kept where nobody takes it for that. */
function thoughtDelta(text: string, signature: string | undefined): Delta | undefined {
  if (signature === undefined) return text === '' ? undefined : { reasoning_content: text };
  const detail = { type: 'reasoning.text', text, signature, format: GEMINI_STATE };
  return { ...(text !== '' && { reasoning_content: text }), reasoning_details: [detail] };
}

const encrypted = (signature: string) => ({ type: 'reasoning.encrypted', data: signature, format: GEMINI_STATE });

/** Where Google's own compatibility layer puts a text's signature, and where OpenRouter does. */
const signatureDelta = (signature: string): Delta => ({
  extra_content: { google: { thought_signature: signature } },
  reasoning_details: [encrypted(signature)],
});

type SignedPlace = Place & { readonly signature: string | undefined };

function callDelta(said: Said, call: Json, { answer, choice, signature }: SignedPlace): PartStep {
  const { jsonTool, toolNames } = answer.asked;
  const sent = textOf(call['name']) ?? '';
  const args = argumentText(call['args']);
  if (jsonTool !== undefined && sent === jsonTool) {
    if (said.answered) return { said, delta: undefined };
    return { said: { ...said, answered: true, saidSomething: true }, delta: { content: args } };
  }
  const index = said.calls.length;
  if (index >= MOST_CALLS)
    throw new UpstreamError('The provider sent too many tool calls.', { code: 'invalid_upstream_answer' });
  const given = textOf(call['id']);
  const usable = given !== undefined && isUsable(given, said.calls);
  const google = {
    ...(signature !== undefined && { thought_signature: signature }),
    ...(given !== undefined && !usable && { function_call_id: given }),
  };
  const delta: ToolCallDelta = {
    index,
    id: usable ? given : shortToolCallId(`${answer.id}:${choice}:${index}`),
    type: 'function',
    function: { name: toolNames?.get(sent) ?? sent, arguments: args },
    ...(Object.keys(google).length > 0 && { extra_content: { google } }),
  };
  return { said: { ...said, calls: [...said.calls, delta], saidSomething: true }, delta: { tool_calls: [delta] } };
}

const isUsable = (id: string, calls: Said['calls']): boolean =>
  id.length <= MAX_TOOL_CALL_ID && !calls.some((call) => call.id === id);

/** Far more than any model makes; each is compared with those before it. */
const MOST_CALLS = 2000;

/** A function without parameters is called with none (Gemini reference §8, 23). */
function argumentText(args: unknown): string {
  if (args == null || !isShallow(args, DEEPEST_ARGUMENTS)) return '{}';
  // What comes as text is an object already written, else some value of its own.
  return typeof args === 'string' && isObject(parsedJson(args)) ? args : JSON.stringify(args);
}

const DEEPEST_ARGUMENTS = 500;

function mediaDelta(said: Said, media: Json, { answer, choice, signature }: SignedPlace): PartStep {
  const data = textOf(media['data']);
  const type = textOf(media['mimeType']) ?? 'application/octet-stream';
  if (data === undefined) return { said, delta: undefined };
  const after = { ...said, saidSomething: true };
  const state = signature === undefined ? {} : { extra_content: { google: { thought_signature: signature } } };
  if (type.startsWith('audio/')) {
    const audio = { id: `audio_${answer.id}_${choice}`, data, transcript: '', expires_at: answer.created + SPOKEN_FOR };
    return { said: after, delta: { audio } };
  }
  const image = { type: 'image_url', image_url: { url: `data:${type};base64,${data}` }, ...objectOf(state) };
  return { said: after, delta: { images: [image] } };
}

/** The provider keeps no audio; clients only know that it ends. Seconds. */
const SPOKEN_FOR = 3600;
