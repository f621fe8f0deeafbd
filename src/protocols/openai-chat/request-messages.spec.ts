import type { ChatRequest } from '../../domain/chat.js';
import { pathsOf } from '../../domain/param-change.js';
import type { Quirks } from './quirks.js';
import { chatRequest } from './request.js';

const MESSAGES = [{ role: 'user', content: 'Hi' }];
const SCHEMA = { type: 'object', properties: { a: { type: 'string' } } };

interface Sent {
  readonly body: Readonly<Record<string, unknown>>;
  readonly dropped: readonly string[];
  readonly adapted: readonly string[];
}

function sent(quirks: Quirks, fields: object): Sent {
  const request = { model: 'm', messages: MESSAGES, ...fields } as ChatRequest;
  const { body, changes } = chatRequest(quirks, request, { model: 'm', baseModel: 'm' });
  return {
    body: JSON.parse(body) as Sent['body'],
    dropped: pathsOf(changes, 'dropped'),
    adapted: pathsOf(changes, 'adapted'),
  };
}

describe('messages of a chatRequest', () => {
  it('asks for a schema in words before all other messages', () => {
    const format = { type: 'json_schema', json_schema: { name: 'a', schema: SCHEMA } };
    const { body, adapted } = sent({ schemaInWords: true }, { messages: MESSAGES, response_format: format });
    expect(adapted).toEqual(['response_format']);
    expect(body).toEqual({
      model: 'm',
      messages: [{ role: 'system', content: expect.stringMatching(/json/i) }, ...MESSAGES],
      response_format: { type: 'json_object' },
    });
    expect(JSON.stringify(body['messages'])).toContain(JSON.stringify(JSON.stringify(SCHEMA)).slice(1, -1));
    const plain = { response_format: { type: 'json_object' } };
    expect(sent({ schemaInWords: true }, plain)).toMatchObject({ body: { ...plain, messages: MESSAGES }, adapted: [] });
    expect(sent({}, { response_format: format }).body).toMatchObject({ response_format: format, messages: MESSAGES });
  });

  it.each<readonly [string, Quirks, object, object, readonly string[]]>([
    [
      'developer as system',
      {},
      { role: 'developer', content: 'a', name: 'n' },
      { role: 'system', content: 'a', name: 'n' },
      [],
    ],
    [
      'developer kept',
      { developerRole: true },
      { role: 'developer', content: 'a' },
      { role: 'developer', content: 'a' },
      [],
    ],
    [
      'no empty list of calls',
      { developerRole: true },
      { role: 'assistant', content: 'a', tool_calls: [] },
      { role: 'assistant', content: 'a' },
      [],
    ],
    [
      'a name refused',
      { refuses: ['messages[].name'] },
      { role: 'user', content: 'a', name: 'n' },
      { role: 'user', content: 'a' },
      ['messages[1].name'],
    ],
    [
      'the name of a result kept',
      { refuses: ['messages[].name'] },
      { role: 'tool', content: 'a', name: 'n' },
      { role: 'tool', content: 'a', name: 'n' },
      [],
    ],
    [
      'reasoning kept',
      {},
      { role: 'assistant', reasoning_content: 'r' },
      { role: 'assistant', reasoning_content: 'r' },
      [],
    ],
    [
      'reasoning renamed',
      { replayReasoning: 'reasoning' },
      { role: 'assistant', reasoning_content: 'r' },
      { role: 'assistant', reasoning: 'r' },
      [],
    ],
    [
      'reasoning there already',
      { replayReasoning: 'reasoning' },
      { role: 'assistant', reasoning: 's', reasoning_content: 'r' },
      { role: 'assistant', reasoning: 's' },
      [],
    ],
    [
      'no reasoning to rename',
      { replayReasoning: 'reasoning' },
      { role: 'assistant', reasoning_content: null },
      { role: 'assistant' },
      [],
    ],
    [
      'reasoning dropped',
      { replayReasoning: 'drop' },
      { role: 'assistant', reasoning_content: 'r' },
      { role: 'assistant' },
      ['messages[1].reasoning_content'],
    ],
    [
      'reasoning dropped in all its forms, and told of once',
      { replayReasoning: 'drop' },
      { role: 'assistant', content: 'a', reasoning_content: '', reasoning: 'r', reasoning_details: [{ id: 1 }] },
      { role: 'assistant', content: 'a' },
      ['messages[1].reasoning'],
    ],
    [
      'null, which is absence, but for the content and what nobody knows',
      { refuses: ['messages[].name'], shortToolCallIds: true },
      {
        role: 'assistant',
        content: null,
        tool_calls: null,
        function_call: null,
        name: null,
        audio: null,
        refusal: null,
        x: null,
      },
      { role: 'assistant', content: null, x: null },
      [],
    ],
    [
      'empty reasoning dropped',
      { replayReasoning: 'drop' },
      { role: 'assistant', reasoning_content: '' },
      { role: 'assistant' },
      [],
    ],
  ])('%s', (_, quirks, message, expected, dropped) => {
    const { body, ...changes } = sent(quirks, { messages: [...MESSAGES, message] });
    expect(body['messages']).toEqual([...MESSAGES, expected]);
    expect(changes).toEqual({ dropped, adapted: [] });
  });

  it('gives short ids that still join results to their calls', () => {
    const call = (id: string) => ({ id, type: 'function', function: { name: 'look', arguments: '{}' } });
    const result = (id: string) => ({ role: 'tool', tool_call_id: id, content: '' });
    const ids = ['call_0123456789abcdef', 'call_0123456789abcdeX', 'nine9char', ''];
    const messages = [{ role: 'assistant', tool_calls: ids.map(call) }, ...ids.map(result)];
    const { body } = sent({ shortToolCallIds: true }, { messages });
    const [turn, ...results] = body['messages'] as readonly { tool_calls: { id: string }[]; tool_call_id: string }[];
    const short = turn?.tool_calls.map(({ id }) => id) ?? [];
    expect(short).toEqual(results.map(({ tool_call_id: id }) => id));
    expect(short.every((id) => /^[a-zA-Z0-9]{9}$/.test(id))).toBe(true);
    expect(new Set(short).size).toBe(ids.length);
    expect(short[2]).toBe('nine9char');
    expect(sent({}, { messages }).body['messages']).toEqual(messages);
  });
});
