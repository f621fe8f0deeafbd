import { InvalidRequestError } from '../../../domain/errors.js';
import { isObject, type Keywords, UnsatisfiableSchemaError } from '../schema/json-schema.js';
import { samplePattern } from '../schema/pattern-sample.js';
import { sampleJson } from '../schema/schema-sample.js';
import { SeededRandom } from '../schema/seeded-random.js';
import type { Tool } from './tool-choice.js';

/** The arguments of a function as JSON text that meets its schema; for a custom tool, what the user said or a text of its form. */
export function toolInput(tool: Tool, userText: string, seed: number): string {
  if (tool.kind === 'custom') return customInput(tool.format, userText, seed);
  const parameters = isObject(tool.parameters) ? tool.parameters : {};
  return met(tool.param, 'invalid_function_parameters', () => sampleJson({ type: 'object', ...parameters }, seed));
}

/** JSON text that meets the schema of a `json_schema` response format. */
export function structuredText(schema: Keywords | undefined, seed: number): string {
  const wanted = schema === undefined || Object.keys(schema).length === 0 ? { type: 'object' } : schema;
  return met('response_format', 'invalid_json_schema', () => sampleJson(wanted, seed));
}

function customInput(format: unknown, userText: string, seed: number): string {
  const grammar = isObject(format) && isObject(format['grammar']) ? format['grammar'] : {};
  const { syntax, definition } = grammar;
  const isPattern = syntax === 'regex' && typeof definition === 'string';
  const formed = isPattern ? samplePattern(definition, new SeededRandom(seed), 0, Infinity) : undefined;
  return formed ?? (userText === '' ? 'simulated input' : userText);
}

function met(param: string, code: string, sample: () => string): string {
  try {
    return sample();
  } catch (error) {
    if (!(error instanceof UnsatisfiableSchemaError)) throw error;
    throw new InvalidRequestError(`The simulator found no value for the schema in \`${param}\`. ${error.message}`, {
      param,
      code,
    });
  }
}
