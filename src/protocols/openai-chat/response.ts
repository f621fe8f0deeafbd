import type { AssistantMessage, ChatChoice, ChatCompletion, ToolCall } from '../../domain/chat.js';
import { UpstreamError } from '../../domain/errors.js';
import { keepBytes } from '../../domain/wire-bytes.js';
import { checkedCompletion } from '../json-answer/checked-completion.js';
import type { AnswerFacts } from '../protocol.js';
import { reportedFailure } from './failure.js';
import { finishReason } from './finish-reason.js';
import { rightLogprobs } from './logprobs.js';
import { argumentText, reasoningInDetails, said, toolCallId } from './message.js';
import { splitThinking } from './think-tags.js';
import { usageFrom } from './usage.js';
import { isObject, type Json } from '../json.js';
import { answerIn, objectsIn, type WireAnswer, type WireChoice, type WireMessage } from './wire.js';

/**
 * A provider's completion, put right where it deviates from the contract (OpenAI wire §2.1–2.4).
 * One that needs nothing is passed on as the bytes it came in. Throws UpstreamError for an error inside a 200.
 */
export function chatCompletion(bytes: Buffer, answer: AnswerFacts, thinkTags: boolean): ChatCompletion {
  return checkedCompletion(rightCompletion(bytes, answer, thinkTags), answer.asked);
}

function rightCompletion(bytes: Buffer, answer: AnswerFacts, thinkTags: boolean): ChatCompletion {
  const body = bytes.indexOf(BYTE_ORDER_MARK) === 0 ? bytes.subarray(BYTE_ORDER_MARK.length) : bytes;
  const wire = parse(body);
  const failure = reportedFailure(wire);
  if (failure !== undefined) throw failure;
  if (!Array.isArray(wire.choices) || wire.choices.length === 0)
    throw new UpstreamError('The provider answered without a choice.', { code: 'invalid_upstream_answer' });
  const envelope = rightEnvelope(wire, answer);
  const id = envelope.id;
  const choices = objectsIn(wire.choices as WireChoice[]).map((choice, index) =>
    rightChoice(choice, { id, index, thinkTags }),
  );
  const usage = usageOf(wire);
  const unchanged =
    envelope.right &&
    usage === wire.usage &&
    choices.every((choice, index) => choice === (wire.choices as unknown[])[index]);
  if (unchanged) {
    keepBytes(wire, body);
    return wire as unknown as ChatCompletion;
  }
  const {
    id: _id,
    object: _object,
    created: _created,
    model: _model,
    usage: _usage,
    choices: _choices,
    ...rest
  } = wire;
  const { right: _right, ...head } = envelope;
  return { ...head, object: 'chat.completion', choices, ...(usage && { usage }), ...rest };
}

const BYTE_ORDER_MARK = Buffer.from('\ufeff');

function parse(body: Buffer): WireAnswer {
  try {
    const wire = answerIn(JSON.parse(body.toString('utf8')));
    if (wire !== undefined) return wire;
  } catch (cause) {
    throw new UpstreamError('The provider answered with something that is not JSON.', {
      code: 'invalid_upstream_answer',
      cause,
    });
  }
  throw new UpstreamError('The provider answered with something that is not a completion.', {
    code: 'invalid_upstream_answer',
  });
}

interface Envelope {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  /** The wire said all of it just so. */
  readonly right: boolean;
}

/** `id`, `created` and `model` as the contract wants them; what the provider left out comes from `answer`. */
function rightEnvelope(wire: WireAnswer, answer: AnswerFacts): Envelope {
  const id = typeof wire.id === 'string' && wire.id !== '' ? wire.id : answer.id;
  const created = typeof wire.created === 'number' && wire.created > 0 ? Math.floor(wire.created) : answer.created;
  const model = typeof wire.model === 'string' && wire.model !== '' ? wire.model : answer.model;
  const right = id === wire.id && created === wire.created && model === wire.model && wire.object === 'chat.completion';
  return { id, created, model, right };
}

/** Usage wherever this provider puts it. */
export function usageOf(wire: WireAnswer) {
  const choice = Array.isArray(wire.choices) ? (wire.choices[0] as WireChoice | undefined) : undefined;
  return usageFrom(wire.usage) ?? usageFrom(wire.x_groq?.usage) ?? usageFrom(choice?.usage);
}

interface Place {
  readonly id: string;
  readonly index: number;
  readonly thinkTags: boolean;
}

/** The choice itself where it is right, else a corrected copy. */
function rightChoice(wire: WireChoice, place: Place): ChatChoice {
  if (wire.error !== undefined && wire.error !== null)
    throw reportedFailure(wire) ?? new UpstreamError('The provider failed.');
  const message = rightMessage(wire.message ?? {}, place);
  const native = typeof wire.finish_reason === 'string' ? wire.finish_reason : '';
  const reason = finishReason(native, message.tool_calls !== undefined);
  const logprobs = rightLogprobs(wire.logprobs) ?? null;
  const right =
    message === (wire.message as unknown) &&
    reason === native &&
    wire.index === place.index &&
    wire.logprobs === logprobs;
  if (right) return wire as unknown as ChatChoice;
  const {
    index: _index,
    message: _message,
    finish_reason: _reason,
    logprobs: _logprobs,
    usage: _usage,
    ...rest
  } = wire;
  return {
    index: place.index,
    message,
    finish_reason: reason,
    logprobs,
    ...(native !== '' &&
      native !== reason &&
      rest['native_finish_reason'] === undefined && { native_finish_reason: native }),
    ...rest,
  };
}

function rightMessage(wire: WireMessage, place: Place): AssistantMessage {
  const calls = rightToolCalls(wire.tool_calls, place);
  const refusal = typeof wire.refusal === 'string' ? wire.refusal : null;
  const right = { role: 'assistant' as const, ...spokenIn(wire, place.thinkTags), refusal, tool_calls: calls };
  const { reasoning_content: reasoning } = right;
  const unchanged =
    wire.reasoning === undefined && Object.entries(right).every(([field, value]) => wire[field] === value);
  if (unchanged) return wire as unknown as AssistantMessage;
  const { role: _r, content: _c, refusal: _f, reasoning: _n, reasoning_content: _rc, tool_calls: _t, ...rest } = wire;
  return {
    role: right.role,
    content: right.content,
    refusal,
    ...(reasoning !== undefined && { reasoning_content: reasoning }),
    ...(calls !== undefined && { tool_calls: calls }),
    ...rest,
  };
}

interface Spoken {
  readonly content: string | null;
  readonly reasoning_content: string | undefined;
}

function spokenIn(wire: WireMessage, thinkTags: boolean): Spoken {
  const { content = null, reasoning } = said(wire);
  const split = thinkTags && reasoning === undefined ? splitThinking(content ?? '') : undefined;
  if (split !== undefined) return { content: split.text, reasoning_content: split.thinking };
  return { content, reasoning_content: reasoning ?? reasoningInDetails(wire['reasoning_details']) };
}

/** The calls themselves where they are right; undefined for none, as the contract has no empty list. */
function rightToolCalls(
  given: WireMessage['tool_calls'],
  { id, index: choice }: Place,
): readonly ToolCall[] | undefined {
  const wire = objectsIn(given);
  if (wire.length === 0) return undefined;
  const used = new Set<string>();
  const calls = wire.map((call, index): ToolCall => {
    const fallback = `${id}:${choice}:${index}`;
    const wanted = toolCallId(call.id, fallback);
    const callId = used.has(wanted) ? toolCallId(undefined, fallback) : wanted;
    used.add(callId);
    return rightToolCall(call, callId);
  });
  return calls.every((call, index) => call === (wire[index] as unknown)) ? (wire as unknown as ToolCall[]) : calls;
}

function rightToolCall(call: Json, id: string): ToolCall {
  const { custom, function: fn } = call;
  if (isObject(custom))
    return call['id'] === id && call['type'] === 'custom'
      ? (call as unknown as ToolCall)
      : ({ ...call, id, type: 'custom' } as unknown as ToolCall);
  const { name, arguments: given } = isObject(fn) ? fn : { name: '', arguments: '' };
  const text = argumentText(given) || '{}';
  if (call['id'] === id && call['type'] === 'function' && given === text) return call as unknown as ToolCall;
  return { ...call, id, type: 'function', function: { name: String(name), arguments: text } };
}
