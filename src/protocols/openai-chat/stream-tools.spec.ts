import { stepToolCalls, type ToolState } from './stream-tools.js';
import type { WireToolCall } from './wire.js';

interface Folded {
  readonly id: unknown;
  readonly name: unknown;
  readonly arguments: string;
}

/** The calls as a client puts them together from what is sent for these lists of fragments, one list a chunk. */
function calls(lists: readonly (readonly WireToolCall[])[]): readonly Folded[] {
  let state: readonly ToolState[] = [];
  const folded: Folded[] = [];
  for (const list of lists) {
    const step = stepToolCalls(state, list, 'seed');
    state = step.state;
    for (const { index, id, type, function: fn } of step.deltas) {
      const call = folded[index];
      if (call === undefined) {
        expect([index, type, typeof id, typeof fn?.name]).toEqual([folded.length, 'function', 'string', 'string']);
        folded.push({ id, name: fn?.name, arguments: fn?.arguments ?? '' });
      } else {
        expect([id, type, fn?.name]).toEqual([undefined, undefined, undefined]);
        folded[index] = { ...call, arguments: call.arguments + (fn?.arguments ?? '') };
      }
    }
  }
  return folded;
}

const call = (name: string, text: string, id: unknown = expect.stringMatching(/^call_[0-9a-f]{24}$/)): Folded => ({
  id,
  name,
  arguments: text,
});
/** A fragment that opens a call, and one that goes on with it. */
const open = (id: string | null, name: string, args: unknown = '', more: object = {}): WireToolCall => ({
  id,
  type: 'function',
  function: { name, arguments: args },
  ...more,
});
const more = (args: unknown, at: object = {}): WireToolCall => ({ function: { arguments: args }, ...at });
const at = (index: number) => ({ index });

const TABLE: readonly (readonly [string, readonly (readonly WireToolCall[])[], readonly Folded[]])[] = [
  [
    'as OpenAI',
    [[open('a', 'f', '', at(0))], [more('{"x"', at(0))], [more(':1}', at(0))]],
    [call('f', '{"x":1}', 'a')],
  ],
  [
    'two at once',
    [[open('a', 'f', '{}', at(0)), open('b', 'g', '{}', at(1))]],
    [call('f', '{}', 'a'), call('g', '{}', 'b')],
  ],
  [
    'indexes from 1',
    [[open('a', 'f', '', at(1))], [more('{}', at(1))], [open('b', 'g', '{}', at(2))]],
    [call('f', '{}', 'a'), call('g', '{}', 'b')],
  ],
  [
    'indexes with gaps',
    [[open('a', 'f', '{}', at(0))], [open('b', 'g', '{}', at(5))]],
    [call('f', '{}', 'a'), call('g', '{}', 'b')],
  ],
  [
    'no index, by id',
    [[open('a', 'f')], [open('b', 'g')], [more('{}', { id: 'b' })], [more('[]', { id: 'a' })]],
    [call('f', '[]', 'a'), call('g', '{}', 'b')],
  ],
  [
    'no index, no later id',
    [[open('a', 'f')], [more('{')], [more('}')], [open('b', 'g', '{}')]],
    [call('f', '{}', 'a'), call('g', '{}', 'b')],
  ],
  [
    'an index that is null',
    [[open('a', 'f', '', { index: null })], [more('{}', { index: null, id: null })]],
    [call('f', '{}', 'a')],
  ],
  [
    'no index, no ids at all',
    [[open(null, 'f', '{}'), open(null, 'g', '{}')], [open(null, 'h', '{}')]],
    [call('f', '{}'), call('g', '{}'), call('h', '{}')],
  ],
  [
    'always index 0, new ids',
    [[open('a', 'f', '{}', at(0))], [open('b', 'g', '{}', at(0))], [more(' ', at(0))]],
    [call('f', '{}', 'a'), call('g', '{} ', 'b')],
  ],
  ['id, type and name repeated', [[open('a', 'f', '', at(0))], [open('a', 'f', '{}', at(0))]], [call('f', '{}', 'a')]],
  [
    'id and name repeated empty or null',
    [
      [open('a', 'f', '', at(0))],
      [{ index: 0, id: '', type: null, function: { name: '', arguments: '{' } }],
      [{ index: 0, id: null, function: { name: null, arguments: '}' } }],
    ],
    [call('f', '{}', 'a')],
  ],
  [
    'another id without a name',
    [[open('a', 'f', '', at(0))], [more('{}', { index: 0, id: 'chunk-2' })]],
    [call('f', '{}', 'a')],
  ],
  [
    'the name after the arguments',
    [
      [more('{"x"', { index: 0, id: 'a' })],
      [more(':1', at(0))],
      [{ index: 0, function: { name: 'f', arguments: '}' } }],
    ],
    [call('f', '{"x":1}', 'a')],
  ],
  ['the id after the name', [[open(null, 'f', '', at(0))], [more('{}', { index: 0, id: 'a' })]], [call('f', '{}')]],
  ['no name ever', [[more('{}', { index: 0, id: 'a' })]], []],
  ['empty ids', [[open('', 'f', '{}', at(0))], [open('', 'g', '{}', at(1))]], [call('f', '{}'), call('g', '{}')]],
  [
    'one id for two calls',
    [[open('a', 'f', '{}', at(0))], [open('a', 'g', '{}', at(1))]],
    [call('f', '{}', 'a'), call('g', '{}')],
  ],
  ['arguments as objects', [[open('a', 'f', { x: [1] }, at(0))]], [call('f', '{"x":[1]}', 'a')]],
  [
    'a long id',
    [[open('x'.repeat(41), 'f', '{}', at(0))], [more(' ', { index: 0, id: 'x'.repeat(41) })]],
    [call('f', '{} ')],
  ],
  ['an id just short enough', [[open('x'.repeat(40), 'f', '{}', at(0))]], [call('f', '{}', 'x'.repeat(40))]],
  [
    'interleaved',
    [[open('a', 'f', '[', at(0)), open('b', 'g', '{', at(1))], [more(']', at(0))], [more('}', at(1))]],
    [call('f', '[]', 'a'), call('g', '{}', 'b')],
  ],
  [
    'arguments whose JSON ends early',
    [[open('a', 'f', '{}', at(0))], [more(' {"x":1}', at(0))]],
    [call('f', '{} {"x":1}', 'a')],
  ],
];

describe('tool calls of a stream', () => {
  it.each(TABLE)('%s', (_, lists, expected) => expect(calls(lists)).toEqual(expected));

  it('are not touched where they are right', () => {
    const first = [open('a', 'f', '', at(0))];
    const opened = stepToolCalls([], first, 'seed');
    expect(opened.deltas[0]).toBe(first[0]);
    expect(opened.unchanged(first)).toBe(true);
    const later = [more('{}', at(0))];
    expect(stepToolCalls(opened.state, later, 'seed').deltas[0]).toBe(later[0]);
    const none = stepToolCalls([], [], 'seed');
    expect([none.unchanged(undefined), none.unchanged([]), none.unchanged(null)]).toEqual([true, false, false]);
  });

  it('of custom tools keep their input, and get an id and an index where they have none', () => {
    const wire: WireToolCall = { index: 3, id: '', custom: { name: 'f', input: '' } };
    const opened = stepToolCalls([], [wire], 'seed');
    expect(opened.deltas).toEqual([
      { index: 0, id: expect.stringMatching(/^call_/), type: 'custom', custom: { name: 'f', input: '' } },
    ]);
    const later: WireToolCall = { index: 3, custom: { input: 'x' } };
    expect(stepToolCalls(opened.state, [later], 'seed').deltas).toEqual([{ index: 0, custom: { input: 'x' } }]);
  });
});
