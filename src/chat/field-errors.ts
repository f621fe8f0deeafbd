import { InvalidRequestError } from '../domain/errors.js';

/** A field that must be there and is not. */
export const missing = (param: string): InvalidRequestError =>
  new InvalidRequestError(`Missing required parameter: '${param}'.`, { code: 'missing_required_parameter', param });

/** A value of the wrong JSON type; an absent one is reported as missing. */
export function badType(param: string, expected: string, value: unknown): InvalidRequestError {
  if (value === undefined) return missing(param);
  return new InvalidRequestError(
    `Invalid type for '${param}': expected ${expected}, but got ${typeName(value)} instead.`,
    {
      code: 'invalid_type',
      param,
    },
  );
}

/** A value of the right type that is none of the known ones. */
export const badValue = (param: string, expected: string, value: string): InvalidRequestError =>
  new InvalidRequestError(`Invalid value: '${value.slice(0, 100)}'. Supported values are: ${expected}.`, {
    code: 'invalid_value',
    param,
  });

export const emptyArray = (param: string): InvalidRequestError =>
  new InvalidRequestError(
    `Invalid '${param}': empty array. Expected an array with minimum length 1, but got an empty array instead.`,
    {
      code: 'empty_array',
      param,
    },
  );

export const emptyText = (param: string): InvalidRequestError =>
  new InvalidRequestError(`Invalid '${param}': empty string. Expected a string with minimum length 1.`, {
    code: 'string_below_min_length',
    param,
  });

export const tooLong = (param: string, limit: number): InvalidRequestError =>
  new InvalidRequestError(`Invalid '${param}': array too long. Expected an array with maximum length ${limit}.`, {
    code: 'array_above_max_length',
    param,
  });

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
