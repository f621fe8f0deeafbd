import { factsOf } from '../../catalog/model-facts.js';
import type { ChatMessage } from '../../domain/chat.js';
import { NO_TURN_STATES, type TurnState } from '../../domain/turn-state.js';
import type { TargetModel } from '../protocol.js';
import { anthropicMessages } from './index.js';

type Fields = Readonly<Record<string, unknown>>;

const target = (model: string, more: Partial<TargetModel> = {}): TargetModel => ({
  model,
  baseModel: model,
  facts: factsOf('anthropic', model),
  turns: NO_TURN_STATES,
  withoutState: false,
  ...more,
});

function told(messages: readonly Fields[], model = 'claude-haiku-4-5', more: Partial<TargetModel> = {}) {
  const request = { model: 'asked', messages: messages as unknown as readonly ChatMessage[] };
  const wire = anthropicMessages().request(request, target(model, more));
  const body = JSON.parse(wire.body) as { system?: unknown; messages: { role: string; content: Fields[] }[] } & Fields;
  return { ...wire, body, dropped: wire.changes.map(({ path, treatment }) => `${treatment} ${path}`) };
}

const user = (content: unknown = 'Hi') => ({ role: 'user', content });
const call = (id: string, name = 'f', args = '{"a":1}') => ({
  id,
  type: 'function',
  function: { name, arguments: args },
});
const calls = (...ids: string[]) => ({ role: 'assistant', content: null, tool_calls: ids.map((id) => call(id)) });
const result = (id: string, content: unknown = 'ok') => ({ role: 'tool', tool_call_id: id, content });
const text = (said: string) => ({ type: 'text', text: said });
const toolResult = (id: string, said = 'ok') => ({ type: 'tool_result', tool_use_id: id, content: [text(said)] });

describe('system messages', () => {
  it('open the conversation as blocks of their own, the empty ones left out', () => {
    const { body, dropped } = told([
      { role: 'system', content: 'A', name: null },
      { role: 'developer', content: [{ ...text('B'), cache_control: { type: 'ephemeral', ttl: '1h' } }] },
      { role: 'system', content: '  ' },
      user(),
    ]);
    expect(dropped).toEqual([]);
    expect(body.system).toEqual([text('A'), { ...text('B'), cache_control: { type: 'ephemeral', ttl: '1h' } }]);
  });

  it.each([
    ['claude-opus-5-5', 'system', 'Be brief', []],
    ['claude-sonnet-5', 'user', '<system>\nBe brief\n</system>', ['adapted messages[1].role']],
  ] as const)('stay in their place between turns: %s', (model, role, said, dropped) => {
    const { body, dropped: reported } = told([user(), { role: 'system', content: 'Be brief' }, user('Go')], model);
    const blocks = body.messages.flatMap((turn) => turn.content.map((block) => [turn.role, block['text']]));
    expect(blocks).toEqual([
      ['user', 'Hi'],
      [role, said],
      ['user', 'Go'],
    ]);
    expect(reported).toEqual(dropped);
  });

  it('come after the results of a turn of calls, wherever they stand between them', () => {
    const { body } = told([user(), calls('a'), { role: 'system', content: 'S' }, result('a')], 'claude-opus-5-5');
    expect(body.messages[2]).toEqual({
      role: 'user',
      content: [toolResult('a'), text('<system>\nS\n</system>')],
    });
  });

  it('alone get a turn of the user', () => {
    const { body, dropped } = told([{ role: 'system', content: 'A' }]);
    expect(body.messages).toEqual([{ role: 'user', content: [text('.')] }]);
    expect(dropped).toEqual(['adapted messages']);
  });
});

describe('tool calls and results', () => {
  it('stand in neighbouring turns, results first', () => {
    const { body } = told([
      user(),
      { ...calls('a', 'b'), content: 'Let me see' },
      result('b', 'two'),
      result('a', [text('one'), { type: 'image_url', image_url: { url: 'https://x/y.png' } }]),
      user('And?'),
    ]);
    expect(body.messages.slice(1)).toEqual([
      {
        role: 'assistant',
        content: [
          text('Let me see'),
          { type: 'tool_use', id: 'a', name: 'f', input: { a: 1 } },
          { type: 'tool_use', id: 'b', name: 'f', input: { a: 1 } },
        ],
      },
      {
        role: 'user',
        content: [
          toolResult('b', 'two'),
          {
            type: 'tool_result',
            tool_use_id: 'a',
            content: [text('one'), { type: 'image', source: { type: 'url', url: 'https://x/y.png' } }],
          },
          text('And?'),
        ],
      },
    ]);
    expect(body['tools']).toEqual([{ name: 'f', input_schema: { type: 'object', properties: {} } }]);
    expect(body['tool_choice']).toEqual({ type: 'none' });
  });

  it('are completed, thinned and told of: missing, orphaned and doubled results', () => {
    const { body, dropped } = told([
      user(),
      calls('a', 'b'),
      result('a', 'first'),
      result('x'),
      result('a', 'last'),
      user('Go on'),
    ]);
    expect(body.messages[2]?.content).toEqual([
      toolResult('a', 'last'),
      {
        type: 'tool_result',
        tool_use_id: 'b',
        is_error: true,
        content: [text('No result provided')],
      },
      text('Go on'),
    ]);
    expect(dropped).toEqual(['dropped messages[3]', 'adapted messages[4]', 'adapted messages[1].tool_calls[1]']);
  });

  it('have ids the API takes, the same for call and result, and none twice', () => {
    const { body } = told([
      user(),
      calls('fn:1|sig=='),
      result('fn:1|sig=='),
      calls('a'),
      result('a'),
      calls('a'),
      result('a'),
    ]);
    const ids = body.messages.map(({ content }) => content[0]?.['id'] ?? content[0]?.['tool_use_id']);
    expect(ids[1]).toMatch(/^call_[0-9a-f]{24}$/);
    expect(ids).toEqual([undefined, ids[1], ids[1], 'a', 'a', ids[5], ids[5]]);
    expect(ids[5]).toMatch(/^call_/);
    expect(ids[5]).not.toBe(ids[1]);
  });

  it('of two messages of the assistant in a row are one turn', () => {
    const { body } = told([user(), calls('a'), calls('b'), result('a'), result('b')]);
    expect(body.messages.map(({ role, content }) => [role, content.length])).toEqual([
      ['user', 1],
      ['assistant', 2],
      ['user', 2],
    ]);
  });

  it.each([
    ['', {}],
    [' ', {}],
    ['[1]', { _raw: '[1]' }],
    ['nonsense', { _raw: 'nonsense' }],
    ['{"__proto__":{"a":1}}', JSON.parse('{"__proto__":{"a":1}}') as unknown],
    [`{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`, { _raw: `{"a":${'['.repeat(5000)}${']'.repeat(5000)}}` }],
  ])('have an object as input: %.20s', (args, input) => {
    const { body, dropped } = told([user(), { role: 'assistant', tool_calls: [call('a', 'f', args)] }, result('a')]);
    expect(JSON.stringify(body.messages[1]?.content[0]?.['input'])).toBe(JSON.stringify(input));
    const isRaw = Object.keys(input as Fields)[0] === '_raw';
    expect(dropped).toEqual(isRaw ? ['adapted messages[1].tool_calls[0].function.arguments'] : []);
  });

  it('are understood in their legacy and custom forms', () => {
    const { body, dropped } = told([
      user(),
      { role: 'assistant', content: null, function_call: { name: 'f', arguments: '7' } },
      { role: 'function', name: 'f', content: 'done' },
      { role: 'assistant', tool_calls: [{ id: 'c', type: 'custom', custom: { name: 'g', input: 'x' } }] },
      result('c'),
    ]);
    const [, legacy, done, custom] = body.messages.map(({ content }) => content[0]);
    expect(legacy).toMatchObject({ type: 'tool_use', name: 'f', input: { _raw: '7' } });
    expect(dropped).toEqual(['adapted messages[1].function_call.arguments']);
    expect(done).toEqual(toolResult(String(legacy?.['id']), 'done'));
    expect(custom).toMatchObject({ name: 'g', input: { input: 'x' } });
  });

  it('in their thousands take no longer than it takes to read them', () => {
    const many = Array.from({ length: 3000 }, () => [calls('same', 'same'), result('same'), result('same')]).flat();
    const started = performance.now();
    told([user(), ...many]);
    const ids = Array.from({ length: 20_000 }, (_, index) => `c${index}`);
    const asides = ids.slice(0, 9000).map(() => ({ role: 'system', content: 'S' }));
    told([user(), calls(...ids), result('c19999'), ...asides], 'claude-opus-5-5');
    const parts = Array.from({ length: 200_000 }, () => text('x'));
    told([user(parts), user(parts), calls('a'), user(parts)]);
    expect(performance.now() - started).toBeLessThan(4000);
  });
});

describe('messages', () => {
  it('begin with the user, have no names, and refusals are text', () => {
    const { body, dropped } = told([
      { role: 'assistant', content: 'Hello', name: 'bot', audio: { id: 'a' } },
      { ...user('Hi'), name: 'ann' },
      { role: 'assistant', content: [{ type: 'refusal', refusal: 'No' }] },
      user('x'),
    ]);
    expect(body.messages.map(({ content }) => content[0]?.['text'])).toEqual(['.', 'Hello', 'Hi', 'No', 'x']);
    expect(dropped).toEqual([
      'dropped messages[0].name',
      'dropped messages[0].audio',
      'dropped messages[1].name',
      'adapted messages',
    ]);
  });

  it('say something', () => {
    expect(told([user([text(' '), text('x')])]).body.messages[0]?.content).toEqual([text('x')]);
    expect(() => told([user(' \n')])).toThrow(expect.objectContaining({ status: 400, param: 'messages[0].content' }));
  });

  it('of the assistant at the end begin the answer where the model allows it', () => {
    const begun = [user(), { role: 'assistant', content: 'Well: ' }];
    expect(told(begun, 'claude-haiku-4-5').body.messages[1]?.content).toEqual([text('Well:')]);
    expect(() => told(begun, 'claude-opus-4-6')).toThrow(
      expect.objectContaining({ status: 400, code: 'unsupported_value', param: 'messages[1]' }),
    );
  });

  it('carry at most four cache breakpoints, a message’s own on its last block', () => {
    const mark = { cache_control: { type: 'ephemeral' } };
    const { body, dropped } = told([
      { role: 'system', content: 'S', ...mark },
      { ...user([text('a'), text('b')]), ...mark },
      { role: 'assistant', content: 'c', ...mark },
      user([
        { ...text('d'), prompt_cache_breakpoint: { mode: 'explicit', ttl: '30m' } },
        { ...text('e'), ...mark },
      ]),
    ]);
    expect(body.system).toEqual([{ ...text('S'), ...mark }]);
    expect(body.messages.map(({ content }) => content)).toEqual([
      [text('a'), { ...text('b'), ...mark }],
      [{ ...text('c'), ...mark }],
      [{ ...text('d'), cache_control: { type: 'ephemeral', ttl: '1h' } }, text('e')],
    ]);
    expect(dropped).toEqual(['dropped cache_control']);
  });
});

it('a breakpoint inside a tool’s result is the result’s own', () => {
  const mark = { cache_control: { type: 'ephemeral' } };
  const { body } = told([user(), calls('a'), result('a', [{ ...text('ok'), ...mark }])]);
  expect(body.messages[2]?.content).toEqual([{ ...toolResult('a'), ...mark }]);
});

describe('content parts', () => {
  const PNG = 'iVBORw0KGgoAAAA';
  const image = (url: string) => ({ type: 'image_url', image_url: { url } });
  const file = (fields: Fields) => ({ type: 'file', file: fields });
  const base64 = (said: string) => Buffer.from(said).toString('base64');

  it.each([
    [image('https://x/a.jpg'), { type: 'image', source: { type: 'url', url: 'https://x/a.jpg' } }],
    [
      image(`data:image/jpg;base64,/9j/AA`),
      { type: 'image', source: { type: 'base64', media_type: 'image/jpeg', data: '/9j/AA' } },
    ],
    [
      image(`data:image/jpeg;base64,${PNG}`), // the picture itself counts
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
    ],
    [
      file({ filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0' }),
      {
        type: 'document',
        source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0' },
        title: 'a.pdf',
      },
    ],
    [
      file({ filename: 'a.md', file_data: base64('# é') }),
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: '# é' }, title: 'a.md' },
    ],
    [
      file({ file_data: `data:application/json;base64,${base64('{}')}` }),
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: '{}' } },
    ],
    [
      file({ file_data: 'data:text/plain,plain%20words' }),
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'plain words' } },
    ],
    [file({ file_data: 'https://x/a.pdf' }), { type: 'document', source: { type: 'url', url: 'https://x/a.pdf' } }],
    [
      file({ filename: 'a.csv', file_data: `data:application/octet-stream;base64,${base64('a,b')}` }),
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'a,b' }, title: 'a.csv' },
    ],
    [
      file({ file_data: `data:;base64,${PNG}` }),
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
    ],
    [file({ file_id: 'file_1' }), { type: 'document', source: { type: 'file', file_id: 'file_1' } }],
  ])('%j', (part, block) => {
    expect(told([user([part])]).body.messages[0]?.content).toEqual([block]);
  });

  it.each([
    [image('data:image/svg+xml;base64,PHN2Zz4'), 'messages[0].content[0].image_url'],
    [image('ftp://x'), 'messages[0].content[0].image_url'],
    [file({ file_id: 'file-openai' }), 'messages[0].content[0].file.file_id'],
    [file({ file_data: 'data:application/zip;base64,UEs' }), 'messages[0].content[0].file'],
    [file({ file_data: 'data:text/plain' }), 'messages[0].content[0].file'],
    [{ type: 'input_audio', input_audio: { data: '', format: 'wav' } }, 'messages[0].content[0].type'],
  ])('%j is refused', (part, param) => {
    expect(() => told([user([part])])).toThrow(
      expect.objectContaining({ status: 400, code: 'unsupported_value', param }),
    );
  });

  it('needs a beta for files of the provider’s own, and tells of details it cannot carry', () => {
    const { headers, dropped } = told([
      user([file({ file_id: 'file_1' }), { type: 'image_url', image_url: { url: 'https://x/y', detail: 'high' } }]),
    ]);
    expect(headers).toEqual({ 'anthropic-beta': 'files-api-2025-04-14' });
    expect(dropped).toEqual(['dropped messages[0].content[1].image_url.detail']);
  });
});

describe('thinking of earlier turns', () => {
  const block = { type: 'thinking', thinking: 'Hm', signature: 'sig' };
  const hidden = { type: 'redacted_thinking', data: 'xyz' };
  const format = 'anthropic-claude-v1';
  const turn = (more: Fields) => [user(), { ...calls('a'), ...more }, result('a')];
  const kept = (state: Partial<TurnState> = {}) => ({
    turns: new Map([['a', { toolCallId: 'a', format, value: JSON.stringify([block]), ...state }]]),
  });
  const thinkingIn = ({ body }: ReturnType<typeof told>) =>
    body.messages[1]?.content.filter(({ type }) => String(type).endsWith('thinking'));

  it.each([
    [
      'whole details',
      [
        { type: 'reasoning.text', text: 'Hm', signature: 'sig', format, index: 0 },
        { type: 'reasoning.encrypted', data: 'xyz', format, index: 1 },
      ],
    ],
    [
      'the parts of a stream',
      [
        { type: 'reasoning.text', text: 'H', format, index: 0 },
        { type: 'reasoning.text', text: 'm', index: 0 },
        { type: 'reasoning.text', signature: 'sig', index: 0 },
        { type: 'reasoning.encrypted', data: 'xyz', format, index: 1 },
      ],
    ],
  ])('comes back from %s', (_, details) => {
    const wire = told(turn({ reasoning_content: 'Hm', reasoning_details: details }));
    expect(thinkingIn(wire)).toEqual([block, hidden]);
    expect(wire.body.messages[1]?.content.map(({ type }) => type)).toEqual([
      'thinking',
      'redacted_thinking',
      'tool_use',
    ]);
    expect([wire.carriesState, wire.dropped]).toEqual([true, []]);
  });

  it('comes back from thinking_blocks, from parts of the content, and from what was kept', () => {
    const parts = told(turn({ content: [block, text('Hi'), { type: 'thinking', thinking: [text('unsigned')] }] }));
    expect(parts.body.messages[1]?.content.map(({ type }) => type)).toEqual(['thinking', 'text', 'tool_use']);
    expect(parts.dropped).toEqual(['dropped messages[1].content[2]']);
    expect(thinkingIn(told(turn({ thinking_blocks: [block, hidden] })))).toEqual([block, hidden]);
    expect(thinkingIn(told(turn({}), 'claude-haiku-4-5', kept()))).toEqual([block]);
  });

  const placed = (content: number, tool_calls: number) => ({ ...block, after: { content, tool_calls } });
  it.each<[string, Fields, readonly unknown[], readonly unknown[]]>([
    [
      'between texts and calls',
      { ...calls('a', 'b'), content: 'One. Two.' },
      [hidden, placed(5, 0), placed(9, 1)],
      [hidden, 'One. ', block, 'Two.', 'a', block, 'b'],
    ],
    ['before white space that is no block', { content: '  ' }, [placed(2, 0)], [block, 'a']],
    ['which the client has cut', { content: 'One' }, [hidden, placed(5, 0)], [hidden, block, 'One', 'a']],
    ['which the client has split', { content: [text('O'), text('ne')] }, [placed(1, 0)], [block, 'O', 'ne', 'a']],
    ['that no turn may have', { content: 'One' }, [placed(3, 1)], [block, 'One', 'a']],
    ['that are none', {}, [{ ...block, after: { content: '1', tool_calls: -1 } }], [block, 'a']],
  ])('stands in its place: %s', (_, more, blocks, expected) => {
    const state = { turns: new Map([['a', { toolCallId: 'a', format, value: JSON.stringify(blocks) }]]) };
    const { body } = told([user(), { ...calls('a'), ...more }, result('a'), result('b')], 'claude-opus-5-5', state);
    const said = body.messages[1]?.content.map((one) => one['text'] ?? one['id'] ?? one);
    expect(said).toEqual(expected);
  });

  it('alone is no turn, and that is told', () => {
    const { body, dropped } = told([user(), { role: 'assistant', content: '', thinking_blocks: [block] }, user('B')]);
    expect([body.messages.length, dropped]).toEqual([1, ['dropped messages[1]']]);
  });

  it.each([
    ['unsigned', { reasoning_content: 'Hm' }, {}],
    [
      'of another family',
      { reasoning_details: [{ type: 'reasoning.text', text: 'Hm', signature: 's', format: 'x' }] },
      {},
    ],
    ['kept of another family', {}, kept({ format: 'gemini-v1' })],
    ['spoilt', {}, kept({ value: '{' })],
    ['refused before', { thinking_blocks: [block] }, { withoutState: true, ...kept() }],
  ])('is left out where it is %s', (_, more, state) => {
    const wire = told(turn(more), 'claude-haiku-4-5', state);
    expect([thinkingIn(wire), wire.carriesState]).toEqual([[], false]);
    expect(wire.dropped).toEqual(Object.keys(more).map((field) => `dropped messages[1].${field}`));
  });

  it('is not refused by models that bind it to its conversation', () => {
    const bound = told(turn({}), 'claude-opus-5-5', kept());
    expect(bound.headers).toEqual({ 'anthropic-beta': 'thinking-binding-controls-2026-08-01' });
    expect(bound.body['thinking']).toEqual({
      type: 'adaptive',
      block_binding: { prefix_mismatch_behavior: 'drop_block' },
    });
    const free = told(turn({}), 'claude-opus-4-6', kept());
    expect([free.headers, free.body['thinking']]).toEqual([{}, undefined]);
  });
});
