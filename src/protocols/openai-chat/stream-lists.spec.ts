import { openaiChat } from './index.js';
import { stepLists } from './stream-lists.js';

describe('lists in the deltas of a stream', () => {
  it.each<readonly [string, readonly object[], readonly object[]]>([
    ['none', [{ x: 1, y: [], z: ['a'] }], [{ x: 1, y: [], z: ['a'] }]],
    [
      'indexes that are there',
      [{ a: [{ index: 0 }] }, { a: [{ index: 0 }] }],
      [{ a: [{ index: 0 }] }, { a: [{ index: 0 }] }],
    ],
    ['none at all', [{ a: [{}, {}] }, { a: [{}] }], [{ a: [{ index: 0 }, { index: 1 }] }, { a: [{ index: 2 }] }]],
    [
      'by field',
      [{ a: [{}], b: [{}] }, { b: [{}] }],
      [{ a: [{ index: 0 }], b: [{ index: 0 }] }, { b: [{ index: 1 }] }],
    ],
    ['after one that is there', [{ a: [{ index: 4 }] }, { a: [{}] }], [{ a: [{ index: 4 }] }, { a: [{ index: 5 }] }]],
    ['null and text', [{ a: [{ index: null }, { index: '1' }] }], [{ a: [{ index: 0 }, { index: 1 }] }]],
    ['a field named like a method', [{ toString: [{}] }], [{ toString: [{ index: 0 }] }]],
  ])('%s', (_, deltas, right) => {
    let lists = {};
    const found = deltas.map((delta) => {
      const step = stepLists(lists, { ...delta });
      ({ lists } = step);
      return step.fields;
    });
    expect(found).toEqual(right);
  });

  it('are counted choice by choice', () => {
    const HEAD = { id: 'c', object: 'chat.completion.chunk', created: 1_750_000_000, model: 'm' };
    const decoder = openaiChat({}).stream({ id: 'o', created: 1, model: 'm', asked: {} }, false);
    let text = '';
    const emit = ({ bytes }: { bytes: Uint8Array }) => (text += Buffer.from(bytes).toString());
    const send = (index: number, delta: object, finish: string | null = null) =>
      decoder.next(
        Buffer.from(`data: ${JSON.stringify({ ...HEAD, choices: [{ index, delta, finish_reason: finish }] })}\n\n`),
        emit,
      );
    for (const index of [0, 1, 0]) send(index, { content: 'a', annotations: [{ type: 'url_citation' }] });
    for (const index of [0, 1]) send(index, {}, 'stop');
    decoder.end(emit);
    expect(text.match(/"annotations":\[[^\]]*\]/g)?.map((list) => /"index":(\d)/.exec(list)?.[1])).toEqual([
      '0',
      '0',
      '1',
    ]);
  });
});
