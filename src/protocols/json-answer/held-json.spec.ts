import type { AnswerFacts } from '../protocol.js';
import { ReducerDecoder } from '../reducer-decoder.js';
import type { Piece, StreamReducer } from '../stream-reducer.js';
import { holdJson, stepHeld } from './held-json.js';

const SCHEMA = { type: 'object', required: ['a'] };

function sent(pieces: readonly Piece[]): readonly (readonly Piece[])[] {
  let state = holdJson({ schema: SCHEMA });
  return pieces.map((piece) => {
    const step = stepHeld(state, piece);
    state = step.state;
    return step.pieces;
  });
}

const text = (content: string, index = 0): Piece => ({ index, delta: { content } });
const end = (finish: Piece['finish'], index = 0): Piece => ({ index, delta: {}, ...(finish && { finish }) });
const THOUGHT = { index: 0, delta: { reasoning_content: 'Hm' } };
const CALL = { index: 0, delta: { tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: '{}' } }] } };

describe('text that is to be JSON', () => {
  it.each<[string, readonly Piece[], readonly (readonly Piece[])[]]>([
    [
      'goes out once, before its end; reasoning at once',
      [THOUGHT, text('{"a"'), text(':1}'), end('stop')],
      [[THOUGHT], [], [], [text('{"a":1}'), end('stop')]],
    ],
    [
      'loses its fence',
      [text('```json\n{"a":1}'), text('\n```'), end('stop')],
      [[], [], [text('{"a":1}'), end('stop')]],
    ],
    [
      'leaves what stands beside it',
      [{ index: 0, delta: { content: '{"a":1}', reasoning_content: 'x' }, finish: 'stop', native: 'END' }],
      [[text('{"a":1}'), { index: 0, delta: { reasoning_content: 'x' }, finish: 'stop', native: 'END' }]],
    ],
    [
      'is kept apart by choice',
      [text('{"a":1}'), text('{"a":2}', 1), end('stop', 1), end('stop')],
      [[], [], [text('{"a":2}', 1), end('stop', 1)], [text('{"a":1}'), end('stop')]],
    ],
    ['is not checked where it was cut', [text('{"a'), end('length')], [[], [text('{"a'), end('length')]]],
    [
      'is not checked where it was filtered',
      [text('{"a'), end('content_filter')],
      [[], [text('{"a'), end('content_filter')]],
    ],
    [
      'is not checked beside calls',
      [text('Now:'), CALL, end('tool_calls')],
      [[], [CALL], [text('Now:'), end('tool_calls')]],
    ],
    [
      'is not checked where it was refused',
      [{ index: 0, delta: { refusal: 'No' } }, end('stop')],
      [[{ index: 0, delta: { refusal: 'No' } }], [end('stop')]],
    ],
    [
      'keeps its log probabilities',
      [
        { ...text('{"a":'), logprobs: { content: [1] } },
        { ...text('1}'), logprobs: { content: [2, 3], refusal: null } },
        end('stop'),
      ],
      [[], [], [{ ...text('{"a":1}'), logprobs: { content: [1, 2, 3] } }, end('stop')]],
    ],
  ])('%s', (_, pieces, expected) => {
    expect(sent(pieces)).toEqual(expected);
  });

  it.each<[string, readonly Piece[], string]>([
    ['is of another form', [text('{"b":1}'), end('stop')], "`$` must have required property 'a'"],
    ['is prose', [text('Well.'), end('stop')], 'it is not JSON'],
    ['is missing', [THOUGHT, end('stop')], 'it is not JSON'],
  ])('that %s is a failure', (_, pieces, fault) => {
    expect(() => sent(pieces)).toThrow(
      expect.objectContaining({ code: 'invalid_structured_output', message: expect.stringContaining(fault) }),
    );
  });

  it('takes long answers in linear time', () => {
    const started = performance.now();
    const tokens = Array.from({ length: 50_000 }, (__, at) => ({ ...text(`${at},`), logprobs: { content: [at] } }));
    const last = sent([text('{"a":['), ...tokens, text('0]}'), end('stop')]).at(-1) ?? [];
    expect((last[0]?.logprobs as { content: unknown[] }).content).toHaveLength(50_000);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

const USAGE = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };

/** Pieces as they are written, one a line. */
const REDUCER: StreamReducer<boolean, Piece> = {
  initial: () => false,
  step: (ended, piece) => ({ state: ended || piece.finish !== undefined, pieces: [piece] }),
  close: () => [],
  isComplete: (ended) => ended,
  isOver: () => false,
  model: () => 'm',
  usage: (ended) => (ended ? USAGE : undefined),
};

describe('a decoder of any dialect', () => {
  const decode = (pieces: readonly Piece[], asked: AnswerFacts['asked']) => {
    const framing = { take: (bytes: Buffer) => [JSON.parse(bytes.toString()) as Piece], rest: () => [] };
    const decoder = new ReducerDecoder(framing, REDUCER, { id: 'i', created: 1, model: 'm', asked }, false);
    const out: string[] = [];
    const log: unknown[] = [];
    const emit = ({ bytes }: { bytes: Uint8Array }) => void out.push(Buffer.from(bytes).toString());
    try {
      for (const piece of pieces) {
        decoder.next(Buffer.from(JSON.stringify(piece)), emit);
        log.push([out.length, decoder.holds]);
      }
      decoder.end(emit);
    } catch (error) {
      log.push(error);
    }
    const chunks = out
      .join('')
      .split('\n\n')
      .filter(Boolean)
      .map((event) => JSON.parse(event.slice(6)).choices[0]);
    return {
      log,
      deltas: chunks.map(({ delta }) => delta as unknown),
      finish: chunks.at(-1)?.finish_reason as unknown,
    };
  };

  it('sends nothing before the check, and says that the answer has begun', () => {
    expect(decode([text('x {"a'), text('":1}'), end('stop')], { json: { schema: SCHEMA } })).toEqual({
      log: [
        [0, true],
        [0, true],
        [1, false],
      ],
      deltas: [{ role: 'assistant', content: '' }, { content: '{"a":1}' }, {}],
      finish: 'stop',
    });
  });

  it('fails before any content, and says what was used up all the same', () => {
    const { log, deltas } = decode([THOUGHT, text('no'), end('stop')], { json: {} });
    expect(log.at(-1)).toMatchObject({ status: 502, code: 'invalid_structured_output', usage: USAGE });
    expect(deltas).toEqual([{ role: 'assistant', content: '' }, THOUGHT.delta]);
  });

  it('holds nothing back where nothing is to be checked', () => {
    expect(decode([text('a'), end('stop')], {}).log).toEqual([
      [1, false],
      [2, false],
    ]);
  });
});
