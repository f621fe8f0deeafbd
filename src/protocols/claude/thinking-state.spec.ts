import { blocksInDetails, turnStateOfDetails } from './thinking-state.js';

const format = 'anthropic-claude-v1';
const text = (text: string, more: object = {}) => ({ type: 'reasoning.text', text, signature: `of ${text}`, ...more });
const block = (thinking: string, signature = `of ${thinking}`) => ({ type: 'thinking', thinking, signature });

describe('blocksInDetails', () => {
  it.each<[string, unknown, readonly object[]]>([
    [
      'parts of one index are one block',
      [text('a', { format, index: 0 }), text('b', { index: 0 })],
      [block('ab', 'of aof b')],
    ],
    [
      'entries without an index are blocks of their own',
      [text('a', { format }), text('b', { format })],
      [block('a'), block('b')],
    ],
    [
      'no index in so many words is none',
      [text('a', { format, index: null }), text('b', { format, index: null })],
      [block('a'), block('b')],
    ],
    ['what says not whose it is may be anybody’s', [text('a', { index: 0 }), text('b', { format: null })], []],
    ['another family’s signature is no use', [text('a', { format: 'google-gemini-v1' })], []],
    ['nor is thinking that nobody signed', [{ type: 'reasoning.text', text: 'a', format }], []],
    ['anything else is nothing', [null, 'a', { type: 7, format: {} }], []],
    ['nor is what is no list', { ...text('a', { format }) }, []],
  ])('%s', (_, details, expected) => expect(blocksInDetails(details)).toEqual(expected));

  it('takes another family’s for that family alone', () => {
    const own = [text('a', { format: 'bedrock-converse-v1', index: 0 })];
    expect(blocksInDetails(own, 'bedrock-converse-v1')).toEqual([block('a')]);
    expect(turnStateOfDetails('t1', own)).toEqual([
      { toolCallId: 't1', format: 'bedrock-converse-v1', value: JSON.stringify([block('a')]) },
    ]);
    expect([turnStateOfDetails(undefined, own), turnStateOfDetails('t1', [])]).toEqual([[], []]);
  });
});
