import type { ChatRequest } from '../../domain/chat.js';
import { InvalidRequestError } from '../../domain/errors.js';
import { findMembers, rememberSource } from '../../domain/json-source.js';
import { pathsOf } from '../../domain/param-change.js';
import type { Quirks } from './quirks.js';
import { chatRequest } from './request.js';

const TARGET = { model: 'wire-model', baseModel: 'base-model' };
const MESSAGES = [{ role: 'user', content: 'Hi' }];
const TOOLS = [{ type: 'function', function: { name: 'look' } }];

const REASONS: Quirks = { refusesWhileReasoning: ['temperature', 'logprobs'] };

interface Sent {
  readonly body: Readonly<Record<string, unknown>>;
  readonly dropped: readonly string[];
  readonly adapted: readonly string[];
}

/** What is sent for a request with these fields, without the model and messages that every request has. */
function sent(quirks: Quirks, fields: object, target = TARGET): Sent {
  const request = { model: 'name', messages: MESSAGES, ...fields } as ChatRequest;
  const { body, changes } = chatRequest(quirks, request, target);
  const { model, messages, ...rest } = JSON.parse(body) as Record<string, unknown>;
  expect([model, messages]).toEqual([target.model, MESSAGES]);
  return { body: rest, dropped: pathsOf(changes, 'dropped'), adapted: pathsOf(changes, 'adapted') };
}

type Row = readonly [what: string, quirks: Quirks, fields: object, body: object, change?: Partial<Omit<Sent, 'body'>>];

const PARAMETERS: readonly Row[] = [
  ['nothing to change', {}, { temperature: 0, y: null, x: [1] }, { temperature: 0, y: null, x: [1] }],
  [
    'refused fields',
    { refuses: ['seed', 'user'] },
    { seed: 1, user: 'u', top_p: 1 },
    { top_p: 1 },
    { dropped: ['seed', 'user'] },
  ],
  [
    'null, which is absence, but for a field nobody knows',
    { refuses: ['seed'], lacks: ['n'], limit: 'max_tokens' },
    { seed: null, n: null, max_tokens: null, top_p: null, stop: null, stream_options: null, top_k: null },
    { top_k: null },
  ],
  ['what it lacks, said to be off', { lacks: ['n', 'logprobs', 'tools'] }, { n: 1, logprobs: false, tools: [] }, {}],
  ['a field of another name', { renames: { seed: 'random_seed' } }, { seed: 7 }, { random_seed: 7 }],
  [
    'another name that the client used already',
    { renames: { seed: 'random_seed' } },
    { seed: 7, random_seed: 8 },
    { random_seed: 8 },
  ],
  [
    'both limits',
    {},
    { max_tokens: 5, max_completion_tokens: 6 },
    { max_completion_tokens: 6 },
    { dropped: ['max_tokens'] },
  ],
  ['both limits alike', {}, { max_tokens: 5, max_completion_tokens: 5 }, { max_completion_tokens: 5 }],
  [
    'the new limit at an old server',
    { limit: 'max_tokens' },
    { max_completion_tokens: 6 },
    { max_tokens: 6 },
    { adapted: ['max_completion_tokens'] },
  ],
  [
    'the old limit at a new server',
    { limit: 'max_completion_tokens' },
    { max_tokens: 6 },
    { max_completion_tokens: 6 },
    { adapted: ['max_tokens'] },
  ],
  ['the right limit', { limit: 'max_tokens' }, { max_tokens: 6 }, { max_tokens: 6 }],
  [
    'both limits at an old server',
    { limit: 'max_tokens' },
    { max_tokens: 5, max_completion_tokens: 6 },
    { max_tokens: 6 },
    { dropped: ['max_tokens'], adapted: ['max_completion_tokens'] },
  ],
  [
    'an effort by another word',
    { effort: { minimal: { reasoning_effort: 'low' } } },
    { reasoning_effort: 'minimal' },
    { reasoning_effort: 'low' },
    { adapted: ['reasoning_effort'] },
  ],
  [
    'an effort that is a switch',
    { effort: { none: { thinking: { type: 'disabled' } } } },
    { reasoning_effort: 'none' },
    { thinking: { type: 'disabled' } },
    { adapted: ['reasoning_effort'] },
  ],
  [
    'an effort beside the switch itself',
    { effort: { none: { thinking: { type: 'disabled' } } } },
    { reasoning_effort: 'none', thinking: { type: 'enabled' } },
    { thinking: { type: 'enabled' } },
    { adapted: ['reasoning_effort'] },
  ],
  ['an effort that is known', { effort: { none: {} } }, { reasoning_effort: 'high' }, { reasoning_effort: 'high' }],
  [
    'an effort called like a method',
    { effort: { none: {} } },
    { reasoning_effort: 'constructor' },
    { reasoning_effort: 'constructor' },
  ],
  [
    'too warm',
    { temperature: { min: 0.01, max: 1 } },
    { temperature: 1.7 },
    { temperature: 1 },
    { adapted: ['temperature'] },
  ],
  [
    'too cold',
    { temperature: { min: 0.01, max: 1 } },
    { temperature: 0 },
    { temperature: 0.01 },
    { adapted: ['temperature'] },
  ],
  ['warm enough', { temperature: { min: 0.01, max: 1 } }, { temperature: 1 }, { temperature: 1 }],
  ['too warm without an upper bound', { temperature: { min: 0.5 } }, { temperature: 2 }, { temperature: 2 }],
  ['empty lists', {}, { tools: [], functions: [], stop: [] }, {}],
  ['a choice without tools', {}, { tool_choice: 'auto', parallel_tool_calls: null }, {}],
  [
    'parallel calls without tools',
    {},
    { tools: [], tool_choice: 'none', parallel_tool_calls: true },
    {},
    { dropped: ['parallel_tool_calls'] },
  ],
  [
    'what is refused to one that reasons',
    REASONS,
    { temperature: 1, logprobs: true },
    { temperature: 1, logprobs: true },
  ],
  [
    'the same while it reasons',
    REASONS,
    { reasoning_effort: 'low', temperature: 1, logprobs: true, seed: 1 },
    { reasoning_effort: 'low', seed: 1 },
    { dropped: ['temperature', 'logprobs'] },
  ],
  [
    'the same while it does not',
    REASONS,
    { reasoning_effort: 'none', temperature: 1 },
    { reasoning_effort: 'none', temperature: 1 },
  ],
  ['a stream: usage is asked for', {}, { stream: true }, { stream: true, stream_options: { include_usage: true } }],
  [
    'a stream with other options',
    {},
    { stream: true, stream_options: { include_usage: false, x: 1 } },
    { stream: true, stream_options: { include_usage: true, x: 1 } },
  ],
  [
    'a stream at a server without options',
    { noStreamOptions: true },
    { stream: true, stream_options: { include_usage: true } },
    { stream: true },
  ],
  [
    'stream options without a stream',
    {},
    { stream: false, stream_options: { include_usage: true } },
    { stream: false },
  ],
];

describe('chatRequest', () => {
  it.each(PARAMETERS.map(([what, ...row]) => ({ what, row })))('parameters: $what', ({ row }) => {
    const [quirks, fields, body, { dropped = [], adapted = [] } = {}] = row;
    expect(sent(quirks, fields)).toEqual({ body, dropped, adapted });
  });

  it.each([
    ['n', { n: 2 }],
    ['logprobs', { logprobs: true }],
    ['tools', { tools: TOOLS }],
  ] as const)('refuses %s where an answer without it would mean something else', (param, fields) => {
    const act = () => sent({ lacks: [param] }, fields);
    expect(act).toThrow(InvalidRequestError);
    expect(act).toThrow(expect.objectContaining({ status: 400, code: 'unsupported_parameter', param }));
    expect(sent({}, fields).body).toMatchObject(fields);
  });

  it('lays the rules of the base model over those of the provider', () => {
    const quirks: Quirks = {
      limit: 'max_tokens',
      refuses: ['user'],
      models: [
        { match: /^o/, rules: { limit: 'max_completion_tokens', refuses: ['temperature'] } },
        { match: /^o3/, rules: { refuses: ['top_p'] } },
      ],
    };
    const fields = { max_tokens: 1, temperature: 1, top_p: 1, user: 'u' };
    expect(sent(quirks, fields, { model: 'my-deployment', baseModel: 'o3' }).body).toEqual({
      max_completion_tokens: 1,
      top_p: 1,
    });
    expect(sent(quirks, fields, { model: 'o3', baseModel: 'gpt' }).body).toEqual({
      max_tokens: 1,
      temperature: 1,
      top_p: 1,
    });
  });

  it('changes no byte but those of the members it must', () => {
    const kept =
      '"seed":12345678901234567890,"top_p":1.0,"messages":[ {"role":"user","content":"\\u0041"} ],"x":{"__proto__":1}';
    const text = `{"model":"a", ${kept}, "stream":true}`;
    const request = JSON.parse(text) as ChatRequest;
    rememberSource(request, { text, members: findMembers(text, 100) ?? [] });
    expect(chatRequest({}, request, TARGET).body).toBe(
      `{"model":"wire-model",${kept},"stream":true,"stream_options":{"include_usage":true}}`,
    );
  });

  it('sends the very text where even the model is the same', () => {
    const text = '{ "model": "wire-model", "messages": [{"role":"user","content":"a"}], "n": 1.0 }';
    const request = JSON.parse(text) as ChatRequest;
    rememberSource(request, { text, members: findMembers(text, 100) ?? [] });
    expect(chatRequest({}, request, TARGET).body).toBe(text);
    expect(chatRequest({ developerRole: true, replayReasoning: 'drop' }, request, TARGET).body).toBe(text);
  });
});
