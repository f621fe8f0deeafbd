import type { ChatCompletion, ToolCall } from '../../domain/chat.js';
import type { TurnState } from '../../domain/turn-state.js';
import { parsedJson } from '../json.js';
import type { TargetModel } from '../protocol.js';
import type { EarlierCall } from '../request/earlier-calls.js';
import { objectOf, objectsOf, textOf } from './wire.js';

/** The format of what is kept, and of what `reasoning_details` carry (Gemini reference §3.3). */
export const GEMINI_STATE = 'google-gemini-v1';

/** Google's own word for "there was a signature once": the last resort for calls that have lost theirs. */
export const NO_SIGNATURE = 'skip_thought_signature_validator';

/** What Google wants back with a call of its own. */
export interface CallState {
  readonly signature?: string | undefined;
  /** The id that Google itself gave the call. */
  readonly id?: string | undefined;
}

/** What is known of a call in the history: from the client where it sent it, else from what was kept. */
export function stateOfCall(call: EarlierCall, details: unknown, { turns, withoutState }: TargetModel): CallState {
  const told = googleContent(call.own);
  const kept = keptState(call.id, turns);
  const id = textOf(told['function_call_id']) ?? kept.id;
  if (withoutState) return { id };
  return { id, signature: textOf(told['thought_signature']) ?? kept.signature ?? encrypted(details, call.id) };
}

/** The signature of a message's text, wherever the client sends it back. */
export function textSignature(message: Readonly<Record<string, unknown>>): string | undefined {
  return textOf(googleContent(message)['thought_signature']) ?? encrypted(message['reasoning_details'], undefined);
}

/** Google's compatibility layer puts what only Google understands here, on messages and on calls. */
export const googleContent = (holder: Readonly<Record<string, unknown>>) =>
  objectOf(objectOf(holder['extra_content'])['google']);

/** An entry of `reasoning_details` that says which call it belongs to is that call's, any other the text's. */
function encrypted(details: unknown, callId: string | undefined): string | undefined {
  const entry = objectsOf(details).find(
    ({ type, format, id }) => type === 'reasoning.encrypted' && format === GEMINI_STATE && (id ?? undefined) === callId,
  );
  return textOf(entry?.['data']);
}

function keptState(callId: string, turns: TargetModel['turns']): CallState {
  const state = turns.get(callId);
  if (state?.format !== GEMINI_STATE) return {};
  const { signature, id } = objectOf(parsedJson(state.value));
  return { signature: textOf(signature), id: textOf(id) };
}

/** What of an answer's calls must be kept for the next turn. */
export function statesOf({ choices }: ChatCompletion): readonly TurnState[] {
  return choices.flatMap(({ message }) => (message.tool_calls ?? []).flatMap((call) => stateToKeep(call) ?? []));
}

/** Undefined where Google gave the call neither a signature nor an id. */
export function stateToKeep(call: Pick<ToolCall, 'id'> & Readonly<Record<string, unknown>>): TurnState | undefined {
  const { thought_signature: signature, function_call_id: given } = googleContent(call);
  const id = given ?? (isOurs(call.id) ? undefined : call.id);
  if (signature === undefined && id === undefined) return undefined;
  return { toolCallId: call.id, format: GEMINI_STATE, value: JSON.stringify({ signature, id }) };
}

/** Ids that the gateway makes where the provider gave none have this form. */
const isOurs = (id: string): boolean => /^call_[0-9a-f]{24}$/.test(id);
