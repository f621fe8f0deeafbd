import type { ChatMessage } from '../../domain/chat.js';
import { pathsOf, ParamReport } from '../../domain/param-change.js';
import { earlierCalls, resultKey } from './earlier-calls.js';

function callsIn(fields: object) {
  const report = new ParamReport();
  const message = { role: 'assistant', ...fields } as ChatMessage;
  const calls = earlierCalls(message, { path: 'messages[1]', report, deepest: 3 });
  return {
    told: calls.map(({ key, name, input, path }) => [key, name, input, path]),
    adapted: pathsOf(report.changes, 'adapted'),
  };
}

const call = (id: string, args: unknown) => ({ id, type: 'function', function: { name: 'f', arguments: args } });
const deep = '{"a":{"b":{"c":{"d":1}}}}';

it.each<[unknown, object, boolean]>([
  ['{"a":1}', { a: 1 }, false],
  [{ a: 1 }, { a: 1 }, false],
  ['', {}, false],
  [' \n', {}, false],
  [undefined, {}, false],
  [null, {}, false],
  ['[1]', { _raw: '[1]' }, true],
  ['{"a":', { _raw: '{"a":' }, true],
  [7, { _raw: '7' }, true],
  [deep, { _raw: deep }, true],
])('the arguments %j are an object: %j', (given, input, isAdapted) => {
  const { told, adapted } = callsIn({ tool_calls: [call('a', given)] });
  expect(told).toEqual([['a', 'f', input, 'messages[1].tool_calls[0]']]);
  expect(adapted).toEqual(isAdapted ? ['messages[1].tool_calls[0].function.arguments'] : []);
});

it('reads the legacy form, and takes one call in both forms for one', () => {
  const legacy = { name: 'f', arguments: '{"b":1}' };
  const told = ['function:f', 'f', { b: 1 }, 'messages[1].function_call'];
  const other = ['a', 'f', {}, 'messages[1].tool_calls[0]'];
  expect(callsIn({ function_call: legacy }).told).toEqual([told]);
  expect(callsIn({ function_call: legacy, tool_calls: [call('a', '')] }).told).toEqual([told, other]);
  expect(callsIn({ function_call: legacy, tool_calls: [call('a', '{"b":1}')] }).told).toHaveLength(1);
  expect(callsIn({ function_call: { name: 'f', arguments: '7' } }).adapted).toEqual([
    'messages[1].function_call.arguments',
  ]);
});

it('reads calls of custom tools, and throws at nothing', () => {
  expect(callsIn({ tool_calls: [{ id: 'a', type: 'custom', custom: { name: 'f', input: 'x' } }] }).told).toEqual([
    ['a', 'f', { input: 'x' }, 'messages[1].tool_calls[0]'],
  ]);
  expect(callsIn({ tool_calls: [null, { id: 7, function: 'f' }], function_call: { name: 7 } }).told).toEqual([
    ['', '', {}, 'messages[1].tool_calls[0]'],
    ['', '', {}, 'messages[1].tool_calls[1]'],
  ]);
  expect(callsIn({ tool_calls: {}, function_call: 'f' }).told).toEqual([]);
});

it('finds the call of a result', () => {
  const keys = [
    { role: 'tool', tool_call_id: 'a' },
    { role: 'function', name: 'f' },
    { role: 'tool' },
    { role: 'function', name: null },
  ];
  expect(keys.map((message) => resultKey(message as ChatMessage))).toEqual(['a', 'function:f', '', 'function:']);
});
