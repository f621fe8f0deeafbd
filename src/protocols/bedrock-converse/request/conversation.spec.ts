import { factsOf } from '../../../catalog/model-facts.js';
import type { ChatRequest } from '../../../domain/chat.js';
import type { TurnState } from '../../../domain/turn-state.js';
import type { TargetModel } from '../../protocol.js';
import { converseRequest } from './request.js';

const OPUS_4_8 = 'us.anthropic.claude-opus-4-8';
const HAIKU = 'anthropic.claude-haiku-4-5-20251001-v1:0';
const NOVA = 'us.amazon.nova-lite-v1:0';
const MISTRAL = 'mistral.mistral-large-2407-v1:0';
const TITAN = 'amazon.titan-text-express-v1';

const target = (model: string, more: Partial<TargetModel> = {}): TargetModel => ({
  model,
  baseModel: model,
  facts: factsOf('bedrock', model),
  turns: new Map(),
  withoutState: false,
  ...more,
});

function sent(model: string, messages: readonly object[], more: Partial<TargetModel> = {}) {
  const request = { model: 'x', messages } as unknown as ChatRequest;
  const { body, changes, carriesState } = converseRequest(request, target(model, more));
  const { system, messages: turns, ...rest } = JSON.parse(body);
  return { system, turns, rest, carriesState, paths: changes.map(({ path, treatment }) => `${treatment} ${path}`) };
}

const user = (content: unknown) => ({ role: 'user', content });
const assistant = (content: unknown, more: object = {}) => ({ role: 'assistant', content, ...more });
const calls = (...ids: readonly string[]) => ({
  tool_calls: ids.map((id) => ({ id, type: 'function', function: { name: 'f', arguments: '{"x":1}' } })),
});
const tool = (id: string, content: unknown = 'done') => ({ role: 'tool', tool_call_id: id, content });
const use = (toolUseId: string) => ({ toolUse: { toolUseId, name: 'f', input: { x: 1 } } });
const result = (toolUseId: string, text = 'done') => ({ toolResult: { toolUseId, content: [{ text }] } });
const PNG = 'data:image/png;base64,iVBORw0KGgo=';
const PDF = 'data:application/pdf;base64,JVBERi0=';

describe('a conversation for Converse', () => {
  it('has instructions apart, and turns by turns', () => {
    const { system, turns, paths } = sent(NOVA, [
      { role: 'system', content: 'Be brief.' },
      { role: 'developer', content: [{ type: 'text', text: 'Be kind.' }] },
      { role: 'system', content: '  ' },
      user('a'),
      user([
        { type: 'text', text: 'b' },
        { type: 'text', text: ' ' },
      ]),
      assistant('c'),
      assistant(''),
      assistant(null),
      user('d'),
    ]);
    expect(system).toEqual([{ text: 'Be brief.' }, { text: 'Be kind.' }]);
    expect(turns).toEqual([
      { role: 'user', content: [{ text: 'a' }, { text: 'b' }] },
      { role: 'assistant', content: [{ text: 'c' }] },
      { role: 'user', content: [{ text: 'd' }] },
    ]);
    expect(paths).toEqual([]);
  });

  it('says instructions where they stand', () => {
    const messages = [user('a'), { role: 'system', content: 'Now be brief.' }, assistant('b'), user('c')];
    expect(sent(OPUS_4_8, messages)).toMatchObject({
      turns: [
        { role: 'user' },
        { role: 'system', content: [{ text: 'Now be brief.' }] },
        { role: 'assistant' },
        { role: 'user' },
      ],
      paths: [],
    });
    expect(sent(NOVA, messages)).toMatchObject({
      turns: [{ role: 'user', content: [{ text: 'a' }, { text: '<system>Now be brief.</system>' }] }, {}, {}],
      paths: ['adapted messages[1].role'],
    });
    expect(sent(TITAN, [{ role: 'system', content: 'Be brief.' }, user('a')])).toMatchObject({
      turns: [{ role: 'user', content: [{ text: 'Be brief.' }, { text: 'a' }] }],
      paths: ['adapted messages[0].role'],
    });
  });

  it('puts results first, all of them, each once', () => {
    const { turns, paths } = sent(HAIKU, [
      user('a'),
      assistant('b', calls('t1', 't2', 't3')),
      user('c'),
      tool('t2', 'first'),
      tool('t2', 'second'),
      tool('t9'),
      tool('t1', [
        { type: 'text', text: 'one' },
        { type: 'image_url', image_url: { url: PNG } },
      ]),
    ]);
    expect(turns[1].content).toEqual([{ text: 'b' }, use('t1'), use('t2'), use('t3')]);
    expect(turns[2]).toEqual({
      role: 'user',
      content: [
        result('t2', 'second'),
        {
          toolResult: {
            toolUseId: 't1',
            content: [{ text: 'one' }, { image: { format: 'png', source: { bytes: 'iVBORw0KGgo=' } } }],
          },
        },
        { toolResult: { toolUseId: 't3', content: [{ text: 'No result provided' }], status: 'error' } },
        { text: 'c' },
      ],
    });
    expect(paths).toEqual(['dropped messages[3]', 'dropped messages[5]']);
  });

  it('gives what stands beside results a turn of its own where the family wants it, and ids of nine', () => {
    const { turns, paths } = sent(MISTRAL, [
      user('a'),
      assistant(null, calls('tooluse_1')),
      tool('tooluse_1'),
      user('b'),
    ]);
    const id = turns[1].content[0].toolUse.toolUseId as string;
    expect(id).toMatch(/^[a-zA-Z0-9]{9}$/);
    expect(turns.slice(2)).toEqual([
      { role: 'user', content: [result(id)] },
      { role: 'assistant', content: [{ text: '.' }] },
      { role: 'user', content: [{ text: 'b' }] },
    ]);
    expect(paths).toEqual(['adapted messages[3]']);
    expect(sent(MISTRAL, [user('a'), assistant(null, calls('abcdefgh1')), tool('abcdefgh1')]).turns[1].content).toEqual(
      [use('abcdefgh1')],
    );
  });

  it.each([
    ['call|1', /^call_[0-9a-f]{24}$/],
    ['x'.repeat(65), /^call_[0-9a-f]{24}$/],
    ['functions.f:0', /^functions\.f:0$/],
    ['functions.f:0', /^call_[0-9a-f]{24}$/, HAIKU],
  ])('takes the id %s', (id, pattern, model = NOVA) => {
    const { turns } = sent(model, [user('a'), assistant(null, calls(id)), tool(id)]);
    const wire = turns[1].content[0].toolUse.toolUseId as string;
    expect(wire).toMatch(pattern);
    expect(turns[2].content[0].toolResult.toolUseId).toBe(wire);
  });

  it.each([
    ['', {}],
    ['{"a":[1]}', { a: [1] }],
    ['[1]', { _raw: '[1]' }],
    ['{"a":', { _raw: '{"a":' }],
    [`${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`, { _raw: expect.any(String) }],
    ['{"__proto__":{"x":1}}', JSON.parse('{"__proto__":{"x":1}}')],
  ])('makes an object of the arguments %.20s', (text, input) => {
    const call = { id: 't', type: 'function', function: { name: 'bad name!', arguments: text } };
    const { turns, rest } = sent(HAIKU, [user('a'), assistant(null, { tool_calls: [call] }), tool('t')]);
    expect(turns[1].content[0].toolUse).toEqual({ toolUseId: 't', name: 'bad_name_', input });
    expect(rest.toolConfig.tools).toEqual([
      { toolSpec: { name: 'bad_name_', inputSchema: { json: { type: 'object' } } } },
    ]);
    expect(rest.additionalModelRequestFields).toEqual({ tool_choice: { type: 'none' } });
  });

  it('tells of arguments that were no object', () => {
    const called = (text: string) => ({ id: 't', type: 'function', function: { name: 'f', arguments: text } });
    const paths = (more: object) => sent(NOVA, [user('a'), assistant(null, more)]).paths;
    expect(paths({ tool_calls: [called('{}'), called('[1]')] })).toEqual([
      'adapted messages[1].tool_calls[1].function.arguments',
    ]);
    expect(paths({ function_call: { name: 'f', arguments: '{' } })).toEqual([
      'adapted messages[1].function_call.arguments',
    ]);
    expect(paths({ tool_calls: [{ id: 't', type: 'custom', custom: { name: 'f', input: 'x' } }] })).toEqual([]);
  });

  it('takes calls and results of the legacy form, each call under an id of its own', () => {
    const called = assistant(null, { function_call: { name: 'f', arguments: '{"x":1}' } });
    const done = { role: 'function', name: 'f', content: 'done' };
    const { turns, paths } = sent(HAIKU, [user('a'), called, done, called, done]);
    const [first, second] = [turns[1], turns[3]].map(({ content }) => content[0].toolUse.toolUseId as string);
    expect(first).not.toBe(second);
    expect(turns.slice(1)).toEqual([
      { role: 'assistant', content: [use(first ?? '')] },
      { role: 'user', content: [result(first ?? '')] },
      { role: 'assistant', content: [use(second ?? '')] },
      { role: 'user', content: [result(second ?? '')] },
    ]);
    expect(paths).toEqual([]);
  });

  it('answers calls that share an id one after the other', () => {
    const { turns, paths } = sent(NOVA, [user('a'), assistant(null, calls('t', 't')), tool('t', '1'), tool('t', '2')]);
    const ids = turns[1].content.map(({ toolUse }: ReturnType<typeof use>) => toolUse.toolUseId);
    expect(new Set(ids).size).toBe(2);
    expect(turns[2].content).toEqual([result(ids[0], '1'), result(ids[1], '2')]);
    expect(paths).toEqual([]);
  });

  it('makes one turn of messages of one side, though nothing was said between them', () => {
    const { turns, paths } = sent(NOVA, [
      user('a'),
      assistant(''),
      user('b'),
      assistant('c', calls('t1')),
      assistant(null, calls('t2')),
      tool('t2'),
      tool('t1'),
    ]);
    expect(turns).toEqual([
      { role: 'user', content: [{ text: 'a' }, { text: 'b' }] },
      { role: 'assistant', content: [{ text: 'c' }, use('t1'), use('t2')] },
      { role: 'user', content: [result('t2'), result('t1')] },
    ]);
    expect(paths).toEqual([]);
  });

  it('says instructions that follow one another in one turn', () => {
    const system = (content: string) => ({ role: 'system', content });
    const { turns, paths } = sent(OPUS_4_8, [user('a'), system('b'), system('c'), user('d')]);
    expect(turns.slice(1)).toEqual([
      { role: 'system', content: [{ text: 'b' }, { text: 'c' }] },
      { role: 'user', content: [{ text: 'd' }] },
    ]);
    expect(paths).toEqual([]);
  });

  it('takes signed thinking among the parts of a message, and tells of any other', () => {
    const said = (signature: string) => [
      { type: 'thinking', thinking: 'hmm', signature },
      { type: 'text', text: 'b' },
    ];
    expect(sent(HAIKU, [user('a'), assistant(said('sig')), user('c')])).toMatchObject({
      turns: [
        {},
        { content: [{ reasoningContent: { reasoningText: { text: 'hmm', signature: 'sig' } } }, { text: 'b' }] },
        {},
      ],
      carriesState: true,
      paths: [],
    });
    expect(sent(NOVA, [user('a'), assistant(said('sig')), user('c')])).toMatchObject({
      turns: [{}, { content: [{ text: 'b' }] }, {}],
      paths: ['dropped messages[1].content[0]'],
    });
  });

  it('keeps the mark of a part that says nothing, and tells of a detail nobody looks at', () => {
    const mark = { type: 'text', text: ' ', cache_control: { type: 'ephemeral' } };
    const image = { type: 'image_url', image_url: { url: PNG, detail: 'low' } };
    const { turns, paths } = sent(HAIKU, [user([image, mark])]);
    expect(turns[0].content[1]).toEqual({ cachePoint: { type: 'default' } });
    expect(paths).toEqual(['dropped messages[0].content[0].image_url.detail']);
  });

  it('says of a result that it is a failure, where there is a word for it', () => {
    const messages = [user('a'), assistant(null, calls('abcdefghi')), { ...tool('abcdefghi'), is_error: true }];
    expect(sent(HAIKU, messages).turns[2].content[0].toolResult.status).toBe('error');
    expect(sent(MISTRAL, messages)).toMatchObject({
      turns: [{}, {}, { content: [result('abcdefghi')] }],
      paths: ['dropped messages[2].is_error'],
    });
  });

  it('knows files by their bytes, their type or their names, and gives no two one name', () => {
    const file = (filename: string, data: object) => ({ type: 'file', file: { filename, ...data } });
    const kinds = (...parts: readonly object[]) =>
      sent(NOVA, [user([{ type: 'text', text: 'a' }, ...parts])]).turns[0].content.slice(1);
    const [mislabelled, bare, code] = kinds(
      { type: 'image_url', image_url: { url: 'data:image/png;base64,/9j/AA==' } },
      file('a.docx', { file_data: 'AAAA' }),
      file('a.py', { file_data: 'data:text/x-python,a' }),
    );
    expect([mislabelled.image.format, bare.document.format, code.document.format]).toEqual(['jpeg', 'docx', 'txt']);
    const stored = { ...file('document-2.pdf', { file_url: 's3://b/x.pdf' }), citations: { enabled: true } };
    expect(kinds(stored, stored, file('', { url: 's3://b/x.pdf' }))).toEqual([
      { document: expect.objectContaining({ name: 'document-2', citations: { enabled: true } }) },
      { document: expect.objectContaining({ name: 'document-3' }) },
      { document: expect.objectContaining({ name: 'document-4', source: { s3Location: { uri: 's3://b/x.pdf' } } }) },
    ]);
  });

  it('begins with the user, and refuses to go on with an answer where the model does', () => {
    expect(sent(NOVA, [assistant('Hi!'), user('a')])).toMatchObject({
      turns: [{ role: 'user', content: [{ text: '.' }] }, { role: 'assistant' }, { role: 'user' }],
      paths: ['adapted messages[0]'],
    });
    expect(sent(HAIKU, [user('a'), assistant('So: ')]).turns[1].content).toEqual([{ text: 'So:' }]);
    expect(() => sent(OPUS_4_8, [user('a'), assistant('So: ')])).toThrow(
      expect.objectContaining({ status: 400, code: 'unsupported_value', param: 'messages[1]' }),
    );
  });

  it.each([
    ['a blank message', user('  '), 'messages[0].content', null],
    ['no part that says anything', user([{ type: 'text', text: '' }]), 'messages[0].content', null],
    ['a part nobody knows', user([{ type: 'hologram' }]), 'messages[0].content[0].type', 'unsupported_value'],
    [
      'an odd image',
      user([{ type: 'image_url', image_url: { url: 'data:image/tiff;base64,AA' } }]),
      'messages[0].content[0].image_url',
      'unsupported_value',
    ],
    ['no image', user([{ type: 'image_url', image_url: {} }]), 'messages[0].content[0].image_url', null],
    [
      'a stored file',
      user([{ type: 'file', file: { file_id: 'file-1' } }]),
      'messages[0].content[0].file.file_id',
      'unsupported_value',
    ],
    [
      'odd sound',
      user([{ type: 'input_audio', input_audio: { data: 'AA', format: 'ogg' } }]),
      'messages[0].content[0].input_audio.format',
      'unsupported_value',
    ],
    [
      'too many images',
      user(Array(21).fill({ type: 'image_url', image_url: { url: PNG } })),
      'messages[0].content[20].image_url',
      'too_many_images',
    ],
    [
      'too many documents',
      user(Array(6).fill({ type: 'file', file: { file_data: PDF } })),
      'messages[0].content[5].file.file_data',
      'too_many_files',
    ],
  ])('refuses %s', (_what, message, param, code) => {
    expect(() => sent(HAIKU, [message])).toThrow(expect.objectContaining({ status: 400, param, code }));
  });

  it('sends images, documents, films and sounds, each document under a name of its own', () => {
    const file = (filename: string | undefined, data: string) => ({
      type: 'file',
      file: { filename, file_data: data },
    });
    const { turns, paths } = sent(NOVA, [
      user([
        { type: 'image_url', image_url: { url: 's3://bucket/cat.jpg' } },
        { type: 'image_url', image_url: 'data:image/jpg;base64,AA' },
        { type: 'input_audio', input_audio: { data: 'AA', format: 'wav' } },
        { type: 'video_url', video_url: { url: 's3://bucket/cat.mp4' } },
        file('Report (2).pdf', PDF),
        file('Report (2).pdf', PDF),
        file('a_b.c.txt', 'data:text/plain,a%20b'),
        file(undefined, 'JVBERi0='),
      ]),
    ]);
    const pdf = (name: string) => ({ document: { format: 'pdf', name, source: { bytes: 'JVBERi0=' } } });
    expect(turns[0].content).toEqual([
      { image: { format: 'jpeg', source: { s3Location: { uri: 's3://bucket/cat.jpg' } } } },
      { image: { format: 'jpeg', source: { bytes: 'AA' } } },
      { audio: { format: 'wav', source: { bytes: 'AA' } } },
      { video: { format: 'mp4', source: { s3Location: { uri: 's3://bucket/cat.mp4' } } } },
      pdf('Report (2)'),
      pdf('document-2'),
      { document: { format: 'txt', name: 'a-b-c', source: { bytes: Buffer.from('a b').toString('base64') } } },
      pdf('document-4'),
      { text: '.' },
    ]);
    expect(paths).toEqual([
      'adapted messages[0].content[5].file.filename',
      'adapted messages[0].content[6].file.filename',
    ]);
  });

  it('marks what should be cached, four times at most', () => {
    const part = (text: string, cache: object) => ({ type: 'text', text, ...cache });
    const mark = { cache_control: { type: 'ephemeral', scope: 'x' } };
    const messages = [
      { role: 'system', content: [part('s', { cache_control: { type: 'ephemeral', ttl: '1h' } })] },
      { ...user('a'), ...mark },
      assistant(null, calls('t1')),
      tool('t1', [part('one', mark)]),
      user([part('b', { prompt_cache_breakpoint: { mode: 'explicit' } }), part('c', mark)]),
    ];
    const point = { cachePoint: { type: 'default' } };
    const { system, turns, paths } = sent(HAIKU, messages);
    expect(system).toEqual([{ text: 's' }, { cachePoint: { type: 'default', ttl: '1h' } }]);
    expect(turns[0].content).toEqual([{ text: 'a' }, point]);
    expect(turns[2].content).toEqual([result('t1', 'one'), point, { text: 'b' }, point, { text: 'c' }]);
    expect(paths).toEqual(['dropped messages[4].content[1].cache_control']);
    expect(sent(MISTRAL, [{ ...user('a'), ...mark }]).paths).toEqual(['dropped messages[0].cache_control']);
  });

  it('tells of what it cannot say', () => {
    const { paths } = sent(HAIKU, [
      { ...user('a'), name: 'Ann', 'x-mood': 'good' },
      assistant('b', { audio: { id: 'audio_1' }, refusal: null, annotations: [], reasoning_content: 'hmm' }),
      user('c'),
    ]);
    expect(paths).toEqual([
      'dropped messages[0].name',
      'dropped messages[0].x-mood',
      'dropped messages[1].audio',
      'dropped messages[1].reasoning_content',
    ]);
  });
});

describe('reasoning of earlier turns', () => {
  const CLAUDE_FORMAT = 'anthropic-claude-v1';
  const SIGNED = { reasoningContent: { reasoningText: { text: ' hmm ', signature: 'sig' } } };
  const HIDDEN = { reasoningContent: { redactedContent: Buffer.from('data').toString('base64') } };
  const details = [
    { type: 'reasoning.text', text: ' hmm ', format: CLAUDE_FORMAT, index: 0 },
    { type: 'reasoning.text', signature: 'sig', index: 0 },
    { type: 'reasoning.encrypted', data: 'data', format: CLAUDE_FORMAT, index: 1 },
  ];
  const kept: TurnState = {
    toolCallId: 't1',
    format: CLAUDE_FORMAT,
    value: JSON.stringify([
      { type: 'thinking', thinking: ' hmm ', signature: 'sig' },
      { type: 'redacted_thinking', data: 'data' },
    ]),
  };
  const conversation = (more: object) => [user('a'), assistant(null, { ...calls('t1'), ...more }), tool('t1')];
  const blocks = (model: string, more: object, state: Partial<TargetModel> = {}) => {
    const { turns, carriesState, paths } = sent(model, conversation(more), state);
    return { content: turns[1].content, carriesState, paths };
  };

  it.each([
    ['as the client returns it', { reasoning_details: details, reasoning_content: ' hmm ' }, {}],
    ['as LiteLLM has it', { thinking_blocks: JSON.parse(kept.value) }, {}],
    ['as it was kept', {}, { turns: new Map([['t1', kept]]) }],
  ])('goes back %s', (_how, more, state) => {
    expect(blocks(HAIKU, more, state)).toEqual({ content: [SIGNED, HIDDEN, use('t1')], carriesState: true, paths: [] });
  });

  it.each<[string, string, object, Partial<TargetModel>]>([
    [
      'of another family',
      HAIKU,
      { reasoning_details: [{ type: 'reasoning.encrypted', data: 'x', format: 'google-gemini-v1' }] },
      {},
    ],
    ['that says not whose it is', HAIKU, { reasoning_details: [{ type: 'reasoning.encrypted', data: 'x' }] }, {}],
    ['without a signature', HAIKU, { reasoning_details: [{ type: 'reasoning.text', text: 'x' }] }, {}],
    ['that the provider refused', HAIKU, { reasoning_details: details }, { withoutState: true }],
    ['of Claude, for another model', NOVA, { reasoning_details: details }, {}],
    ['kept of Claude, for another model', NOVA, { reasoning_content: 'x' }, { turns: new Map([['t1', kept]]) }],
  ])('is left out %s', (_what, model, more, state) => {
    const { content, carriesState, paths } = blocks(model, more, state);
    expect(content).toEqual([use('t1')]);
    expect(carriesState).toBe(false);
    expect(paths).toEqual([`dropped messages[1].${Object.keys(more)[0]}`]);
  });

  it('of other models goes back as they gave it', () => {
    const own = [{ type: 'reasoning.encrypted', data: 'AAEC', format: 'bedrock-converse-v1', index: 0 }];
    expect(blocks('openai.gpt-5.5', { reasoning_details: own }).content[0]).toEqual({
      reasoningContent: { redactedContent: 'AAEC' },
    });
  });

  it('keeps the blank text of an answer that was nothing but thought', () => {
    const { turns } = sent(HAIKU, [user('a'), assistant('', { reasoning_details: details }), user('b')]);
    expect(turns[1].content).toEqual([SIGNED, HIDDEN, { text: '' }]);
  });

  it('lets models leave out what is bound to another conversation', () => {
    const opus = 'anthropic.claude-opus-5-5';
    const { rest } = sent(opus, conversation({ reasoning_details: details }));
    expect(rest.additionalModelRequestFields).toMatchObject({
      anthropic_beta: ['thinking-binding-controls-2026-08-01'],
      thinking: { type: 'adaptive', block_binding: { mismatch_behavior: 'drop_block' } },
    });
  });
});
