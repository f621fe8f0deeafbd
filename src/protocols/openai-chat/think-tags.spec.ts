import { endThinking, splitThinking, stepThinking, THINK_START, type Split } from './think-tags.js';

/** What comes of the text when it arrives in these pieces. */
function streamed(pieces: readonly string[]): Split {
  let state = THINK_START;
  let thinking = '';
  let text = '';
  for (const piece of pieces) {
    const step = stepThinking(state, piece);
    state = step.state;
    thinking += step.thinking;
    text += step.text;
  }
  const held = endThinking(state);
  return { thinking: thinking + held.thinking, text: text + held.text };
}

const TABLE: readonly (readonly [content: string, split: Split | undefined])[] = [
  ['<think>a</think>b', { thinking: 'a', text: 'b' }],
  ['\n <think>\na < b\n</think>\n\n b ', { thinking: '\na < b\n', text: 'b ' }],
  ['<think></think>b', { thinking: '', text: 'b' }],
  ['<think>a</think>', { thinking: 'a', text: '' }],
  ['<think>a</thin</think>b</think>', { thinking: 'a</thin', text: 'b</think>' }],
  ['<think>a', { thinking: 'a', text: '' }],
  ['<think>a</thi', { thinking: 'a</thi', text: '' }],
  ['<think', undefined],
  ['<thinking>a</thinking>', undefined],
  ['  b', undefined],
  ['b <think>a</think>', undefined],
  ['', undefined],
];

describe('think tags', () => {
  it.each(TABLE)('%j', (content, split) => {
    expect(splitThinking(content)).toEqual(split);
    const expected = split ?? { thinking: '', text: content };
    expect(streamed([...content])).toEqual(expected);
    for (let at = 0; at <= content.length; at += 1)
      for (let next = at; next <= content.length; next += 1)
        expect(streamed([content.slice(0, at), content.slice(at, next), content.slice(next)])).toEqual(expected);
  });

  it('may have been opened by the prompt already, which only the whole text shows', () => {
    expect(splitThinking('a</think>b')).toEqual({ thinking: 'a', text: 'b' });
    expect(streamed(['a</think>b'])).toEqual({ thinking: '', text: 'a</think>b' });
  });

  it('hold nothing back that cannot be one', () => {
    expect(stepThinking(THINK_START, '<thin').text).toBe('');
    expect(stepThinking(THINK_START, '<this').text).toBe('<this');
    const { state, thinking } = stepThinking(THINK_START, '<think>abc</th');
    expect(thinking).toBe('abc');
    expect(stepThinking(state, 'e').thinking).toBe('</the');
  });
});
