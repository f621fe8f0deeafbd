import type { ChatCompletion } from '../domain/chat.js';
import { legacyCompletion, legacyPiece } from './legacy-functions.js';

const call = (name: string) => ({ id: `id-${name}`, type: 'function' as const, function: { name, arguments: '{}' } });
const answer = (message: object, finish_reason: string) =>
  ({
    id: 'c',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: null, refusal: null, ...message },
        finish_reason,
        logprobs: null,
      },
    ],
  }) as unknown as ChatCompletion;

describe('answers for clients that send functions', () => {
  it.each([
    ['a call', { tool_calls: [call('a')] }, 'tool_calls', { function_call: call('a').function }, 'function_call'],
    [
      'two calls',
      { tool_calls: [call('a'), call('b')] },
      'tool_calls',
      { function_call: call('a').function, tool_calls: [call('b')] },
      'function_call',
    ],
    ['text', { content: 'Hi' }, 'stop', { content: 'Hi' }, 'stop'],
  ])('%s', (_, message, reason, told, toldReason) => {
    expect(legacyCompletion(answer(message, reason))).toEqual(answer(told, toldReason));
  });

  it.each([
    [{ tool_calls: [{ index: 0, ...call('a') }] }, { function_call: call('a').function }],
    [{ tool_calls: [{ index: 0, function: { arguments: '{"x"' } }] }, { function_call: { arguments: '{"x"' } }],
    [{ tool_calls: [{ index: 1, ...call('b') }] }, { tool_calls: [{ index: 1, ...call('b') }] }],
    [{ content: 'Hi' }, { content: 'Hi' }],
  ])('in a stream: %j', (delta, told) => {
    expect(legacyPiece({ index: 0, delta })).toEqual({ index: 0, delta: told });
  });

  it('ends a stream with the word they wait for', () => {
    expect(legacyPiece({ index: 0, delta: {}, finish: 'tool_calls' })).toMatchObject({ finish: 'function_call' });
    expect(legacyPiece({ index: 0, delta: {}, finish: 'stop' })).toMatchObject({ finish: 'stop' });
  });
});
