import type { ChatRequest } from '../../domain/chat.js';
import { pathsOf } from '../../domain/param-change.js';
import type { Quirks } from './quirks.js';
import { chatRequest } from './request.js';

const HEAD = { model: 'm', messages: [{ role: 'user', content: 'Hi' }] };
const TOOLS = [{ type: 'function', function: { name: 'look' } }];
const NAMED = { type: 'function', function: { name: 'look' } };
const REASONS: Quirks = { refusesWhileReasoning: ['temperature', 'logprobs'] };
const UNSUPPORTED = 'unsupported_parameter';

function sent(quirks: Quirks, fields: object) {
  const request = { ...HEAD, ...fields } as ChatRequest;
  const { body, changes } = chatRequest(quirks, request, { model: 'm', baseModel: 'm' });
  return {
    body: JSON.parse(body) as object,
    dropped: pathsOf(changes, 'dropped'),
    adapted: pathsOf(changes, 'adapted'),
  };
}

interface Change {
  readonly dropped?: readonly string[];
  readonly adapted?: readonly string[];
}

type Row = readonly [what: string, quirks: Quirks, fields: object, body: object, change?: Change];

const ROWS: readonly Row[] = [
  [
    'tools where one that reasons has none',
    { ...REASONS, toolsWithoutReasoning: true },
    { tools: TOOLS, temperature: 1, reasoning_effort: 'high' },
    { tools: TOOLS, temperature: 1, reasoning_effort: 'none' },
    { adapted: ['reasoning_effort'] },
  ],
  [
    'tools where none is said to reason',
    { toolsWithoutReasoning: true },
    { tools: TOOLS, reasoning_effort: 'none' },
    { tools: TOOLS, reasoning_effort: 'none' },
  ],
  [
    'an effort without tools',
    { toolsWithoutReasoning: true },
    { tools: [], reasoning_effort: 'high' },
    { reasoning_effort: 'high' },
  ],
  [
    '`any`',
    { toolChoice: { required: 'any' } },
    { tools: TOOLS, tool_choice: 'required' },
    { tools: TOOLS, tool_choice: 'any' },
  ],
  [
    'a named choice where only `required` is unknown',
    { toolChoice: { required: 'auto' } },
    { tools: TOOLS, tool_choice: NAMED },
    { tools: TOOLS, tool_choice: NAMED },
  ],
  [
    'a choice that is known',
    { toolChoice: { required: 'auto', named: 'auto' } },
    { tools: TOOLS, tool_choice: 'none' },
    { tools: TOOLS, tool_choice: 'none' },
  ],
];

describe('tools of a chatRequest', () => {
  it.each(ROWS.map(([what, ...row]) => ({ what, row })))('$what', ({ row }) => {
    const [quirks, fields, body, { dropped = [], adapted = [] } = {}] = row;
    expect(sent(quirks, fields)).toEqual({ body: { ...HEAD, ...body }, dropped, adapted });
  });

  it.each<readonly [string, Quirks, object, string | null]>([
    ['no `required`', { toolChoice: { required: 'auto' } }, { tools: TOOLS, tool_choice: 'required' }, UNSUPPORTED],
    [
      'no `required`, called `any`',
      { toolChoice: { required: 'auto' } },
      { tools: TOOLS, tool_choice: 'any' },
      UNSUPPORTED,
    ],
    ['no named choice', { toolChoice: { named: 'auto' } }, { tools: TOOLS, tool_choice: NAMED }, UNSUPPORTED],
    ['`required` without tools', {}, { tool_choice: 'required' }, null],
    ['a named choice with no tool in the list', {}, { tools: [], tool_choice: NAMED }, null],
    ['a named choice with null for tools', {}, { tools: null, tool_choice: NAMED }, null],
  ])('refuses a forced tool that would not be called: %s', (_, quirks, fields, code) => {
    const error = { status: 400, type: 'invalid_request_error', code, param: 'tool_choice' };
    expect(() => sent(quirks, fields)).toThrow(expect.objectContaining(error));
  });
});
