import type { AssistantMessage, ChatChoice, Delta, ToolCall } from '../../../domain/chat.js';
import { isObject, type Json } from '../../json.js';
import type { Piece } from '../../stream-reducer.js';

/** A choice as it grows. */
interface Growing {
  content: string[];
  reasoning: string[];
  refusal: string | null;
  readonly calls: { id: string; name: string; arguments: string[] }[];
  readonly details: Json[];
  readonly annotations: Json[];
  readonly citations: Json[];
}

/** The one choice that the pieces of an answer add up to. */
export function foldedChoice(pieces: readonly Piece[]): ChatChoice {
  const growing: Growing = {
    content: [],
    reasoning: [],
    refusal: null,
    calls: [],
    details: [],
    annotations: [],
    citations: [],
  };
  for (const { delta } of pieces) grow(growing, delta);
  const { finish = 'stop', native, beside } = pieces.at(-1) ?? {};
  return {
    index: 0,
    message: messageOf(growing),
    finish_reason: finish,
    logprobs: null,
    ...(native !== undefined && native !== finish && { native_finish_reason: native }),
    ...beside,
  };
}

function grow(growing: Growing, delta: Delta): void {
  if (typeof delta.content === 'string') growing.content.push(delta.content);
  if (delta.reasoning_content !== undefined) growing.reasoning.push(delta.reasoning_content);
  if (typeof delta.refusal === 'string') growing.refusal = delta.refusal;
  for (const { index, id, function: part } of delta.tool_calls ?? []) {
    const call = (growing.calls[index] ??= { id: '', name: '', arguments: [] });
    if (id !== undefined) call.id = id;
    if (part?.name !== undefined) call.name = part.name;
    if (part?.arguments !== undefined) call.arguments.push(part.arguments);
  }
  for (const detail of listed(delta['reasoning_details'])) joinDetail(growing.details, detail);
  addAll(growing.annotations, delta['annotations']);
  addAll(growing.citations, delta['citations']);
}

function addAll(known: Json[], more: unknown): void {
  for (const one of listed(more)) known.push(withoutIndex(one));
}

/** The parts of one detail share its index. */
function joinDetail(details: Json[], detail: Json): void {
  const last = details.at(-1);
  if (last?.['index'] === detail['index']) details[details.length - 1] = { ...last, ...detail };
  else details.push(detail);
}

const listed = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.filter(isObject) : []);

const withoutIndex = ({ index: _index, ...rest }: Json): Json => rest;

function messageOf(growing: Growing): AssistantMessage {
  const { content, reasoning, refusal, calls, details, annotations, citations } = growing;
  const text = content.join('');
  const saysNothing = text === '' && (calls.length > 0 || refusal !== null);
  return {
    role: 'assistant',
    content: saysNothing ? null : text,
    refusal,
    ...(reasoning.length > 0 && { reasoning_content: reasoning.join('') }),
    ...(details.length > 0 && { reasoning_details: details }),
    ...(calls.length > 0 && { tool_calls: calls.map(toolCall) }),
    ...(annotations.length > 0 && { annotations }),
    ...(citations.length > 0 && { citations }),
  };
}

const toolCall = (call: Growing['calls'][number]): ToolCall => ({
  id: call.id,
  type: 'function',
  function: { name: call.name, arguments: call.arguments.join('') },
});
