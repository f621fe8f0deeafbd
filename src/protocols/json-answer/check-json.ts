import type { Usage } from '../../domain/chat.js';
import { InvalidRequestError, UnfitAnswerError } from '../../domain/errors.js';
import { isObject } from '../json.js';
import type { Asked, JsonDemand } from '../protocol.js';
import { firstJson, isJson } from './first-json.js';
import { SchemaCheck } from './schema-check.js';

/**
 * The JSON in an answer's text, found to be what was asked for: the text itself, or what stands in it between fences
 * and prose. Throws UnfitAnswerError, with what the answer used, where there is none that fits.
 */
export function checkJson(text: string, demand: JsonDemand, usage?: Usage): string {
  const json = isJson(text) ? text : firstJson(text, openingOf(demand));
  if (json === undefined) throw invalid('it is not JSON', usage);
  const value: unknown = JSON.parse(json);
  const fault = faultOf(value, demand);
  if (fault !== undefined) throw invalid(fault, usage);
  return json;
}

/**
 * Refuses a schema no answer could be checked against, before anything is asked: the provider does not see to it, and
 * an answer that nobody has checked is not what was asked for.
 */
export function refuseUncheckable({ json }: Asked): void {
  if (json?.schema === undefined) return;
  try {
    SchemaCheck.of(json.schema);
  } catch (error) {
    const why = error instanceof Error ? error.message.slice(0, 300) : 'it is invalid';
    throw new InvalidRequestError(`The schema in 'response_format' cannot be used: ${why}.`, {
      code: 'invalid_json_schema',
      param: 'response_format',
    });
  }
}

function faultOf(value: unknown, { schema }: JsonDemand): string | undefined {
  if (schema !== undefined) return SchemaCheck.of(schema).fault(value);
  return isObject(value) ? undefined : 'it is no JSON object';
}

const OBJECT = /\{/;
const OBJECT_OR_LIST = /[[{]/;

/** Lists are looked for only where one is wanted: prose is full of square brackets. */
function openingOf({ schema }: JsonDemand): RegExp {
  const type = schema?.['type'];
  return type === 'array' || (Array.isArray(type) && type.includes('array')) ? OBJECT_OR_LIST : OBJECT;
}

/** Another attempt may well succeed, so this is the provider's failure and not the client's. */
const invalid = (fault: string, usage: Usage | undefined): UnfitAnswerError =>
  new UnfitAnswerError(`The model's answer is not the JSON that was asked for: ${fault}.`, usage);
