import type { ArgumentMetadata } from '@nestjs/common';
import { IsInt, IsOptional, IsString } from 'class-validator';
import { ChatFieldsDto, ChatRequestDto } from '../chat/chat.dto.js';
import { CreateKeyDto } from '../access/keys/key.dto.js';
import { InvalidRequestError } from '../domain/errors.js';
import { BodyPipe } from './body.pipe.js';
import { DtoRules } from './dto-rules.js';

const pipe = new BodyPipe();
const MESSAGES = [{ role: 'user', content: 'Hi' }];
const RIGHT = { model: 'm', messages: MESSAGES };

const through = (body: unknown, metatype: NonNullable<ArgumentMetadata['metatype']> = ChatRequestDto): unknown =>
  pipe.transform(body, { type: 'body', metatype });

/** `code`, `param` and message of the refusal. */
function refusal(body: unknown, metatype?: ArgumentMetadata['metatype']): InvalidRequestError {
  try {
    through(body, metatype);
  } catch (error) {
    if (error instanceof InvalidRequestError) return error;
    throw error;
  }
  throw new Error(`taken as right: ${JSON.stringify(body)}`);
}

/** Every documented field at once, each with a value it may have. */
const FULL = {
  ...RIGHT,
  messages: [
    { role: 'developer', content: [{ type: 'text', text: 'a' }] },
    {
      role: 'user',
      content: [
        { type: 'image_url', image_url: { url: 'u' } },
        { type: 'input_audio', input_audio: { data: 'd', format: 'wav' } },
        { type: 'file', file: {} },
        { type: 'video_url' },
      ],
    },
    {
      role: 'assistant',
      content: null,
      tool_calls: [
        { id: 'c', type: 'function', function: { name: 'f', arguments: '' } },
        { id: 'd', type: 'custom', custom: { name: 'f', input: '' } },
      ],
    },
    { role: 'tool', tool_call_id: 'c', content: '' },
    { role: 'function', name: 'f', content: null },
  ],
  stream: true,
  stream_options: { include_usage: true },
  temperature: 2,
  top_p: 0,
  presence_penalty: -2,
  frequency_penalty: 2,
  max_tokens: 0,
  max_completion_tokens: 1,
  n: 128,
  seed: -1,
  stop: ['a'],
  logprobs: true,
  top_logprobs: 20,
  logit_bias: { 1: 2 },
  tools: [{ type: 'function', function: { name: 'f', parameters: {} } }, { type: 'custom' }],
  tool_choice: { type: 'function', function: { name: 'f' } },
  parallel_tool_calls: false,
  functions: [],
  response_format: { type: 'json_schema', json_schema: { name: 'a', schema: {} } },
  reasoning_effort: 'low',
  verbosity: 'low',
  service_tier: 'auto',
  user: 'u',
  safety_identifier: 's',
  prompt_cache_key: 'k',
  store: false,
  metadata: {},
  modalities: ['text'],
  audio: {},
  prediction: {},
  web_search_options: {},
  unknown: { anything: [] },
};

const withMessage = (message: unknown) => ({ messages: [...MESSAGES, message] });
const TYPE = 'invalid_type';
const MISSING = 'missing_required_parameter';
describe('BodyPipe', () => {
  it('takes a right body for right without the slow validator, and hands on the very object', () => {
    const rules = new DtoRules(ChatRequestDto);
    expect(rules.hold(FULL)).toBe(true);
    expect(Object.keys(FULL).filter((field) => !rules.fields.includes(field))).toEqual(['unknown']);
    expect(rules.fields.filter((field) => !(field in FULL))).toEqual([]);
    expect(through(FULL)).toBe(FULL);
    const nulls = {
      ...RIGHT,
      ...Object.fromEntries(rules.fields.filter((field) => !(field in RIGHT)).map((field) => [field, null])),
    };
    expect(rules.hold(nulls)).toBe(true);
    expect(through(nulls)).toBe(nulls);
  });

  it.each<readonly [object, string | null, string | null]>([
    [{ model: undefined }, null, null],
    [{ model: null }, null, null],
    [{ model: '' }, null, null],
    [{ model: 7 }, TYPE, 'model'],
    [{ messages: undefined }, MISSING, 'messages'],
    [{ messages: 'Hi' }, TYPE, 'messages'],
    [{ messages: [] }, 'empty_array', 'messages'],
    [{ messages: Array.from({ length: 10_001 }, () => MESSAGES[0]) }, 'array_above_max_length', 'messages'],
    [{ stream: 'true' }, TYPE, 'stream'],
    [{ stream_options: [] }, TYPE, 'stream_options'],
    [{ temperature: '1' }, TYPE, 'temperature'],
    [{ temperature: 2.1 }, 'decimal_above_max_value', 'temperature'],
    [{ top_p: -0.1 }, 'decimal_below_min_value', 'top_p'],
    [{ presence_penalty: 3 }, 'decimal_above_max_value', 'presence_penalty'],
    [{ frequency_penalty: -3 }, 'decimal_below_min_value', 'frequency_penalty'],
    [{ max_tokens: 1.5 }, TYPE, 'max_tokens'],
    [{ max_tokens: -1 }, 'integer_below_min_value', 'max_tokens'],
    [{ max_completion_tokens: '9' }, TYPE, 'max_completion_tokens'],
    [{ n: 0 }, 'integer_below_min_value', 'n'],
    [{ n: 129 }, 'integer_above_max_value', 'n'],
    [{ seed: 1.5 }, TYPE, 'seed'],
    [{ stop: 7 }, TYPE, 'stop'],
    [{ stop: ['a', 7] }, TYPE, 'stop[1]'],
    [{ logprobs: 'yes' }, TYPE, 'logprobs'],
    [{ top_logprobs: 21 }, 'integer_above_max_value', 'top_logprobs'],
    [{ logit_bias: [] }, TYPE, 'logit_bias'],
    [{ tools: {} }, TYPE, 'tools'],
    [{ tools: ['f'] }, TYPE, 'tools[0]'],
    [{ tools: [{ type: 7 }] }, TYPE, 'tools[0].type'],
    [{ tools: [{ type: 'function' }] }, MISSING, 'tools[0].function'],
    [{ tools: [{ type: 'function', function: {} }] }, MISSING, 'tools[0].function.name'],
    [{ tools: [{ type: 'function', function: { name: 'f', parameters: 'x' } }] }, TYPE, 'tools[0].function.parameters'],
    [{ tool_choice: 'maybe' }, 'invalid_value', 'tool_choice'],
    [{ tool_choice: {} }, MISSING, 'tool_choice.type'],
    [{ tool_choice: { type: 'function', function: {} } }, MISSING, 'tool_choice.function.name'],
    [{ parallel_tool_calls: 1 }, TYPE, 'parallel_tool_calls'],
    [{ functions: {} }, TYPE, 'functions'],
    [{ response_format: 'json' }, TYPE, 'response_format'],
    [{ response_format: {} }, MISSING, 'response_format.type'],
    [{ response_format: { type: 'json_schema' } }, MISSING, 'response_format.json_schema'],
    [
      { response_format: { type: 'json_schema', json_schema: { schema: [] } } },
      TYPE,
      'response_format.json_schema.schema',
    ],
    ...['reasoning_effort', 'verbosity', 'service_tier', 'user', 'safety_identifier', 'prompt_cache_key'].map(
      (field) => [{ [field]: 7 }, TYPE, field] as const,
    ),
    [{ store: 'no' }, TYPE, 'store'],
    ...['metadata', 'audio', 'prediction', 'web_search_options'].map(
      (field) => [{ [field]: 'x' }, TYPE, field] as const,
    ),
    [{ modalities: 'text' }, TYPE, 'modalities'],
    [withMessage('Hi'), TYPE, 'messages[1]'],
    [withMessage({ content: '' }), MISSING, 'messages[1].role'],
    [withMessage({ role: 'robot', content: '' }), 'invalid_value', 'messages[1].role'],
    [withMessage({ role: 'user' }), MISSING, 'messages[1].content'],
    [withMessage({ role: 'user', content: 7 }), TYPE, 'messages[1].content'],
    [withMessage({ role: 'user', content: [] }), 'empty_array', 'messages[1].content'],
    [withMessage({ role: 'user', content: [{}] }), MISSING, 'messages[1].content[0].type'],
    [withMessage({ role: 'user', content: [{ type: 'text' }] }), MISSING, 'messages[1].content[0].text'],
    [
      withMessage({ role: 'user', content: [{ type: 'image_url', image_url: {} }] }),
      MISSING,
      'messages[1].content[0].image_url.url',
    ],
    [
      withMessage({ role: 'user', content: [{ type: 'input_audio', input_audio: { data: '' } }] }),
      MISSING,
      'messages[1].content[0].input_audio.format',
    ],
    [withMessage({ role: 'user', content: [{ type: 'file', file: 'x' }] }), TYPE, 'messages[1].content[0].file'],
    [withMessage({ role: 'tool', content: '' }), MISSING, 'messages[1].tool_call_id'],
    [withMessage({ role: 'function', content: '' }), MISSING, 'messages[1].name'],
    [withMessage({ role: 'assistant', tool_calls: {} }), TYPE, 'messages[1].tool_calls'],
    [withMessage({ role: 'assistant', tool_calls: [{ id: 7 }] }), TYPE, 'messages[1].tool_calls[0].id'],
    [withMessage({ role: 'assistant', tool_calls: [{ id: 'c' }] }), MISSING, 'messages[1].tool_calls[0].function'],
    [
      withMessage({ role: 'assistant', tool_calls: [{ id: 'c', function: { name: 'f' } }] }),
      MISSING,
      'messages[1].tool_calls[0].function.arguments',
    ],
  ])('refuses %j', (fields, code, param) => {
    expect(refusal({ ...RIGHT, ...fields })).toMatchObject({ status: 400, type: 'invalid_request_error', code, param });
  });

  it('does not look for fields in prototypes', () => {
    expect(refusal(Object.create(RIGHT)).code).toBeNull();
  });

  it('lets fields that are called like methods through', () => {
    const body: unknown = JSON.parse(
      '{"__proto__":{"stream":7},"constructor":1,"toString":2,"model":"m","messages":[{"role":"user","content":"","__proto__":{"role":7}}]}',
    );
    expect(through(body)).toBe(body);
  });

  it('needs the model only where it is not in the path', () => {
    expect(through({ messages: MESSAGES }, ChatFieldsDto)).toEqual({ messages: MESSAGES });
    expect(refusal({ messages: MESSAGES }).message).toContain('you must provide a model parameter');
  });

  it('knows no other fields where the DTO is closed', () => {
    expect(refusal({ name: 'a', budgets: 1 }, CreateKeyDto)).toMatchObject({
      code: 'unknown_parameter',
      param: 'budgets',
    });
    expect(refusal(JSON.parse('{"name":"a","__proto__":1}'), CreateKeyDto)).toMatchObject({ param: '__proto__' });
    expect(through({ name: 'a' }, CreateKeyDto)).toEqual({ name: 'a' });
  });

  it.each([[null], ['text']])('needs an object, not %j', (body) => expect(refusal(body).status).toBe(400));

  it('is for bodies that have a DTO', () => {
    expect(pipe.transform('x', { type: 'param', metatype: String })).toBe('x');
    expect(pipe.transform('x', { type: 'body', metatype: Object })).toBe('x');
  });
});

describe('DtoRules', () => {
  class Parent {
    @IsString() readonly a!: string;
  }
  class Child extends Parent {
    @IsOptional() @IsInt() readonly b?: number;
    @IsOptional() @IsInt({ each: true }) readonly c?: number[];
  }

  it('holds what the parents ask too, and leaves to the validator what it does not settle itself', () => {
    const rules = new DtoRules(Child);
    expect([...rules.fields].sort()).toEqual(['a', 'b', 'c']);
    expect([{ a: 'x' }, { a: 'x', b: null }, { a: 'x', b: 1 }].map((body) => rules.hold(body))).toEqual([
      true,
      true,
      true,
    ]);
    expect([{}, { a: 1 }, { a: 'x', b: 'y' }, { a: 'x', c: [1] }].map((body) => rules.hold(body))).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(through({ a: 'x', c: [1] }, Child)).toEqual({ a: 'x', c: [1] });
    expect(refusal({ a: 'x', c: ['y'] }, Child).param).toBe('c');
  });
});
