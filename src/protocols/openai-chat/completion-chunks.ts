import type { ChatCompletion, ChatCompletionChunk, Delta } from '../../domain/chat.js';

/** A whole completion told as a stream: for servers that answer so although a stream was asked for. */
export function completionChunks(completion: ChatCompletion): readonly ChatCompletionChunk[] {
  const { choices, usage, object: _object, ...rest } = completion;
  const chunk = (part: ChatCompletionChunk['choices'], told?: ChatCompletion['usage']): ChatCompletionChunk => ({
    ...rest,
    object: 'chat.completion.chunk',
    choices: part,
    ...(told && { usage: told }),
  });
  const spoken = choices.flatMap(({ index, message, finish_reason: reason, logprobs }) => {
    const { tool_calls: calls, ...said } = message;
    const delta: Delta = { ...said, ...(calls && { tool_calls: calls.map((call, at) => ({ ...call, index: at })) }) };
    return [
      chunk([{ index, delta, finish_reason: null, logprobs }]),
      chunk([{ index, delta: {}, finish_reason: reason, logprobs: null }]),
    ];
  });
  return usage === undefined ? spoken : [...spoken, chunk([], usage)];
}
