import type { AssistantMessage, ChatCompletion, ToolCall } from '../../../domain/chat.js';
import { shortToolCallId } from '../../../domain/ids.js';
import type { AnswerHead } from '../../../protocols/protocol.js';
import { logprobsOf } from './logprobs.js';
import type { Reply, ReplyCall, ReplyChoice } from './reply.js';

/** Members that stand on the completion and on every chunk of a stream alike. */
export const COMMON = { service_tier: 'default', system_fingerprint: 'fp_simulator' } as const;

/** The reply as one object. */
export function completionOf(reply: Reply, facts: AnswerHead): ChatCompletion {
  return {
    id: facts.id,
    object: 'chat.completion',
    created: facts.created,
    model: facts.model,
    choices: reply.choices.map((choice, index) => ({
      index,
      message: messageOf(choice, (call) => callId(facts, index, call)),
      logprobs: reply.topLogprobs === undefined ? null : logprobsOf(choice.content, reply.topLogprobs),
      finish_reason: choice.finishReason,
    })),
    usage: reply.usage,
    ...COMMON,
  };
}

/** The id of a call, the same in both forms of the answer. */
export function callId({ id }: AnswerHead, choice: number, call: number): string {
  return shortToolCallId(`${id}/${String(choice)}/${String(call)}`);
}

function messageOf({ content, calls }: ReplyChoice, idOf: (call: number) => string): AssistantMessage {
  const message = { role: 'assistant', content: content?.join('') ?? null, refusal: null, annotations: [] } as const;
  const [first] = calls;
  if (first === undefined) return message;
  if (first.kind === 'legacy')
    return { ...message, function_call: { name: first.name, arguments: first.input.join('') } };
  return { ...message, tool_calls: calls.map((call, index) => toolCall(call, idOf(index))) };
}

function toolCall({ kind, name, input }: ReplyCall, id: string): ToolCall {
  const text = input.join('');
  return kind === 'custom'
    ? { id, type: 'custom', custom: { name, input: text } }
    : { id, type: 'function', function: { name, arguments: text } };
}
