import type { ChatMessage } from '../../../domain/chat.js';
import type { GeminiFacts } from '../../../domain/model-facts.js';
import { NO_TURN_STATES } from '../../../domain/turn-state.js';
import { GEMINI_STATE, NO_SIGNATURE } from '../turn-state.js';
import { geminiRequest } from './request.js';
import { NEWEST } from './scope.js';

const OLDER: GeminiFacts = {
  thinking: { kind: 'budget', least: 1, most: 24_576, canBeOff: true },
  signedCalls: false,
  schemaWithTools: false,
  mediaInResults: false,
  systemInstruction: true,
  penalties: false,
  mediaResolution: false,
};

interface How {
  readonly facts?: GeminiFacts;
  readonly host?: 'gemini' | 'vertex';
  readonly turns?: Readonly<Record<string, object>>;
  readonly format?: string;
  readonly withoutState?: boolean;
}

function sent(messages: readonly object[], how: How = {}) {
  const { facts = OLDER, host = 'gemini', turns = {}, format = GEMINI_STATE, withoutState = false } = how;
  const kept = Object.entries(turns).map(
    ([id, state]) => [id, { toolCallId: id, format, value: JSON.stringify(state) }] as const,
  );
  const wire = geminiRequest(
    host,
    { model: 'm', messages: messages as readonly ChatMessage[] },
    {
      model: 'gemini-x',
      baseModel: 'gemini-x',
      facts: { gemini: facts },
      turns: kept.length === 0 ? NO_TURN_STATES : new Map(kept),
      withoutState,
    },
  );
  const body = JSON.parse(wire.body) as { contents: unknown; systemInstruction?: unknown };
  const changes = wire.changes.map(({ path, treatment }) => `${treatment} ${path}`);
  return { contents: body.contents, system: body.systemInstruction, changes, carriesState: wire.carriesState };
}

const user = (...parts: readonly object[]) => ({ role: 'user', parts });
const model = (...parts: readonly object[]) => ({ role: 'model', parts });
const text = (said: string) => ({ text: said });
const ask = { role: 'user', content: 'Hi' };
const call = (id: string, name = 'f', args = '{}', more: object = {}) => ({
  id,
  type: 'function',
  function: { name, arguments: args },
  ...more,
});
const calls = (...list: readonly object[]) => ({ role: 'assistant', content: null, tool_calls: list });
const result = (id: string, content: unknown) => ({ role: 'tool', tool_call_id: id, content });
const sentCall = (name = 'f', args: object = {}) => ({ functionCall: { name, args } });
const response = (name: string, value: object) => ({ functionResponse: { name, response: value } });
const signedBy = (signature: string) => ({ extra_content: { google: { thought_signature: signature } } });
const PNG = 'data:image/png;base64,AAAA';

describe('a conversation for Gemini', () => {
  it.each<readonly [string, readonly object[], readonly object[], readonly string[]]>([
    [
      'joins what one side says in a row, parts kept apart',
      [
        ask,
        { role: 'user', content: 'there' },
        { role: 'assistant', content: 'a' },
        { role: 'assistant', content: 'b' },
        ask,
      ],
      [user(text('Hi'), text('there')), model(text('a'), text('b')), user(text('Hi'))],
      [],
    ],
    [
      'keeps a later system message where it stands',
      [ask, { role: 'developer', content: 'Be brief.' }],
      [user(text('Hi'), text('<system>Be brief.</system>'))],
      ['adapted messages[1].role'],
    ],
    [
      'has a user speak first',
      [{ role: 'assistant', content: 'a' }, ask],
      [user(text('.')), model(text('a')), user(text('Hi'))],
      [],
    ],
    ['lets an older model go on', [ask, { role: 'assistant', content: 'a' }], [user(text('Hi')), model(text('a'))], []],
    [
      'has no contents but system ones',
      [{ role: 'system', content: 'S' }],
      [user(text('S'))],
      ['adapted messages[0].role'],
    ],
    ['sends nothing as nothing', [{ role: 'user', content: '' }], [user(text(''))], []],
    ['leaves out empty texts', [ask, { role: 'assistant', content: '' }, ask], [user(text('Hi'), text('Hi'))], []],
    ['drops names', [{ ...ask, name: 'Ann' }], [user(text('Hi'))], ['dropped messages[0].name']],
    [
      'says a refusal',
      [ask, { role: 'assistant', content: null, refusal: 'No.' }, ask],
      [user(text('Hi')), model(text('No.')), user(text('Hi'))],
      [],
    ],
    [
      'answers calls in their order, in one content, whatever came when',
      [
        ask,
        calls(call('a', 'f'), call('b', 'g'), call('c', 'h')),
        result('b', 'B'),
        ask,
        result('a', '{"x":1}'),
        result('zz', '?'),
      ],
      [
        user(text('Hi')),
        model(sentCall('f'), sentCall('g'), sentCall('h')),
        user(
          response('f', { x: 1 }),
          response('g', { output: 'B' }),
          response('h', { error: 'The result of this call is missing.' }),
          text('Hi'),
        ),
      ],
      ['dropped messages[5]'],
    ],
    ['drops results of nothing', [ask, result('a', 'A')], [user(text('Hi'))], ['dropped messages[1]']],
    [
      'gives a result only once',
      [ask, calls(call('a')), result('a', '1'), result('a', '2')],
      [user(text('Hi')), model(sentCall()), user(response('f', { output: '1' }))],
      ['dropped messages[3]'],
    ],
    [
      'says that a call failed',
      [ask, calls(call('a')), { ...result('a', '{"x":1}'), is_error: true }],
      [user(text('Hi')), model(sentCall()), user(response('f', { error: '{"x":1}' }))],
      [],
    ],
    [
      'reads the old form of calls',
      [
        ask,
        { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{"a":1}' } },
        { role: 'function', name: 'f', content: 'ok' },
      ],
      [user(text('Hi')), model(sentCall('f', { a: 1 })), user(response('f', { output: 'ok' }))],
      [],
    ],
    [
      'puts pictures of results behind them',
      [
        ask,
        calls(call('a')),
        result('a', [
          { type: 'text', text: 'ok' },
          { type: 'image_url', image_url: { url: PNG } },
        ]),
      ],
      [
        user(text('Hi')),
        model(sentCall()),
        user(response('f', { output: 'ok' }), { inlineData: { mimeType: 'image/png', data: 'AAAA' } }),
      ],
      [],
    ],
    [
      'sends back pictures of its own',
      [
        ask,
        {
          role: 'assistant',
          content: null,
          images: [{ type: 'image_url', image_url: { url: PNG }, ...signedBy('s') }],
        },
        ask,
      ],
      [
        user(text('Hi')),
        model({ inlineData: { mimeType: 'image/png', data: 'AAAA' }, thoughtSignature: 's' }),
        user(text('Hi')),
      ],
      [],
    ],
    [
      'reports what it does not know, whoever says it',
      [{ ...ask, mood: 'good', cache_control: {} }, calls(call('a')), { ...result('a', 'A'), name: 'f', took: 7 }],
      [user(text('Hi')), model(sentCall()), user(response('f', { output: 'A' }))],
      ['dropped messages[0].mood', 'dropped messages[0].cache_control', 'dropped messages[2].took'],
    ],
    [
      'reports what it has no use for',
      [ask, { role: 'assistant', content: 'a', audio: { id: 'x' }, reasoning_content: 'r' }],
      [user(text('Hi')), model(text('a'))],
      ['dropped messages[1].audio'],
    ],
  ])('%s', (_, messages, contents, changes) => {
    expect(sent(messages)).toMatchObject({ contents, changes });
  });

  it('puts the first system messages before it, one part each, and for Gemma into the first turn', () => {
    const messages = [{ role: 'system', content: 'A' }, { role: 'developer', content: 'B' }, ask];
    expect(sent(messages)).toMatchObject({ system: { parts: [text('A'), text('B')] }, contents: [user(text('Hi'))] });
    const gemma = sent(messages, { facts: { ...OLDER, systemInstruction: false } });
    expect(gemma).toMatchObject({
      contents: [user(text('A'), text('B'), text('Hi'))],
      changes: ['adapted messages[0].role'],
    });
    expect(gemma.system).toBeUndefined();
  });

  it('has a user speak last to the newest models, which go on with nothing', () => {
    const prefilled = sent([ask, { role: 'assistant', content: 'a' }], { facts: NEWEST });
    expect(prefilled).toMatchObject({ changes: ['adapted messages[1]'] });
    expect(prefilled.contents).toHaveLength(3);
  });

  it.each<readonly [string, unknown, object]>([
    ['an object', '{"a":{"b":[1]}}', { a: { b: [1] } }],
    ['a list', '[1]', { output: '[1]' }],
    ['a text', 'It is so.', { output: 'It is so.' }],
    ['nothing', '', { output: '' }],
    ['half an object', '{"a":', { output: '{"a":' }],
    ['a reserved key', '{"a":{"$ref":"x"}}', { output: '{"a":{"$ref":"x"}}' }],
    ['a reserved key in disguise', '{"\\u0024ref":"x"}', { output: '{"\\u0024ref":"x"}' }],
    ['a number that a double cannot hold', '{"id":12345678901234567890}', { output: '{"id":12345678901234567890}' }],
    [
      'parts',
      [
        { type: 'text', text: '{"a":' },
        { type: 'text', text: '1}' },
      ],
      { a: 1 },
    ],
    ['bottomless depth', `{"a":${'['.repeat(90_000)}${']'.repeat(90_000)}}`, { output: expect.any(String) }],
  ])('wraps the result of a call: %s', (_, content, value) => {
    expect(sent([ask, calls(call('a')), result('a', content)]).contents).toMatchObject([
      {},
      {},
      user(response('f', value)),
    ]);
  });

  it('reads arguments as objects, keys of prototypes included', () => {
    const { contents } = sent([ask, calls(call('a', 'f', ''), call('b', 'f', '{"__proto__":{"x":1}}'))]);
    expect(JSON.stringify(contents)).toContain('"args":{}');
    expect(JSON.stringify(contents)).toContain('"args":{"__proto__":{"x":1}}');
    // A model that wrote something else gets it back inside an object.
    for (const args of ['[1]', '{', '7', `{"a":${'['.repeat(9_000)}${']'.repeat(9_000)}}`])
      expect(sent([ask, calls(call('a', 'f', args))])).toMatchObject({
        contents: [{}, model(sentCall('f', { _raw: args })), {}],
        changes: ['adapted messages[1].tool_calls[0].function.arguments'],
      });
  });

  it.each<readonly [string, object, object]>([
    [
      'a picture',
      { type: 'image_url', image_url: { url: PNG, detail: 'auto' } },
      { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
    ],
    [
      'a picture by its URL alone',
      { type: 'image_url', image_url: 'data:image/jpg;base64,BB' },
      { inlineData: { mimeType: 'image/jpeg', data: 'BB' } },
    ],
    [
      'a file of Google',
      { type: 'image_url', image_url: { url: 'https://generativelanguage.googleapis.com/v1beta/files/x1' } },
      { fileData: { fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/x1' } },
    ],
    [
      'a video of YouTube',
      { type: 'video_url', video_url: { url: 'https://www.youtube.com/watch?v=1' } },
      { fileData: { fileUri: 'https://www.youtube.com/watch?v=1' } },
    ],
    [
      'a file in Cloud Storage',
      { type: 'file', file: { file_id: 'gs://b/a.pdf' } },
      { fileData: { fileUri: 'gs://b/a.pdf', mimeType: 'application/pdf' } },
    ],
    [
      'a file by its id',
      { type: 'file', file: { file_id: 'files/x1' } },
      { fileData: { fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/x1' } },
    ],
    [
      'a document',
      { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,CC' } },
      { inlineData: { mimeType: 'application/pdf', data: 'CC' } },
    ],
    [
      'a document as bare bytes',
      { type: 'file', file: { filename: 'a.csv', file_data: 'CCCC' } },
      { inlineData: { mimeType: 'text/csv', data: 'CCCC' } },
    ],
    [
      'text in a URL',
      { type: 'file', file: { file_data: 'data:,a%20b' } },
      { inlineData: { mimeType: 'text/plain', data: 'YSBi' } },
    ],
    [
      'JSON, which is text to Gemini',
      { type: 'file', file: { file_data: 'data:application/json;base64,e30=' } },
      { inlineData: { mimeType: 'text/plain', data: 'e30=' } },
    ],
    [
      'some frames of a video',
      { type: 'video_url', video_url: { url: 'gs://b/a.mp4', video_metadata: { fps: 1 } } },
      { fileData: { fileUri: 'gs://b/a.mp4', mimeType: 'video/mp4' }, videoMetadata: { fps: 1 } },
    ],
    [
      'sound',
      { type: 'input_audio', input_audio: { data: 'DD', format: 'mp3' } },
      { inlineData: { mimeType: 'audio/mp3', data: 'DD' } },
    ],
  ])('carries %s', (_, part, wire) => {
    expect(sent([{ role: 'user', content: [part] }]).contents).toEqual([user(wire)]);
  });

  it.each<readonly [object, string]>([
    [{ type: 'hologram' }, 'messages[0].content[0].type'],
    [{ type: 'image_url', image_url: { url: 'data:nonsense' } }, 'messages[0].content[0].image_url.url'],
    [{ type: 'file', file: { file_id: 'file-123' } }, 'messages[0].content[0].file.file_id'],
    [{ type: 'file', file: {} }, 'messages[0].content[0].file'],
  ])('refuses %j', (part, param) => {
    expect(() => sent([{ role: 'user', content: [part] }])).toThrow(expect.objectContaining({ status: 400, param }));
  });

  it('says how closely to look where the model knows that, and else reports it', () => {
    const content = [
      { type: 'image_url', image_url: { url: PNG, detail: 'low' }, cache_control: { type: 'ephemeral' } },
    ];
    const level = { mediaResolution: { level: 'MEDIA_RESOLUTION_LOW' } };
    expect(sent([{ role: 'user', content }], { facts: NEWEST }).contents).toMatchObject([user(level)]);
    expect(sent([{ role: 'user', content }]).changes).toEqual([
      'dropped messages[0].content[0].cache_control',
      'dropped messages[0].content[0].image_url.detail',
    ]);
  });
});

describe('thought signatures', () => {
  const parts = (messages: readonly object[], how: How) => {
    const { contents, carriesState } = sent([ask, ...messages, ask], { facts: NEWEST, ...how });
    return { parts: (contents as readonly { parts: readonly object[] }[])[1]?.parts, carriesState };
  };
  const two = calls(call('a'), call('b'));
  const gemini = (id: string, signature?: string) => ({
    functionCall: { id, name: 'f', args: {} },
    ...(signature !== undefined && { thoughtSignature: signature }),
  });

  it.each<readonly [string, readonly object[], How, readonly object[], boolean]>([
    [
      'of the client',
      [calls(call('a', 'f', '{}', signedBy('s')), call('b'))],
      {},
      [gemini('a', 's'), gemini('b')],
      true,
    ],
    ['kept by the gateway', [two], { turns: { a: { signature: 'k' } } }, [gemini('a', 'k'), gemini('b')], true],
    [
      'in reasoning_details',
      [{ ...two, reasoning_details: [{ type: 'reasoning.encrypted', format: GEMINI_STATE, data: 'd', id: 'a' }] }],
      {},
      [gemini('a', 'd'), gemini('b')],
      true,
    ],
    [
      'of another family',
      [two],
      { turns: { a: { signature: 'k' } }, format: 'anthropic-claude-v1' },
      [gemini('a', NO_SIGNATURE), gemini('b')],
      false,
    ],
    ['lost', [two], {}, [gemini('a', NO_SIGNATURE), gemini('b')], false],
    [
      'of the second call alone',
      [calls(call('a'), call('b', 'f', '{}', signedBy('s')))],
      {},
      [gemini('a', NO_SIGNATURE), gemini('b', 's')],
      true,
    ],
    [
      'refused before',
      [calls(call('a', 'f', '{}', signedBy('s')))],
      { withoutState: true },
      [gemini('a', NO_SIGNATURE)],
      false,
    ],
    [
      'with an id of its own',
      [two],
      { turns: { a: { signature: 'k', id: 'long' } } },
      [gemini('long', 'k'), gemini('b')],
      true,
    ],
    ['for a model that needs none', [two], { facts: OLDER }, [sentCall(), sentCall()], false],
    [
      'for one that takes them',
      [calls(call('a', 'f', '{}', signedBy('s')))],
      { facts: OLDER },
      [{ ...sentCall(), thoughtSignature: 's' }],
      true,
    ],
    [
      'for one that does not think',
      [calls(call('a', 'f', '{}', signedBy('s')))],
      { facts: { ...OLDER, thinking: null } },
      [sentCall()],
      false,
    ],
    [
      'on Vertex AI, where an id is its own',
      [two],
      { host: 'vertex', turns: { a: { id: 'v1' } } },
      [gemini('v1', NO_SIGNATURE), sentCall()],
      false,
    ],
    [
      'of a text',
      [{ role: 'assistant', content: 'Hm', ...signedBy('t') }],
      {},
      [{ text: 'Hm', thoughtSignature: 't' }],
      true,
    ],
    [
      'of an empty text',
      [{ role: 'assistant', content: '', ...signedBy('t') }],
      {},
      [{ text: '', thoughtSignature: 't' }],
      true,
    ],
    [
      'of a text, in its details',
      [
        {
          role: 'assistant',
          content: 'Hm',
          reasoning_details: [{ type: 'reasoning.encrypted', format: GEMINI_STATE, data: 't' }],
        },
      ],
      {},
      [{ text: 'Hm', thoughtSignature: 't' }],
      true,
    ],
  ])('%s', (_, messages, how, expected, carriesState) => {
    expect(parts(messages, how)).toEqual({ parts: expected, carriesState });
  });

  it('belong to the turn they came with: results name the id that was sent', () => {
    const { contents } = sent([ask, two, result('b', 'B'), result('a', 'A')], {
      facts: NEWEST,
      turns: { a: { id: 'long' } },
    });
    expect(contents).toMatchObject([
      {},
      {},
      user(
        { functionResponse: { id: 'long', name: 'f', response: { output: 'A' } } },
        { functionResponse: { id: 'b', name: 'f', response: { output: 'B' } } },
      ),
    ]);
  });

  it('come with pictures inside results where the model takes them', () => {
    const content = [{ type: 'image_url', image_url: { url: PNG, detail: 'high' } }];
    const { contents, changes } = sent([ask, calls(call('a')), result('a', content)], { facts: NEWEST });
    // Such a part has no other members: `mediaResolution` would be refused.
    const parts = [{ inlineData: { mimeType: 'image/png', data: 'AAAA' } }];
    const functionResponse = { id: 'a', name: 'f', response: { output: '' }, parts };
    expect(contents).toEqual([expect.anything(), expect.anything(), user({ functionResponse })]);
    expect(changes).toEqual(['dropped messages[2].content[0].image_url.detail']);
  });
});
