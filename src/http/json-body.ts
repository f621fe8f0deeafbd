import { InvalidRequestError } from '../domain/errors.js';
import { findMembers, rememberSource } from '../domain/json-source.js';

/** Deeper than any schema of tools needs; a body that goes deeper would overflow the stack of whoever walks it. */
export const MAX_DEPTH = 128;

/** Parses a body, and remembers its text for whoever sends it on. Throws InvalidRequestError for all but an object. */
export function parseJsonObject(text: string): object {
  const json = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  const members = findMembers(json, MAX_DEPTH);
  if (members === undefined)
    throw new InvalidRequestError(`The body of your request is nested deeper than ${MAX_DEPTH} levels.`);
  const value = parse(json);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InvalidRequestError('The body of your request must be a JSON object.');
  rememberSource(value, { text: json, members });
  return value;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    // The parser's own message quotes the body, which may hold what nobody should read in a log.
    const [place = ''] = /at position \d+|end of JSON input/i.exec(error instanceof Error ? error.message : '') ?? [];
    throw new InvalidRequestError(`We could not parse the JSON body of your request${place && ` (${place})`}.`);
  }
}
