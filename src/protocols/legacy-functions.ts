import type { AssistantMessage, ChatCompletion, Delta, FinishReason } from '../domain/chat.js';
import type { Piece } from './stream-reducer.js';

/**
 * For clients that still send `functions` (OpenAI wire §1): what a dialect tells as tool calls, told as they know it.
 * They know of one call only; where a model makes more, the others stay among the tool calls.
 */
export function legacyCompletion(completion: ChatCompletion): ChatCompletion {
  const choices = completion.choices.map(({ message, finish_reason: reason, ...choice }) => ({
    ...choice,
    message: legacyMessage(message),
    finish_reason: legacyReason(reason),
  }));
  return { ...completion, choices };
}

function legacyMessage(message: AssistantMessage): AssistantMessage {
  const { tool_calls: calls = [], ...rest } = message;
  const [first, ...others] = calls;
  if (first?.function === undefined) return message;
  return { ...rest, function_call: first.function, ...(others.length > 0 && { tool_calls: others }) };
}

/** The same of one piece of a stream. */
export function legacyPiece(piece: Piece): Piece {
  const { delta, finish } = piece;
  const told = delta.tool_calls === undefined ? delta : legacyDelta(delta);
  if (told === delta && finish !== 'tool_calls') return piece;
  return { ...piece, delta: told, ...(finish !== undefined && { finish: legacyReason(finish) }) };
}

function legacyDelta(delta: Delta): Delta {
  const { tool_calls: calls = [], ...rest } = delta;
  const first = calls.find(({ index }) => index === 0);
  const others = calls.filter((call) => call !== first);
  return {
    ...rest,
    ...(first?.function && { function_call: first.function }),
    ...(others.length > 0 && { tool_calls: others }),
  };
}

const legacyReason = (reason: FinishReason): FinishReason => (reason === 'tool_calls' ? 'function_call' : reason);
