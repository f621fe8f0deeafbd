import { ValidateBy } from 'class-validator';
import { InvalidRequestError } from '../domain/errors.js';
import { badType, badValue } from './field-errors.js';
import { checkMessages } from './message-rules.js';
import { checkTools } from './tool-rules.js';

/**
 * A rule of our own, as a class-validator decorator. It throws the very error the client reads, because the path of
 * a fault deep in a conversation (`messages[3].content[0].text`) is more than a validator can say.
 */
const rule = (name: string, check: (value: unknown, body: object) => void) => (): PropertyDecorator =>
  ValidateBy({
    name,
    validator: {
      validate: (value: unknown, args) => {
        check(value, args?.object ?? {});
        return true;
      },
    },
  });

export const IsMessages = rule('isMessages', checkMessages);
export const IsTools = rule('isTools', checkTools);

export const IsStop = rule('isStop', (stop) => {
  if (typeof stop === 'string') return;
  if (!Array.isArray(stop)) throw badType('stop', 'a string or an array of strings', stop);
  stop.forEach((item: unknown, index) => {
    if (typeof item !== 'string') throw badType(`stop[${index}]`, 'a string', item);
  });
});

export const IsStreamOptions = rule('isStreamOptions', (value) => {
  const options = asObject(value, 'stream_options');
  for (const name of ['include_usage', 'include_obfuscation']) {
    const option = options[name];
    if (option != null && typeof option !== 'boolean') throw badType(`stream_options.${name}`, 'a boolean', option);
  }
});

/** A boolean at OpenAI; Together takes a number. */
export const IsLogprobs = rule('isLogprobs', (logprobs) => {
  if (typeof logprobs !== 'boolean' && typeof logprobs !== 'number') throw badType('logprobs', 'a boolean', logprobs);
});

/** How many alternatives: only beside `logprobs`, or nothing would show them. */
export const NeedsLogprobs = rule('needsLogprobs', (_count, body) => {
  if ('logprobs' in body && body.logprobs != null && body.logprobs !== false) return;
  throw new InvalidRequestError("'top_logprobs' is only allowed when 'logprobs' is true.", {
    code: 'invalid_value',
    param: 'top_logprobs',
  });
});

/** `any` is Mistral's word for `required`. */
const CHOICES: readonly unknown[] = ['none', 'auto', 'required', 'any'];

export const IsToolChoice = rule('isToolChoice', (choice) => {
  if (typeof choice === 'string') {
    if (!CHOICES.includes(choice)) throw badValue('tool_choice', "'none', 'auto', 'required' or an object", choice);
    return;
  }
  const { type, function: fn } = asObject(choice, 'tool_choice');
  if (typeof type !== 'string') throw badType('tool_choice.type', 'a string', type);
  if (type !== 'function') return;
  const { name } = asObject(fn, 'tool_choice.function');
  if (typeof name !== 'string') throw badType('tool_choice.function.name', 'a string', name);
});

export const IsResponseFormat = rule('isResponseFormat', (format) => {
  const { type, json_schema: schema } = asObject(format, 'response_format');
  if (typeof type !== 'string') throw badType('response_format.type', 'a string', type);
  if (type !== 'json_schema') return;
  const { schema: inner } = asObject(schema, 'response_format.json_schema');
  if (inner != null) asObject(inner, 'response_format.json_schema.schema');
});

function asObject(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badType(path, 'an object', value);
  return value as Readonly<Record<string, unknown>>;
}
